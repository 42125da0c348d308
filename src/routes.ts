/** Every route, in reading order: which operation is at which paths. The server registers these, and the documentation is made of them. */
import { jwksOperation, metadataOperation, statusListAggregationOperation, statusListOperation } from './discovery/operation.ts'
import { endpointPaths, metadataPaths } from './discovery/metadata.ts'
import { apiPageOperation, errorPageOperation, openApiOperation } from './docs/operation.ts'
import { livenessOperation, readinessOperation } from './health/operation.ts'
import { errorPagePath } from './http/error-body.ts'
import type { Operation, Route } from './http/operation.ts'
import { introspectionOperation } from './introspection/operation.ts'
import { revocationOperation } from './revocation/operation.ts'
import { tokenOperation } from './token/operation.ts'

export const operations = {
  requestToken: tokenOperation,
  introspectToken: introspectionOperation,
  revokeToken: revocationOperation,
  liveKeys: jwksOperation('live'),
  testKeys: jwksOperation('test'),
  liveMetadata: metadataOperation('live'),
  testMetadata: metadataOperation('test'),
  liveStatusList: statusListOperation('live'),
  testStatusList: statusListOperation('test'),
  liveStatusLists: statusListAggregationOperation('live'),
  testStatusLists: statusListAggregationOperation('test'),
  live: livenessOperation,
  ready: readinessOperation,
  apiPage: apiPageOperation,
  errorPage: errorPageOperation,
  openApi: openApiOperation
} as const satisfies Record<string, Operation>

export type OperationName = keyof typeof operations

export function routesOf (issuer: string): Route<OperationName>[] {
  const base = new URL(issuer).pathname.replace(/\/$/, '')
  const below = (...paths: readonly string[]): string[] => paths.map((path) => base + path)
  const paths: Readonly<Record<OperationName, readonly string[]>> = {
    requestToken: below(endpointPaths.token),
    introspectToken: below(endpointPaths.introspection),
    revokeToken: below(endpointPaths.revocation),
    liveKeys: below(endpointPaths.jwks, endpointPaths.wellKnownJwks),
    testKeys: below(`/test${endpointPaths.jwks}`),
    liveMetadata: metadataPaths(issuer, 'live'),
    testMetadata: metadataPaths(issuer, 'test'),
    liveStatusList: below(`${endpointPaths.statusLists}/:id`),
    testStatusList: below(`/test${endpointPaths.statusLists}/:id`),
    liveStatusLists: below(endpointPaths.statusLists),
    testStatusLists: below(`/test${endpointPaths.statusLists}`),
    live: ['/health/live'],
    ready: ['/health/ready'],
    apiPage: below('/docs'),
    errorPage: below(errorPagePath),
    openApi: below('/docs/openapi.json')
  }
  return Object.entries(operations).flatMap(([key, operation]) => {
    const name = key as OperationName // entries() forgets the keys' type
    return paths[name].map((path, index) => ({
      name, path, operation, id: index === 0 ? name : `${name}${index + 1}`, isBelowIssuer: operation.tag !== 'Health' && path.startsWith(`${base}/`)
    }))
  })
}
