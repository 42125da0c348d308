import type { Client } from '../clients/client.ts'
import { defaultAccessTokenTtlSeconds } from '../oauth/claims.ts'
import { listed } from '../phrases.ts'
import type { Resource, Scope } from '../resources/resource.ts'
import type { ConfiguredResource, ConfiguredScope } from '../resources/store.ts'
import type { Draft, PlanInput } from './changes.ts'
import type { ResourceEntry, ScopeEntry } from './document.ts'
import type { Path } from './mistakes.ts'
import { belongsToAnother, heldWarning, otherOwner, settle, takenOver } from './ownership.ts'
import { concerned, duration, longestLifetime, naming, ownApis, quoted } from './words.ts'

/** @returns the resources of the file as they are to be, by identifier */
export function planResources (input: PlanInput, draft: Draft): ReadonlyMap<string, ConfiguredResource> {
  const existing = new Map(input.state.resources.map((resource) => [resource.identifier, resource]))
  const planned = new Map<string, ConfiguredResource>()
  for (const [identifier, entry] of Object.entries(input.file.document.resources ?? {})) {
    const current = existing.get(identifier)
    if (current !== undefined && belongsToAnother(current, input.file.name)) draft.refuse(['resources', identifier], otherOwner(current))
    else planned.set(identifier, planResource(identifier, entry, current, input, draft))
  }
  return planned
}

function planResource (identifier: string, entry: ResourceEntry, current: Resource | undefined, { file, state, now, newId }: PlanInput, draft: Draft): ConfiguredResource {
  const { turned, isHeld, ...disabling } = settle(current, entry.disabled ?? false, file.name, now)
  const accessTokenTtlSeconds = entry.access_token_ttl_seconds ?? null
  const allowsMixing = entry.allows_mixing ?? false
  const signingAlgorithm = entry.signing_algorithm ?? null
  const row: ConfiguredResource = { id: current?.id ?? newId('resource'), identifier, name: entry.name, accessTokenTtlSeconds, allowsMixing, signingAlgorithm, ...disabling, managedBy: file.name }
  if (isHeld) draft.warnings.push(heldWarning(`The resource ${identifier}`))
  if (current === undefined) {
    draft.writes.resources.create.push(row)
    draft.note('create', 'resource', identifier, [quoted(entry.name), ...allowsMixing ? ['may be mixed with others'] : [], ...signingAlgorithm === null ? [] : [`tokens signed with ${signingAlgorithm}`], ...turned === 'off' ? ['disabled'] : []])
    return row
  }
  const details = [
    ...takenOver(current),
    ...current.name === entry.name ? [] : [`renamed from ${quoted(current.name)} to ${quoted(entry.name)}`],
    ...lifetimeChange(current.accessTokenTtlSeconds, accessTokenTtlSeconds),
    ...current.allowsMixing === allowsMixing ? [] : [allowsMixing ? 'may be mixed with others' : 'no longer mixed with others'],
    ...current.signingAlgorithm === signingAlgorithm ? [] : [`tokens signed with ${signingAlgorithm ?? 'the default algorithm'} instead of ${current.signingAlgorithm ?? 'the default one'}`],
    ...turned === undefined ? [] : [turned === 'off' ? 'disabled' : 'enabled']
  ]
  if (details.length > 0) draft.writes.resources.update.push(row)
  const longest = longestLifetime(state.clients, [current])
  draft.note('update', 'resource', identifier, details, [
    ...isShorter(current.accessTokenTtlSeconds, accessTokenTtlSeconds) ? [`The tokens for it that there are live on until they expire, within ${longest}.`] : [],
    ...current.allowsMixing && !allowsMixing ? [`Tokens that are for it and for others live on until they expire, within ${longest}.`] : [],
    ...current.signingAlgorithm === signingAlgorithm ? [] : ['The tokens for it that there are stay as they are. An API that accepts one algorithm only must accept the new one.'],
    ...turned === 'off' ? [`No token for it is issued any more. The tokens that there are are inactive at introspection while it is disabled; ${ownApis(longest)}.`, ...concerned(current, state.clients)] : [],
    ...turned === 'on' ? ['The tokens for it that have not expired are active again.'] : []
  ])
  return row
}

export function lifetimeChange (before: number | null, after: number | null): string[] {
  const [old, young] = [before, after].map((seconds) => duration(seconds ?? defaultAccessTokenTtlSeconds))
  return before === after ? [] : [`access tokens live ${young ?? ''} instead of ${old ?? ''}`]
}

export function isShorter (before: number | null, after: number | null): boolean {
  return (after ?? defaultAccessTokenTtlSeconds) < (before ?? defaultAccessTokenTtlSeconds)
}

