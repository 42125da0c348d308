/** A resource is an API: it is named by its identifier, the `aud` of its tokens, and defines scopes. */
import { createTableView, type View } from '../changes/view.ts'

export interface Scope {
  /** Unique across resources. */
  readonly name: string
  readonly resourceId: string
  readonly description: string
  /** New clients get it, and it is among what a token request without `scope` asks for. */
  readonly isDefault: boolean
  /** Clients that have it keep it; no new client gets it by default. */
  readonly isDeprecated: boolean
  readonly disabledAt: Date | null
  /** The name of the configuration file that owns it; null: made by hand. */
  readonly managedBy: string | null
  /** The name of the configuration file that disabled it; null: by hand, if at all. */
  readonly disabledBy: string | null
}

export interface Resource {
  readonly id: string
  readonly identifier: string
  readonly name: string
  readonly createdAt: Date
  readonly disabledAt: Date | null
  /** The name of the configuration file that owns it; null: made by hand. */
  readonly managedBy: string | null
  /** The name of the configuration file that disabled it; null: by hand, if at all. */
  readonly disabledBy: string | null
  /** The longest that tokens for it live; null: the default. */
  readonly accessTokenTtlSeconds: number | null
  /** Whether a token may be for it and for others that allow it too. */
  readonly allowsMixing: boolean
  /** How tokens for it are signed; null: as the server does by default. */
  readonly signingAlgorithm: string | null
  readonly scopes: readonly Scope[]
}

export interface ResourceDirectory extends View {
  get (id: string): Resource | undefined
  byIdentifier (identifier: string): Resource | undefined
  /** The resource that defines a scope, and the scope. */
  scope (name: string): { readonly resource: Resource, readonly scope: Scope } | undefined
}

interface ResourceSource {
  readAll (): Promise<Resource[]>
  readOne (id: string): Promise<Resource | undefined>
}

export function createResourceDirectory (store: ResourceSource): ResourceDirectory {
  let byIdentifier = new Map<string, Resource>()
  let byScope = new Map<string, { resource: Resource, scope: Scope }>()
  const table = createTableView<Resource>({
    readAll: store.readAll,
    readOne: store.readOne,
    keyOf: ({ id }) => id,
    onChange (rows) {
      const resources = [...rows.values()]
      byIdentifier = new Map(resources.map((resource) => [resource.identifier, resource]))
      byScope = new Map(resources.flatMap((resource) => resource.scopes.map((scope) => [scope.name, { resource, scope }])))
    }
  })
  return {
    load: table.load,
    refresh: table.refresh,
    get: table.get,
    byIdentifier: (identifier) => byIdentifier.get(identifier),
    scope: (name) => byScope.get(name)
  }
}
