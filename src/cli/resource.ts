import type { Command } from 'commander'
import type { Client } from '../clients/client.ts'
import { signingAlgorithms } from '../oauth/signing-algorithms.ts'
import { counted, listed } from '../phrases.ts'
import type { Resource } from '../resources/resource.ts'
import { readAccessTokenTtl, readIdentifier, readName, readSigningAlgorithm, readYesOrNo, secondsOf, type AccessTokenTtl, type SigningAlgorithmOrDefault, type YesOrNo } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { addDelete } from './delete.ts'
import { findResource, refuse } from './find.ts'
import { examples } from './help.ts'
import { describeLosers, refuseManagedLosers } from './losers.ts'
import { refuseManaged } from './managed.ts'
import { addShow, addUpdate, differing, isEmpty, type Noun } from './noun.ts'
import type { Json } from './output.ts'
import { columnsOf, stateOf, timeOf } from './present.ts'
import type { Session } from './session.ts'
import { addSwitch } from './switch.ts'

const noun: Noun<Resource> = {
  word: 'resource',
  isAudited: false,
  argument: { name: 'resource', meaning: 'its id or identifier', example: 'https://api.example.com' },
  find: findResource,
  keyOf: ({ id }) => id,
  titleOf: ({ identifier, name }) => `the resource ${identifier} (${name})`,
  ownershipOf: (resource) => resource,
  present
}

const ttlFlags = '--access-token-ttl <duration>'
const ttlMeaning = 'the longest that new tokens for it live: 60s to 30d, or default (25h); a client may have less'
const mixingMeaning = 'whether a token may be for it and for others that allow it too: yes or no (default: no)'
const mixingFlags = '--allows-mixing <yes-or-no>'
const algorithmFlags = '--signing-algorithm <algorithm>'
const algorithmMeaning = `how new tokens for it are signed: ${signingAlgorithms.join(', ')}, or default (the first of SIGNING_ALGORITHMS)`

interface UpdateOptions {
  readonly name?: string
  readonly accessTokenTtl?: AccessTokenTtl
  readonly allowsMixing?: YesOrNo
  readonly signingAlgorithm?: SigningAlgorithmOrDefault
}

interface CreateOptions extends UpdateOptions {
  readonly identifier: string
  readonly name: string
}

export function addResourceCommands (program: Command, context: CommandContext): void {
  const resource = program.command('resource')
    .description('Resources: the APIs that tokens are for. A resource defines scopes.')
    .addHelpText('after', examples('signet resource create --identifier https://api.example.com --name "Sample API"', 'signet resource list'))
  addCreate(resource, context)
  addList(resource, context)
  addShow(resource, context, noun, {
    description: 'Show one resource with its scopes and the clients that stand for it at introspection.',
    details: async ({ id }, session) => ({
      resource_clients: (await standIns(session, id)).map((client) => ({ client_id: client.id, name: client.name, environment: client.environment, state: stateOf(client) }))
    })
  })
  addUpdate(resource, context, noun, {
    description: 'Change a resource. Its identifier stays for good: it is the aud of the tokens that are out there, and what APIs compare it with. For another identifier create another resource.',
    examples: ['signet resource update https://api.example.com --name "Tournament API"', 'signet resource update https://api.example.com --access-token-ttl 1h'],
    addOptions: (command) => command
      .option('--name <name>', 'what people call it, 1 to 100 printable characters', readName)
      .option(ttlFlags, ttlMeaning, readAccessTokenTtl)
      .option(mixingFlags, 'whether new tokens may be for it and for others that allow it too: yes or no', readYesOrNo)
      .option(algorithmFlags, algorithmMeaning, readSigningAlgorithm),
    plan (row, { name, accessTokenTtl, allowsMixing, signingAlgorithm }: UpdateOptions, { resources }) {
      const patch = differing(row, {
        name,
        accessTokenTtlSeconds: accessTokenTtl === undefined ? undefined : secondsOf(accessTokenTtl),
        allowsMixing: allowsMixing === undefined ? undefined : allowsMixing === 'yes',
        signingAlgorithm: signingAlgorithm === 'default' ? null : signingAlgorithm
      })
      return {
        save: isEmpty(patch) ? undefined : () => resources.update(row.id, patch),
        notes: [
          ...'accessTokenTtlSeconds' in patch ? ['tokens that were issued already keep their lifetime'] : [],
          ...patch.allowsMixing === false ? ['tokens that are for it and for others live on until they expire'] : [],
          ...'signingAlgorithm' in patch ? ['tokens that were issued already stay as they are; an API that accepts one algorithm only must accept the new one'] : []
        ]
      }
    }
  })
  addSwitch(resource, context, noun, {
    disable: {
      description: 'Disable a resource: nobody gets tokens for it, and those that are out there are inactive at introspection, until it is enabled again.',
      note: 'the resource is disabled'
    },
    enable: { description: 'Enable a resource that was disabled. Tokens for it that have not expired are active again.', note: 'the resource is enabled' },
    set: ({ resources }, { id }, disabledAt) => resources.update(id, { disabledAt, disabledBy: null })
  })
  addDelete(resource, context, noun, {
    description: 'Delete a resource with its scopes, which clients lose. It is refused while a client stands for it.',
    losses: describeDeletion,
    remove: ({ resources }, { id }) => resources.remove(id)
  })
}

