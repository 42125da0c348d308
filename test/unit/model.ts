/** Clients and resources as values, for the pure parts. */
import type { Client } from '../../src/clients/client.ts'
import type { Resource, ResourceDirectory } from '../../src/resources/resource.ts'

const epoch = new Date(0)

export function clientWith (scopes: readonly string[]): Client {
  return {
    id: 'cl_live_x',
    organizationId: 'org_x',
    name: 'x',
    environment: 'live',
    type: 'service',
    grants: ['client_credentials'],
    authenticationMethods: ['client_secret_post'],
    resourceId: null,
    scopes: new Set(scopes),
    secrets: new Map(),
    keys: new Map(),
    jwksUri: null,
    acceptsEndpointAudienceUntil: null,
    createdAt: epoch,
    disabledAt: null,
    tokensRevokedBefore: null,
    managedBy: null,
    disabledBy: null,
    accessTokenTtlSeconds: null,
    dpop: 'allowed',
    certificateBoundTokens: false,
    certificateSubject: null,
    certificateThumbprints: [],
    exchangeResources: []
  }
}

/** `scopes` maps names to whether they are default ones. */
export function resourceWith (identifier: string, scopes: Readonly<Record<string, boolean>>, disabledAt: Date | null = null, allowsMixing = false): Resource {
  return {
    id: `res ${identifier}`,
    identifier,
    name: identifier,
    createdAt: epoch,
    disabledAt,
    managedBy: null,
    disabledBy: null,
    accessTokenTtlSeconds: null,
    allowsMixing,
    signingAlgorithm: null,
    scopes: Object.entries(scopes).map(([name, isDefault]) => ({
      name, isDefault, resourceId: `res ${identifier}`, description: name, isDeprecated: false, disabledAt: null, managedBy: null, disabledBy: null
    }))
  }
}

export function directoryOf (resources: readonly Resource[]): Pick<ResourceDirectory, 'byIdentifier' | 'scope'> {
  const scopes = new Map(resources.flatMap((resource) => resource.scopes.map((scope) => [scope.name, { resource, scope }])))
  return {
    byIdentifier: (identifier) => resources.find((resource) => resource.identifier === identifier),
    scope: (name) => scopes.get(name)
  }
}