/** @returns the scopes of the file as they are to be, by name */
export function planScopes (input: PlanInput, resources: ReadonlyMap<string, ConfiguredResource>, draft: Draft): ReadonlyMap<string, ConfiguredScope> {
  const existing = new Map(input.state.resources.flatMap((resource) => resource.scopes.map((scope) => [scope.name, { scope, resource }])))
  const holders = new Map<string, Client[]>()
  for (const client of input.state.clients) {
    for (const scope of client.scopes) {
      const others = holders.get(scope)
      if (others === undefined) holders.set(scope, [client])
      else others.push(client)
    }
  }
  const planned = new Map<string, ConfiguredScope>()
  for (const [identifier, { scopes = {} }] of Object.entries(input.file.document.resources ?? {})) {
    const resource = resources.get(identifier)
    if (resource === undefined) continue
    for (const [name, entry] of Object.entries(scopes)) {
      const current = existing.get(name)
      const path = ['resources', identifier, 'scopes', name]
      const objection = objectionTo(current, identifier, input.file.name)
      if (objection !== undefined) {
        draft.refuse(path, objection)
        continue
      }
      const row = planScope(name, entry, resource, current?.scope, input, draft, holders.get(name) ?? [], current?.resource)
      if (current !== undefined && current.resource.identifier !== identifier) takeFromOthers(path, row, holders.get(name) ?? [], input, draft)
      planned.set(name, row)
    }
  }
  return planned
}

interface Existing { readonly scope: Scope, readonly resource: Resource }

function objectionTo (current: Existing | undefined, identifier: string, file: string): string | undefined {
  if (current === undefined) return undefined
  if (belongsToAnother(current.scope, file)) return otherOwner(current.scope)
  const isElsewhere = current.resource.identifier !== identifier
  return isElsewhere && current.scope.managedBy === null
    ? `The resource ${current.resource.identifier} has this scope, made by hand, and names of scopes are unique. Choose another name.`
    : undefined
}

function planScope (name: string, entry: ScopeEntry, resource: ConfiguredResource, current: Scope | undefined, { file, now }: PlanInput, draft: Draft, holders: readonly Client[], before: Resource | undefined): ConfiguredScope {
  const { turned, isHeld, ...disabling } = settle(current, entry.disabled ?? false, file.name, now)
  const isDefault = entry.default ?? false
  const isDeprecated = entry.deprecated ?? false
  const row: ConfiguredScope = { name, resourceId: resource.id, description: entry.description, isDefault, isDeprecated, ...disabling, managedBy: file.name }
  const states = [...isDefault ? ['default'] : [], ...isDeprecated ? ['deprecated'] : [], ...turned === 'off' ? ['disabled'] : []]
  if (isHeld) draft.warnings.push(heldWarning(`The scope ${name}`))
  if (current === undefined) {
    draft.writes.scopes.create.push(row)
    draft.note('create', 'scope', name, [`of ${resource.identifier}`, ...states])
    return row
  }
  const isMoved = current.resourceId !== resource.id
  const isTakenBack = current.isDefault && !isDefault
  const details = [
    ...takenOver(current),
    ...isMoved ? [`moved from ${before?.identifier ?? ''} to ${resource.identifier}`] : [],
    ...current.description === entry.description ? [] : [`described as ${quoted(entry.description)}`],
    ...current.isDefault === isDefault ? [] : [isDefault ? 'default' : 'no longer default'],
    ...current.isDeprecated === isDeprecated ? [] : [isDeprecated ? 'deprecated' : 'no longer deprecated'],
    ...turned === undefined ? [] : [turned === 'off' ? 'disabled' : 'enabled']
  ]
  if (details.length > 0) draft.writes.scopes.update.push(row)
  const longest = before === undefined ? '' : longestLifetime(holders, [before])
  draft.note('update', 'scope', name, details, [
    ...isTakenBack ? ['Token requests without scope do not ask for it any more.'] : [],
    ...isMoved ? [`Tokens that have it for ${before?.identifier ?? ''} live on until they expire, within ${longest}.`] : [],
    ...turned === 'off' ? [`No token with it is issued any more. The tokens that have it live on until they expire, within ${longest}.`] : [],
    ...turned === 'off' || isTakenBack ? naming('Clients that have it', holders) : []
  ])
  return row
}

/** Whoever was given a scope of one API was not given it at another. */
function takeFromOthers (path: Path, { name }: ConfiguredScope, holders: readonly Client[], { file, left }: PlanInput, draft: Draft): void {
  const others = holders.filter((client) => !Object.hasOwn(file.document.clients ?? {}, client.id) && !left.removed.has(client))
  const stopped = others.filter((client) => left.leftovers === 'remove' && client.managedBy === file.name)
  const untouched = others.filter((client) => !stopped.includes(client)).map(({ id }) => id)
  draft.writes.granted.remove.push(...stopped.map(({ id }) => ({ clientId: id, scopeName: name })))
  if (stopped.length > 0) draft.note('update', 'scope', name, ['taken from clients that left the file'], [`They lose it: ${listed(stopped.map(({ id }) => id))}.`])
  if (untouched.length > 0) draft.refuse(path, `It moves to another resource, and clients that the file does not name have it: ${listed(untouched)}. Take it from them first.`)
}
