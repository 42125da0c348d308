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
}

export interface Decision {
  readonly scopes: readonly string[]
  /** Those that the scopes belong to: one, unless each allows being mixed and was named. */
  readonly resources: readonly Resource[]
}

type Resources = Pick<ResourceDirectory, 'byIdentifier' | 'scope'>

/**
 * @throws OAuthError `invalid_target`, `invalid_scope`
 * @see [RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.3)
 * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2)
 * @see [RFC 9068 §3](https://www.rfc-editor.org/rfc/rfc9068.html#section-3)
 */
export function decide (client: Client, wish: Wish, resources: Resources): Decision {
  const targets = wish.resources.map((identifier) => knownTarget(identifier, resources))
  const scopes = wish.scope === undefined ? defaultScopes(client, targets, resources) : parseScope(wish.scope)
  const owners = scopes.map((name) => ownerOf(name, client, resources))
  const refused = scopes.filter((_, position) => owners[position] === undefined)
  if (refused.length > 0) throw invalidScope(`These scopes do not exist or are not granted to this client: ${refused.join(' ')}`)
  const exceeding = scopes.filter((name) => wish.atMost?.includes(name) === false)
  if (exceeding.length > 0) throw invalidScope(`What the token is asked for with does not allow these scopes: ${exceeding.join(' ')}`)
  const granting = [...new Set(owners.filter((owner) => owner !== undefined))]
  if (granting.length === 0) throw invalidScope('This client has no default scopes: name the scopes that you want in scope.')
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

/** An absolute URI without a fragment that names a resource in use. */
function knownTarget (identifier: string, resources: Resources): Resource {
  if (!URL.canParse(identifier) || identifier.includes('#')) {
    throw invalidTarget('resource must be an absolute URI without a fragment.')
  }
  const resource = resources.byIdentifier(identifier)
  if (resource?.disabledAt !== null) throw invalidTarget(`There is no resource ${identifier}.`)
  return resource
}

function defaultScopes (client: Client, targets: readonly Resource[], resources: Resources): string[] {
  return [...client.scopes].filter((name) => {
    const known = resources.scope(name)
    return known?.scope.isDefault === true && isInUse(known) && (targets.length === 0 || targets.includes(known.resource))
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
