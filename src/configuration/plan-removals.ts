/** What the file made and does not name any more: kept, or removed where nothing of others needs it. */
import type { Client } from '../clients/client.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Resource, Scope } from '../resources/resource.ts'
import type { Draft, Kept, PlanInput } from './changes.ts'
import { listed, longestLifetime, ownApis, quoted } from './words.ts'

interface Left {
  readonly clients: readonly Client[]
  readonly scopes: readonly { readonly scope: Scope, readonly resource: Resource }[]
  readonly resources: readonly Resource[]
  readonly organizations: readonly Organization[]
}

export function planRemovals (input: PlanInput, draft: Draft): void {
  const left = findLeft(input)
  if (!input.prune) {
    draft.kept.push(
      ...keptOf('client', left.clients.map(({ id }) => id)), ...keptOf('scope', left.scopes.map(({ scope }) => scope.name)),
      ...keptOf('resource', left.resources.map(({ identifier }) => identifier)), ...keptOf('organization', left.organizations.map(({ id }) => id)))
    return
  }
  // Those whose rows the file neither writes nor removes.
  const others = input.state.clients.filter(({ id, managedBy }) => !Object.hasOwn(input.file.document.clients ?? {}, id) && managedBy !== input.file.name)
  for (const client of left.clients) removeClient(client, input, draft)
  for (const { scope, resource } of left.scopes) removeScope(scope, resource, others, input, draft)
  for (const resource of left.resources) removeResource(resource, others, input, draft)
  for (const organization of left.organizations) removeOrganization(organization, others, draft)
}

function findLeft ({ file: { document: { organizations = {}, resources = {}, clients = {} }, name }, state }: PlanInput): Left {
  const isOwned = ({ managedBy }: { readonly managedBy: string | null }): boolean => managedBy === name
  const scopes = new Set(Object.values(resources).flatMap((resource) => Object.keys(resource.scopes ?? {})))
  return {
    clients: state.clients.filter((client) => isOwned(client) && !Object.hasOwn(clients, client.id)),
    scopes: state.resources.flatMap((resource) => resource.scopes.map((scope) => ({ scope, resource }))).filter(({ scope }) => isOwned(scope) && !scopes.has(scope.name)),
    resources: state.resources.filter((resource) => isOwned(resource) && !Object.hasOwn(resources, resource.identifier)),
    organizations: state.organizations.filter((organization) => isOwned(organization) && !Object.hasOwn(organizations, organization.id))
  }
}

function keptOf (kind: Kept['kind'], ids: readonly string[]): Kept[] {
  return ids.map((id) => ({ kind, id }))
}

function removeClient (client: Client, { state }: PlanInput, draft: Draft): void {
  const resources = state.resources.filter(({ scopes }) => scopes.some(({ name }) => client.scopes.has(name)))
  draft.writes.clients.remove.push(client.id)
  draft.note('remove', 'client', client.id, [quoted(client.name)], [
    `It gets no tokens any more, and its secrets are gone. The tokens that it has are inactive at introspection at once and for good; ${ownApis(longestLifetime([client], resources))}.`
  ])
}

function removeScope ({ name }: Scope, resource: Resource, others: readonly Client[], { state }: PlanInput, draft: Draft): void {
  const holders = state.clients.filter(({ scopes }) => scopes.has(name))
  const losers = others.filter(({ scopes }) => scopes.has(name))
  draft.writes.scopes.remove.push(name)
  draft.note('remove', 'scope', name, [`of ${resource.identifier}`], [
    ...losers.length === 0 ? [] : [`Clients that the file does not name lose it: ${idsOf(losers)}.`],
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
    `The tokens for it are inactive at introspection at once; ${ownApis(longestLifetime(state.clients, [resource]))}.`
  ])
}

function removeOrganization ({ id, name }: Organization, others: readonly Client[], draft: Draft): void {
  const clients = others.filter(({ organizationId }) => organizationId === id)
  if (clients.length > 0) draft.refuse(['organizations', id], `It left the file and cannot be removed: the file does not own its clients ${idsOf(clients)}. Delete them, or put the organization back.`)
  draft.writes.organizations.remove.push(id)
  draft.note('remove', 'organization', id, [quoted(name)])
}

function idsOf (clients: readonly Client[]): string {
  return listed(clients.map(({ id }) => id))
}
