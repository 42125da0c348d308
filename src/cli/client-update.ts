/** What of a client can be changed, and what that costs. Its id, its environment and its type stay for good. */
import { Option, type Command } from 'commander'
import { dpopSettings, isUsable, type Client, type DpopSetting } from '../clients/client.ts'
import { grantObjection } from '../clients/registration.ts'
import type { ScopeChange } from '../clients/rows.ts'
import type { GrantType } from '../oauth/grant-types.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import { counted } from '../phrases.ts'
import { readAccessTokenTtl, readGrantOrNone, readName, readReference, readScopes, secondsOf, type AccessTokenTtl } from './arguments.ts'
import { addAuthenticationOptions, chosenAuthentication, missingCredentials, type AuthenticationOptions } from './client-authentication.ts'
import { addExchangeOptions, chosenExchangeResources, type ExchangeOptions } from './client-exchange.ts'
import { findOrganization, findResource, findScopes, refuse } from './find.ts'
import { differing, isEmpty, type Plan, type Updating } from './noun.ts'
import type { Session } from './session.ts'

interface UpdateOptions extends AuthenticationOptions, ExchangeOptions {
  readonly name?: string
  readonly organization?: string
  readonly scope?: readonly string[]
  readonly addScope?: readonly string[]
  readonly removeScope?: readonly string[]
  readonly grant?: readonly GrantType[]
  readonly resourceServer?: string
  readonly accessTokenTtl?: AccessTokenTtl
  readonly dpop?: DpopSetting
  readonly certificateBoundTokens?: 'on' | 'off'
  readonly yes?: boolean
}

export const ttlFlags = '--access-token-ttl <duration>'
export const ttlMeaning = 'how long its new tokens live: 60s to 30d, or default (25h); a resource may allow less'
export const bindingFlags = '--certificate-bound-tokens <state>'
export const bindingMeaning = 'whether its new tokens are bound to the certificate of its TLS connection, without which it gets none'
export const dpopFlags = '--dpop <when>'
export const dpopMeaning = 'whether its new tokens are bound to the key of a DPoP proof: never, if it sends one, always'

export const clientUpdating: Updating<Client, UpdateOptions> = {
  description: 'Change a client: only what is named changes. Its id, its environment and its type stay for good. Tokens that were issued already keep their scopes and their lifetime.',
  examples: [
    'signet client update cl_live_... --add-scope tournaments:write',
    'signet client update cl_live_... --access-token-ttl 1h --name "Partner backend, Europe"',
    'signet client update cl_live_... --organization "Other Games" --yes'
  ],
  addOptions: (command: Command) => addAuthenticationOptions(addExchangeOptions(command
    .option('--name <name>', 'what people call it, 1 to 100 printable characters', readName)
    .addOption(new Option('--scope <scopes>', 'what it may ask for from now on, separated by spaces, in place of what it has').argParser(readScopes).conflicts(['addScope', 'removeScope']))
    .option('--add-scope <scopes>', 'what it may ask for besides', readScopes)
    .option('--remove-scope <scopes>', 'what it may not ask for any more', readScopes)
    .option('--grant <type>', 'a grant type that it may use from now on, as the metadata lists them; may be repeated; none takes all away', readGrantOrNone)
    .option('--resource-server <id-or-identifier>', 'the resource that it stands for from now on; none for none', readReference), 'update'), 'update')
    .option(ttlFlags, ttlMeaning, readAccessTokenTtl)
    .addOption(new Option(dpopFlags, dpopMeaning).choices(dpopSettings))
    .addOption(new Option(bindingFlags, bindingMeaning).choices(['on', 'off']))
    .option('--organization <id-or-name>', 'another owner; all tokens that it has die, for good', readReference)
    .option('--yes', 'do not ask; required for another owner where there is no terminal'),
  plan
}

