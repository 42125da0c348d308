/** What a client gets of what it asks for: rows 12 to 14. Pure; it never grants more than client and resource both allow. */
import type { Client } from '../clients/client.ts'
import { maxAudiences } from '../oauth/claims.ts'
import { invalidScope, invalidTarget } from '../oauth/errors.ts'
import { parseScope } from '../oauth/scope.ts'
import type { Resource, ResourceDirectory, Scope } from '../resources/resource.ts'

export interface Wish {
  /** The parameter `scope`; without it the client's default scopes are meant. */
  readonly scope: string | undefined
  /** What the grant allows at most, whatever is asked for; undefined: all that the client has. */
  readonly atMost?: readonly string[] | undefined
  /** The values of `resource`. */
  readonly resources: readonly string[]
  /** The values of `audience`, where the grant gives it a meaning. */
  readonly audiences?: readonly string[]
  readonly bounds?: Bounds | undefined
}

/** What a token that is derived from another may be for. */
export interface Bounds {
  /** The id of the resource that it is for where the request names none, nor a scope. */
  readonly ownResource: string
  /** Ids of the others that it may be for. */
  readonly otherResources: readonly string[]
  /** What the other token is for. A scope of these the new token can have only if that one has it. */
  readonly audiences: readonly string[]
  readonly scopes: readonly string[]
}

export interface Decision {
  readonly scopes: readonly string[]
  /** Those that the scopes belong to: one, unless each allows being mixed and was named. */
  readonly resources: readonly Resource[]
}

type Resources = Pick<ResourceDirectory, 'byIdentifier' | 'scope'>

interface Owned { readonly name: string, readonly owner: Resource | undefined }

/**
 * @throws OAuthError `invalid_target`, `invalid_scope`
 * @see [RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.3)
 * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2)
 * @see [RFC 9068 §3](https://www.rfc-editor.org/rfc/rfc9068.html#section-3)
 * @see [RFC 9700 §2.3](https://www.rfc-editor.org/rfc/rfc9700.html#section-2.3)
 */
export function decide (client: Client, wish: Wish, resources: Resources): Decision {
  const targets = namedTargets(client, wish, resources)
  const scopes = wish.scope === undefined ? defaultScopes(client, targets, wish.bounds, resources) : parseScope(wish.scope)
  const owned = scopes.map((name): Owned => ({ name, owner: ownerOf(name, client, resources) }))
  const unknown = namesWhere(owned, ({ owner }) => owner === undefined)
  if (unknown !== '') throw invalidScope(`These scopes do not exist or are not granted to this client: ${unknown}`)
  const outside = namesWhere(owned, ({ owner }) => !isWithin(owner, wish.bounds))
  if (outside !== '') throw invalidScope(`This client may not exchange tokens for the resource of these scopes: ${outside}`)
  const exceeding = namesWhere(owned, (each) => isExceeding(each, wish))
  if (exceeding !== '') throw invalidScope(`What the token is asked for with does not allow these scopes: ${exceeding}`)
  const granting = [...new Set(owned.flatMap(({ owner }) => owner ?? []))]
  if (granting.length === 0) throw invalidScope(wish.bounds === undefined ? 'This client has no default scopes: name the scopes that you want in scope.' : 'The client has none of the scopes of the subject_token, nor default scopes of the resource that was named.')
  if (granting.length > 1) requireMixing(granting, targets, wish)
  if (targets.length > 0 && !granting.every((owner) => targets.includes(owner))) throw invalidTarget('The scopes belong to another resource than the one that resource names.')
  return { scopes, resources: granting }
}

/**
 * A token for several resources can be used at each by whoever has it, the others among them. So each of them must
 * allow it, and the client must mean it.
 * @see [RFC 9068 §5](https://www.rfc-editor.org/rfc/rfc9068.html#section-5)
 */
function requireMixing (owners: readonly Resource[], targets: readonly Resource[], { scope }: Wish): void {
  const mayBeMixed = owners.every(({ allowsMixing }) => allowsMixing)
  if (mayBeMixed && owners.every((owner) => targets.includes(owner))) {
    if (owners.length > maxAudiences) throw invalidTarget(`A token may be for at most ${maxAudiences} resources.`)
    return
  }
  const cure = mayBeMixed ? ', or name each of the resources in resource' : ''
  throw invalidScope(scope === undefined
    ? `The default scopes of this client belong to different resources: name some of one resource in scope, or the resource in resource${mayBeMixed ? ', or each of them' : ''}.`
    : `These scopes belong to different resources: ask for the scopes of one resource at a time${cure}.`)
}

function namesWhere (scopes: readonly Owned[], isRefused: (scope: Owned) => boolean): string {
  return scopes.filter(isRefused).map(({ name }) => name).join(' ')
}

/** A `resource` is an absolute URI without a fragment; it names a resource in use, and so does an `audience`. */
function namedTargets (client: Client, { resources: named, audiences = [], bounds }: Wish, resources: Resources): readonly Resource[] {
  return [...named, ...audiences].map((identifier, position) => {
    if (position < named.length && (!URL.canParse(identifier) || identifier.includes('#'))) {
      throw invalidTarget('resource must be an absolute URI without a fragment.')
    }
    const resource = resources.byIdentifier(identifier)
    if (resource?.disabledAt !== null) throw invalidTarget(`There is no resource ${identifier}.`)
    if (!isWithin(resource, bounds)) throw invalidTarget(`This client may not exchange tokens for the resource ${identifier}.`)
    if (!resource.scopes.some(({ name }) => client.scopes.has(name))) throw invalidTarget(`This client has no scopes of the resource ${identifier}.`)
    return resource
  })
}

function isWithin (resource: Resource | undefined, bounds: Bounds | undefined): boolean {
  return bounds === undefined || resource?.id === bounds.ownResource || (resource !== undefined && bounds.otherResources.includes(resource.id))
}

function isExceeding ({ name, owner }: Owned, { atMost, bounds }: Wish): boolean {
  const isOfOther = owner !== undefined && bounds?.audiences.includes(owner.identifier) === true
  return atMost?.includes(name) === false || (isOfOther && !bounds.scopes.includes(name))
}

function defaultScopes (client: Client, targets: readonly Resource[], bounds: Bounds | undefined, resources: Resources): string[] {
  return [...client.scopes].filter((name) => {
    const known = resources.scope(name)
    if (known === undefined || !isInUse(known)) return false
    const { resource, scope } = known
    const isTarget = targets.length === 0 ? bounds === undefined || resource.id === bounds.ownResource : targets.includes(resource)
    return isTarget && (bounds?.audiences.includes(resource.identifier) === true ? bounds.scopes.includes(name) : scope.isDefault)
  }).sort()
}

/** The resource of a scope that the client may have; undefined for any other. */
function ownerOf (name: string, client: Client, resources: Resources): Resource | undefined {
  if (!client.scopes.has(name)) return undefined
  const known = resources.scope(name)
  return known !== undefined && isInUse(known) ? known.resource : undefined
}

function isInUse ({ resource, scope }: { readonly resource: Resource, readonly scope: Scope }): boolean {
  return resource.disabledAt === null && scope.disabledAt === null
}
