import { defaultDpopSetting, type Client } from '../clients/client.ts'
import { readThumbprint } from '../clients/certificate-thumbprint.ts'
import { grantsByDefault, scopesByDefault, type ScopeChoice } from '../clients/registration.ts'
import type { ConfiguredClient } from '../clients/rows.ts'
import type { Resource } from '../resources/resource.ts'
import type { Draft, PlanInput } from './changes.ts'
import { changedAuthentication, describedAuthentication, lacksSecret, wantedAuthentication } from './client-authentication.ts'
import type { ClientEntry } from './document.ts'
import { belongsToAnother, heldWarning, otherOwner, settle, takenOver } from './ownership.ts'
import { isShorter, lifetimeChange } from './plan-resources.ts'
import { differences, longestLifetime, ownApis, quoted } from './words.ts'

/** What there is once the file has been applied. */
export interface Afterwards {
  /** Ids by identifier. */
  readonly resources: ReadonlyMap<string, string>
  readonly scopes: readonly ScopeChoice[]
}

interface Wanted {
  readonly row: ConfiguredClient
  readonly scopes: readonly string[]
  readonly turned: 'off' | 'on' | undefined
}

/** @returns the clients of the file that may be planned, with what they are now */
export function planClients (input: PlanInput, afterwards: Afterwards, draft: Draft): ReadonlyMap<string, Client | undefined> {
  const existing = new Map(input.state.clients.map((client) => [client.id, client]))
  const owners = ownersOfScopes(input.state.resources)
  const identifiers = new Map(input.state.resources.map(({ id, identifier }) => [id, identifier]))
  const planned = new Map<string, Client | undefined>()
  for (const [id, entry] of Object.entries(input.file.document.clients ?? {})) {
    const current = existing.get(id)
    if (current !== undefined && belongsToAnother(current, input.file.name)) {
      draft.refuse(['clients', id], otherOwner(current))
      continue
    }
    if (current !== undefined && current.type !== (entry.type ?? 'service')) {
      draft.refuse(['clients', id, ...entry.type === undefined ? [] : ['type']], otherType(current))
      continue
    }
    planned.set(id, current)
    const wanted = wish(id, entry, current, input, afterwards, draft)
    if (current === undefined) create(wanted, entry, draft)
    else update(current, wanted, { owners, before: identifiers, entry }, draft)
  }
  return planned
}

function wish (id: string, entry: ClientEntry, current: Client | undefined, { file, now }: PlanInput, afterwards: Afterwards, draft: Draft): Wanted {
  const { turned, isHeld, ...disabling } = settle(current, entry.disabled ?? false, file.name, now)
  if (isHeld) draft.warnings.push(heldWarning(`The client ${id}`))
  const resourceId = entry.resource_server === undefined ? null : afterwards.resources.get(entry.resource_server) ?? null
  const scopes = entry.scopes ?? scopesByDefault(afterwards.scopes, resourceId)
  const type = entry.type ?? 'service'
  const row: ConfiguredClient = {
    id,
    organizationId: entry.organization,
    name: entry.name,
    environment: id.startsWith('cl_test_') ? 'test' : 'live',
    type,
    grants: entry.grants ?? grantsByDefault(scopes, resourceId, type),
    resourceId,
    accessTokenTtlSeconds: entry.access_token_ttl_seconds ?? null,
    dpop: entry.dpop ?? defaultDpopSetting,
    certificateBoundTokens: entry.certificate_bound_tokens ?? false,
    certificateSubject: entry.certificate_subject ?? null,
    certificateThumbprints: [...new Set((entry.certificate_thumbprints ?? []).flatMap((text) => readThumbprint(text) ?? []))],
    exchangeResources: [...new Set((entry.exchange_resources ?? []).flatMap((identifier) => afterwards.resources.get(identifier) ?? []))].sort(),
    ...wantedAuthentication(entry),
    ...disabling,
    managedBy: file.name
  }
  return { row, scopes, turned }
}

function create ({ row, scopes, turned }: Wanted, entry: ClientEntry, draft: Draft): void {
  draft.writes.clients.create.push(row)
  draft.writes.granted.add.push(...scopes.map((scopeName) => ({ clientId: row.id, scopeName })))
  draft.note('create', 'client', row.id, [
    quoted(row.name), `of ${row.organizationId}`, ...row.type === 'jwt' ? ['a JWT client'] : [], `scopes ${scopes.join(' ') || 'none'}`,
    ...entry.resource_server === undefined ? [] : [`stands for ${entry.resource_server}`], ...row.dpop === defaultDpopSetting ? [] : [`DPoP ${row.dpop}`], ...row.certificateBoundTokens ? ['tokens bound to its certificate'] : [],
    ...describedAuthentication(row), ...row.exchangeResources.length === 0 ? [] : [`may exchange tokens for ${(entry.exchange_resources ?? []).join(' ')}`], ...turned === 'off' ? ['disabled'] : []
  ], lacksSecret(row, entry) ? [`It has no secret yet. Give it one with: signet secret add ${row.id}`] : [])
}

interface Surroundings {
  readonly owners: ReadonlyMap<string, Resource>
  /** Identifiers of the resources that there are, by id. */
  readonly before: ReadonlyMap<string, string>
  readonly entry: ClientEntry
}