async function plan (row: Client, options: UpdateOptions, session: Session): Promise<Plan> {
  const owner = options.organization === undefined ? undefined : await findOrganization(session, options.organization)
  const resourceId = options.resourceServer === 'none' ? null : options.resourceServer === undefined ? undefined : (await findResource(session, options.resourceServer)).id
  const { change, deprecated } = await readScopeChange(row, options, session)
  const patch = differing(row, {
    name: options.name,
    organizationId: owner?.id,
    grants: options.grant,
    resourceId,
    accessTokenTtlSeconds: options.accessTokenTtl === undefined ? undefined : secondsOf(options.accessTokenTtl),
    dpop: options.dpop,
    certificateBoundTokens: options.certificateBoundTokens === undefined ? undefined : options.certificateBoundTokens === 'on',
    exchangeResources: await chosenExchangeResources(row, options, session),
    ...chosenAuthentication(options)
  })
  const objection = grantObjection(row.type, options.grant ?? [])
  if (objection !== undefined) refuse(objection)
  const isMoved = patch.organizationId !== undefined
  const notes = [
    ...deprecated.map(noteDeprecated),
    ...(change.remove.length > 0 ? [`tokens that were issued already keep ${change.remove.join(', ')} until they expire`] : []),
    ...('accessTokenTtlSeconds' in patch ? ['tokens that were issued already keep their lifetime'] : []),
    ...(row.exchangeResources.some((id) => patch.exchangeResources?.includes(id) === false) ? ['tokens that it exchanged already live on until they expire'] : []),
    ...noteBinding(patch),
    ...(['authenticationMethods', 'jwksUri', 'certificateSubject', 'certificateThumbprints'].some((name) => name in patch) ? missingCredentials({ ...row, ...patch }, session.clock()) : []),
    ...(isMoved ? ['all tokens that it had are revoked'] : [])
  ]
  const scopes = change.add.length + change.remove.length > 0 ? { scopes: change } : {}
  return {
    save: isEmpty(patch) && isEmpty(scopes) ? undefined : () => session.clients.update(row.id, { ...patch, ...scopes }),
    question: isMoved ? describeMove(row, `${owner?.id ?? ''} (${owner?.name ?? ''})`, session) : undefined,
    notes
  }
}

async function readScopeChange (row: Client, options: UpdateOptions, session: Session): Promise<{ readonly change: ScopeChange, readonly deprecated: readonly string[] }> {
  const { scope, addScope = [], removeScope = [] } = options
  const contradictory = addScope.filter((name) => removeScope.includes(name))
  if (contradictory.length > 0) throw new OperatorError(`--add-scope and --remove-scope both name ${contradictory.join(', ')}: decide on one.`, { exitCode: exitCodes.usage })
  const wanted = await findScopes(session, scope ?? addScope)
  await findScopes(session, removeScope)
  const added = wanted.filter(({ name }) => !row.scopes.has(name))
  const removed = [...row.scopes].filter((name) => scope === undefined ? removeScope.includes(name) : !scope.includes(name))
  return {
    change: { add: added.map(({ name }) => name), remove: removed.sort() },
    deprecated: added.filter(({ isDeprecated }) => isDeprecated).map(({ name }) => name)
  }
}

export function noteDeprecated (scope: string): string {
  return `the scope ${scope} is deprecated: it works, but what is new had better use another one`
}

function noteBinding ({ dpop, certificateBoundTokens }: Partial<Pick<Client, 'dpop' | 'certificateBoundTokens'>>): string[] {
  return [
    ...(dpop === 'required' ? ['it gets no tokens without a DPoP proof any more'] : []),
    ...(certificateBoundTokens === true ? ['it gets no tokens without a client certificate any more'] : []),
    ...(dpop === undefined && certificateBoundTokens === undefined ? [] : ['tokens that were issued already stay as they are'])
  ]
}

function describeMove ({ id, name, organizationId, secrets }: Client, owner: string, { clock }: Session): string {
  const usable = [...secrets.values()].filter((secret) => isUsable(secret, clock())).length
  return `Move the client ${id} (${name}) from the organization ${organizationId} to ${owner}?\n` +
    `All tokens that it has die for good. Its secrets stay, ${counted(usable, 'usable one')} among them.\nMoving it back does not bring the tokens back.`
}
