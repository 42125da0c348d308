/** What becomes of what left the file: kept, released, or removed where nothing of others needs it. */
import type { Client } from '../clients/client.ts'
import type { Organization } from '../organizations/organization.ts'
import type { KeyOfClient } from '../clients/rows.ts'
import { listed } from '../phrases.ts'
import type { Resource, Scope } from '../resources/resource.ts'
import type { Draft, Kind, PlanInput } from './changes.ts'
import type { Leaver } from './leaving.ts'
import { concerned, longestLifetime, naming, ownApis, quoted } from './words.ts'

export function planLeft (input: PlanInput, draft: Draft): void {
  const { left, state, file } = input
  const { writes } = draft
  // Those whose rows the file neither writes nor removes.
  const others = state.clients.filter((client) => !Object.hasOwn(file.document.clients ?? {}, client.id) && !left.removed.has(client))
  const removed = {
    clients: leave('client', left.clients, ({ id }) => id, writes.clients.release, draft),
    scopes: leave('scope', left.scopes, ({ scope }) => scope.name, writes.scopes.release, draft),
    resources: leave('resource', left.resources, ({ identifier }) => identifier, writes.resources.release, draft),
    organizations: leave('organization', left.organizations, ({ id }) => id, writes.organizations.release, draft)
  }
  for (const { row } of left.clients.filter(({ fate }) => fate === 'released')) {
    writes.secrets.release.push(...secretsOf(row, file.name))
    writes.keys.release.push(...keysOf(row, file.name))
  }
  for (const client of removed.clients) removeClient(client, input, draft)
  for (const { scope, resource } of removed.scopes) removeScope(scope, resource, input, draft)
  for (const resource of removed.resources) removeResource(resource, others, input, draft)
  for (const organization of removed.organizations) removeOrganization(organization, others, input, draft)
}

/** @returns the rows to remove, once the others are dealt with */
function leave <Row> (kind: Kind, leavers: readonly Leaver<Row>[], keyOf: (row: Row) => string, release: string[], draft: Draft): readonly Row[] {
  return leavers.flatMap(({ row, fate, reason = null }) => {
    if (fate === 'removed') return [row]
    const id = keyOf(row)
    if (fate === 'kept' || reason !== null) draft.kept.push({ kind, id, reason })
    if (fate === 'released') {
      release.push(id)
      draft.note('release', kind, id, ['released to the command line'])
    }
    return []
  })
}

function secretsOf ({ secrets }: Client, file: string): readonly string[] {
  return [...secrets.values()].filter(({ managedBy }) => managedBy === file).map(({ id }) => id)
}

function keysOf ({ id, keys }: Client, file: string): readonly KeyOfClient[] {
  return [...keys.values()].filter(({ managedBy }) => managedBy === file).map(({ kid }) => ({ clientId: id, kid }))
}

function removeClient (client: Client, { state }: PlanInput, draft: Draft): void {
  const resources = state.resources.filter(({ scopes }) => scopes.some(({ name }) => client.scopes.has(name)))
  draft.writes.clients.remove.push(client.id)
  draft.note('remove', 'client', client.id, [quoted(client.name)], [
    `It gets no tokens any more, and its secrets are gone. The tokens that it has are inactive at introspection at once and for good; ${ownApis(longestLifetime([client], resources))}.`
  ])
}

function removeScope ({ name }: Scope, resource: Resource, { state, left }: PlanInput, draft: Draft): void {
  const holders = state.clients.filter(({ scopes }) => scopes.has(name))
  draft.writes.scopes.remove.push(name)
  draft.note('remove', 'scope', name, [`of ${resource.identifier}`], [
    ...naming('Clients that lose it', holders.filter((client) => !left.removed.has(client))),
    ...holders.length === 0 ? [] : [`Tokens that have it live on until they expire, within ${longestLifetime(holders, [resource])}.`]
  ])
}

function removeResource (resource: Resource, others: readonly Client[], { file, state }: PlanInput, draft: Draft): void {
  const path = ['resources', resource.identifier]
  const standing = others.filter(({ resourceId }) => resourceId === resource.id)
  const foreign = resource.scopes.filter(({ managedBy }) => managedBy !== file.name).map(({ name }) => name)
  if (standing.length > 0) draft.refuse(path, `It left the file and cannot be removed: ${idsOf(standing)}, which the file does not own, stand for it. Delete them, or put the resource back.`)
  if (foreign.length > 0) draft.refuse(path, `It left the file and cannot be removed: the file does not own its scopes ${listed(foreign)}. Delete them, or put the resource back.`)
  draft.writes.resources.remove.push(resource.identifier)
  draft.note('remove', 'resource', resource.identifier, [quoted(resource.name)], [
    `The tokens for it are inactive at introspection at once; ${ownApis(longestLifetime(state.clients, [resource]))}.`,
    ...concerned(resource, state.clients)
  ])
}

function removeOrganization ({ id, name }: Organization, others: readonly Client[], { state, left }: PlanInput, draft: Draft): void {
  const clients = others.filter(({ organizationId }) => organizationId === id)
  if (clients.length > 0) draft.refuse(['organizations', id], `It left the file and cannot be removed: the file does not own its clients ${idsOf(clients)}. Delete them, or put the organization back.`)
  draft.writes.organizations.remove.push(id)
  draft.note('remove', 'organization', id, [quoted(name)], [...naming('Its clients are removed with it', state.clients.filter((client) => client.organizationId === id && left.removed.has(client)))])
}

function idsOf (clients: readonly Client[]): string {
  return listed(clients.map(({ id }) => id))
}