function update (current: Client, { row, scopes, turned }: Wanted, { owners, before, entry }: Surroundings, draft: Draft): void {
  const [gained, lost] = differences([...current.scopes], scopes)
  const [newGrants, lostGrants] = differences(current.grants, row.grants)
  const isMoved = current.organizationId !== row.organizationId
  const exchanges = current.exchangeResources.flatMap((id) => before.get(id) ?? [])
  const [newExchanges, lostExchanges] = differences(exchanges, entry.exchange_resources ?? [])
  const standsFor = current.resourceId === null ? undefined : before.get(current.resourceId)
  const own = [
    ...takenOver(current),
    ...current.name === row.name ? [] : [`renamed from ${quoted(current.name)} to ${quoted(row.name)}`],
    ...isMoved ? [`moved from ${current.organizationId} to ${row.organizationId}`] : [],
    ...newGrants.length === 0 ? [] : [`gains the grant ${newGrants.join(' ')}`],
    ...lostGrants.length === 0 ? [] : [`loses the grant ${lostGrants.join(' ')}`],
    ...current.resourceId === row.resourceId ? [] : [`stands for ${entry.resource_server ?? 'no resource'} instead of ${standsFor ?? 'none'}`],
    ...lifetimeChange(current.accessTokenTtlSeconds, row.accessTokenTtlSeconds),
    ...current.dpop === row.dpop ? [] : [`DPoP ${row.dpop} instead of ${current.dpop}`],
    ...current.certificateBoundTokens === row.certificateBoundTokens ? [] : [row.certificateBoundTokens ? 'tokens bound to its certificate' : 'tokens not bound to its certificate any more'],
    ...current.certificateSubject === row.certificateSubject ? [] : [`certificate of ${row.certificateSubject ?? 'nobody'} instead of ${current.certificateSubject ?? 'nobody'}`],
    ...current.certificateThumbprints.join() === row.certificateThumbprints.join() ? [] : ['other certificates of its own'],
    ...changedAuthentication(current, row),
    ...newExchanges.length === 0 ? [] : [`may exchange tokens for ${newExchanges.join(' ')}`],
    ...lostExchanges.length === 0 ? [] : [`may not exchange tokens for ${lostExchanges.join(' ')} any more`],
    ...turned === undefined ? [] : [turned === 'off' ? 'disabled' : 'enabled']
  ]
  if (own.length > 0) draft.writes.clients.update.push(row)
  draft.writes.granted.add.push(...gained.map((scopeName) => ({ clientId: row.id, scopeName })))
  draft.writes.granted.remove.push(...lost.map((scopeName) => ({ clientId: row.id, scopeName })))
  const details = [...own, ...gained.length === 0 ? [] : [`gains ${gained.join(' ')}`], ...lost.length === 0 ? [] : [`loses ${lost.join(' ')}`]]
  const longest = longestLifetime([current], resourcesOf(current.scopes, owners))
  const areTokensDead = isMoved || turned === 'off'
  /** Of tokens that are not all dead. */
  const liveOn = (tokens: string, within: string): string => areTokensDead ? '' : ` ${tokens} live on until they expire, within ${within}.`
  draft.note('update', 'client', row.id, details, [
    ...lost.length === 0 ? [] : [`It gets no tokens with ${lost.join(' ')} any more.${liveOn('Those that it has', longestLifetime([current], resourcesOf(lost, owners)))}`],
    ...lostGrants.length === 0 ? [] : [`It gets no tokens by ${lostGrants.join(' ')} any more.${liveOn('Those that it has', longest)}`],
    ...lostExchanges.length === 0 || areTokensDead ? [] : [`The tokens for ${lostExchanges.join(' ')} that it exchanged live on until they expire.`],
    ...!current.certificateBoundTokens && row.certificateBoundTokens ? [`It gets no tokens without a client certificate any more.${areTokensDead ? '' : ` Those that it has stay as they are until they expire, within ${longest}.`}`] : [],
    ...current.dpop !== row.dpop && row.dpop === 'required' ? [`It gets no tokens without a DPoP proof any more.${areTokensDead ? '' : ` Those that it has stay as they are until they expire, within ${longest}.`}`] : [],
    ...!areTokensDead && isShorter(current.accessTokenTtlSeconds, row.accessTokenTtlSeconds) ? [liveOn('The tokens that it has', longest).trim()] : [],
    ...standsFor !== undefined && current.resourceId !== row.resourceId ? [`It may not introspect tokens for ${standsFor} any more.`] : [],
    ...areTokensDead ? [`${turned === 'off' ? 'It gets no tokens any more. ' : ''}The tokens that it has are inactive at introspection at once and for good; ${ownApis(longest)}.`] : [],
    ...turned === 'on' ? ['Its earlier tokens stay dead.'] : []
  ], areTokensDead)
}

function otherType ({ type }: Client): string {
  return `It is of the type ${type}, which stays for good. Write type: ${type}, or make a client of another id.`
}

function ownersOfScopes (resources: readonly Resource[]): ReadonlyMap<string, Resource> {
  return new Map(resources.flatMap((resource) => resource.scopes.map(({ name }) => [name, resource])))
}

function resourcesOf (scopes: Iterable<string>, owners: ReadonlyMap<string, Resource>): readonly Resource[] {
  return [...new Set([...scopes].flatMap((scope) => owners.get(scope) ?? []))]
}