function addCreate (resource: Command, { output, withSession }: CommandContext): void {
  resource.command('create')
    .description('Create a resource. Its identifier becomes the audience (aud) of the tokens that are issued for it.')
    .requiredOption('--identifier <uri>', 'an absolute URI without a fragment (RFC 8707 §2); unique, compared character by character, and there for good', readIdentifier)
    .requiredOption('--name <name>', 'what people call it, 1 to 100 printable characters', readName)
    .option(ttlFlags, ttlMeaning, readAccessTokenTtl)
    .option(mixingFlags, mixingMeaning, readYesOrNo)
    .option(algorithmFlags, algorithmMeaning, readSigningAlgorithm)
    .addHelpText('after', examples('signet resource create --identifier https://api.example.com --name "Sample API"'))
    .action(({ identifier, name, accessTokenTtl = 'default', allowsMixing, signingAlgorithm = 'default' }: CreateOptions) => withSession(async ({ resources }) => {
      await output.record(present(await resources.create({
        identifier, name, accessTokenTtlSeconds: secondsOf(accessTokenTtl), allowsMixing: allowsMixing === 'yes', signingAlgorithm: signingAlgorithm === 'default' ? null : signingAlgorithm
      })))
    }))
}

function addList (resource: Command, { output, withSession }: CommandContext): void {
  resource.command('list')
    .description('List all resources with their scopes, oldest first.')
    .addHelpText('after', examples('signet resource list', 'signet resource list --json'))
    .action(() => withSession(async ({ resources }) => {
      const rows = (await resources.readAll()).map(present)
      await output.list(rows, columnsOf(rows, ['resource_id', 'identifier', 'name', 'scopes'], ['state', 'managed_by']))
    }))
}

async function standIns ({ clients }: Session, id: string): Promise<readonly Client[]> {
  return (await clients.readAll()).filter(({ resourceId }) => resourceId === id)
}

async function describeDeletion ({ id, identifier, scopes }: Resource, session: Session): Promise<string> {
  const inTheWay = await standIns(session, id)
  if (inTheWay.length > 0) {
    refuse(`The resource ${identifier} still has ${counted(inTheWay.length, 'client')} that ${inTheWay.length === 1 ? 'stands' : 'stand'} for it: ${listed(inTheWay.map((client) => client.id))}. ` +
      'Delete every one first with: signet client delete CLIENT. Or let it stand for none with: signet client update CLIENT --resource-server none')
  }
  for (const scope of scopes) refuseManaged(`the scope ${scope.name}`, scope)
  const clients = await session.clients.readAll()
  const names = scopes.map(({ name }) => name)
  refuseManagedLosers(clients, names)
  const exchanging = clients.filter(({ exchangeResources }) => exchangeResources.includes(id))
  for (const client of exchanging) refuseManaged(`the client ${client.id} (${client.name}), which may exchange tokens for it,`, client)
  const losses = scopes.length === 0 ? ['It has no scopes.'] : [`It has ${counted(scopes.length, 'scope')}: ${listed(names)}.`, describeLosers(clients, names)]
  if (exchanging.length > 0) losses.push(`${counted(exchanging.length, 'client')} may exchange tokens for it: ${listed(exchanging.map((client) => client.id))}.`)
  return `${losses.join(' ')}\nTokens for it are inactive at introspection; an API that verifies them on its own takes them until they expire.`
}

function present (resource: Resource): Json {
  return {
    resource_id: resource.id,
    identifier: resource.identifier,
    name: resource.name,
    state: stateOf(resource),
    scopes: resource.scopes.map(({ name }) => name),
    access_token_ttl_seconds: resource.accessTokenTtlSeconds,
    allows_mixing: resource.allowsMixing,
    signing_algorithm: resource.signingAlgorithm,
    created_at: timeOf(resource.createdAt),
    disabled_at: timeOf(resource.disabledAt),
    disabled_by: resource.disabledBy,
    managed_by: resource.managedBy
  }
}
