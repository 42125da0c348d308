/**
 * What the file made and does not name any more, and what becomes of it. What an operator stopped by hand is never
 * removed, nor what that needs: made anew by a file that names it again, it would live. It is released instead.
 */
import type { Client, ClientSecret } from '../clients/client.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Resource, Scope } from '../resources/resource.ts'
import { isStoppedByHand } from './ownership.ts'
import type { ReadFile } from './read.ts'
import type { State } from './state.ts'

/** What the operator wants done with it: nothing, to have it removed, or to have it back on the command line. */
export type Leftovers = 'keep' | 'remove' | 'release'

export interface Leaver<Row> {
  readonly row: Row
  readonly fate: 'kept' | 'removed' | 'released'
  /** Why it is not removed with the rest: `it was disabled by hand`. */
  readonly reason: string | undefined
}

export interface ScopeOfResource {
  readonly scope: Scope
  readonly resource: Resource
}

export interface Left {
  readonly leftovers: Leftovers
  readonly clients: readonly Leaver<Client>[]
  readonly scopes: readonly Leaver<ScopeOfResource>[]
  readonly resources: readonly Leaver<Resource>[]
  readonly organizations: readonly Leaver<Organization>[]
  /** The rows that are removed, as they stand in the state. */
  readonly removed: ReadonlySet<object>
}

export function findLeft ({ name, document }: Pick<ReadFile, 'name' | 'document'>, state: State, leftovers: Leftovers): Left {
  const named = { organizations: document.organizations ?? {}, resources: document.resources ?? {}, clients: document.clients ?? {} }
  const scopeNames = new Set(Object.values(named.resources).flatMap((resource) => Object.keys(resource?.scopes ?? {})))
  const isOwned = ({ managedBy }: { readonly managedBy: string | null }): boolean => managedBy === name
  const judge = <Row>(rows: readonly Row[], reasonOf: (row: Row) => string | undefined): Leaver<Row>[] => rows.map((row) => {
    const reason = leftovers === 'remove' ? reasonOf(row) : undefined
    return { row, reason, fate: fateOf(leftovers, reason) }
  })

  const clients = judge(state.clients.filter((client) => isOwned(client) && !Object.hasOwn(named.clients, client.id)), (client) => stopOf(client, name) ?? stopOfSecrets(client) ?? stopOfKeys(client))
  const staying = clients.flatMap(({ row, reason }) => reason === undefined ? [] : [row])
  const every = state.resources.flatMap((resource) => resource.scopes.map((scope) => ({ scope, resource })))
  const scopes = judge(every.filter(({ scope }) => isOwned(scope) && !scopeNames.has(scope.name)), ({ scope }) => stopOf(scope, name))
  const resources = judge(
    state.resources.filter((resource) => isOwned(resource) && !Object.hasOwn(named.resources, resource.identifier)),
    (resource) => stopOf(resource, name) ?? neededBy('scope', scopes.find(({ row, reason }) => reason !== undefined && row.resource === resource)?.row.scope.name) ??
      neededBy('client', staying.find(({ resourceId }) => resourceId === resource.id)?.id))
  const organizations = judge(
    state.organizations.filter((organization) => isOwned(organization) && !Object.hasOwn(named.organizations, organization.id)),
    (organization) => stopOf(organization, name) ?? neededBy('client', staying.find(({ organizationId }) => organizationId === organization.id)?.id))

  const removed = [...clients, ...scopes.map((leaver) => ({ ...leaver, row: leaver.row.scope })), ...resources, ...organizations].filter(({ fate }) => fate === 'removed')
  return { leftovers, clients, scopes, resources, organizations, removed: new Set(removed.map(({ row }) => row)) }
}

function fateOf (leftovers: Leftovers, reason: string | undefined): Leaver<unknown>['fate'] {
  if (leftovers === 'keep') return 'kept'
  return leftovers === 'remove' && reason === undefined ? 'removed' : 'released'
}

function stopOf (row: Parameters<typeof isStoppedByHand>[0], file: string): string | undefined {
  return isStoppedByHand(row, file) ? 'it was disabled by hand' : undefined
}

/** Imported secrets come from files only, whoever owns them now. */
function stopOfSecrets ({ secrets }: Client): string | undefined {
  const stopped = [...secrets.values()].find((secret) => secret.imported && isEndedByHand(secret))
  return stopped === undefined ? undefined : `its secret ${endOf(stopped)} by hand`
}

/** A file may name a key of anybody's. */
function stopOfKeys ({ keys }: Client): string | undefined {
  return [...keys.values()].some(({ revokedAt }) => revokedAt !== null) ? 'its key was revoked by hand' : undefined
}

/** A file gives its secrets no end, so whatever end one has was given by hand. */
export function isEndedByHand ({ revokedAt, disabledAt, expiresAt }: ClientSecret): boolean {
  return revokedAt !== null || disabledAt !== null || expiresAt !== null
}

export function endOf ({ revokedAt, disabledAt }: ClientSecret): string {
  if (revokedAt !== null) return 'was revoked'
  return disabledAt === null ? 'was given an end' : 'was disabled'
}

function neededBy (kind: 'client' | 'scope', id: string | undefined): string | undefined {
  return id === undefined ? undefined : `its ${kind} ${id} was stopped by hand`
}
