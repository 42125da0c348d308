/** The public documents: JWKS, metadata and status lists of both issuers. */
import type { RouteHandlerMethod } from 'fastify'
import type { Environment } from '../environment.ts'
import type { Config } from '../config.ts'
import { documentMaxAgeSeconds, sendPublicDocument } from '../http/cacheable.ts'
import type { KeyRing } from '../keys/ring.ts'
import { invalidRequest } from '../oauth/errors.ts'
import { statusListMediaType } from '../oauth/status-list.ts'
import type { StatusLists } from '../status-lists/directory.ts'
import type { FindStatusList } from '../status-lists/find.ts'
import { statusListTtlSeconds, type PublishStatusList } from '../status-lists/publish.ts'
import { statusListUri } from '../status-lists/status-list.ts'
import { metadataOf, type Features } from './metadata.ts'
import { noSuchStatusList, type JwksBody, type StatusListsBody } from './operation.ts'

/** @see [RFC 7517 §5](https://www.rfc-editor.org/rfc/rfc7517.html#section-5) */
export function createJwksEndpoint (keys: Pick<KeyRing, 'published'>, environment: Environment): RouteHandlerMethod {
  return (request, reply) => {
    request.outcome = 'jwks.served'
    const jwks: JwksBody = { keys: keys.published(environment).map(({ publicJwk }) => publicJwk) }
    return sendPublicDocument(request, reply, { body: JSON.stringify(jwks), mediaType: 'application/json', maxAgeSeconds: documentMaxAgeSeconds })
  }
}

/** @see [RFC 8414 §3](https://www.rfc-editor.org/rfc/rfc8414.html#section-3) */
export function createMetadataEndpoint (config: Features & Pick<Config, 'issuer'>, environment: Environment): RouteHandlerMethod {
  const body = JSON.stringify(metadataOf(config.issuer, environment, config))
  return (request, reply) => {
    request.outcome = 'metadata.served'
    return sendPublicDocument(request, reply, { body, mediaType: 'application/json', maxAgeSeconds: documentMaxAgeSeconds })
  }
}

/** @see [Token Status List §8.2](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-8.2) */
export function createStatusListEndpoint (publish: PublishStatusList, find: FindStatusList, environment: Environment): RouteHandlerMethod {
  return async (request, reply) => {
    const { id } = request.params as { readonly id: string } // the route has it
    const body = (await find(id))?.environment === environment ? await publish(id) : undefined
    if (body === undefined) throw invalidRequest(noSuchStatusList, { status: 404 })
    request.outcome = 'status_list.served'
    return sendPublicDocument(request, reply, { body, mediaType: statusListMediaType, maxAgeSeconds: statusListTtlSeconds })
  }
}

/** @see [Token Status List §9.3](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-9.3) */
export function createStatusListAggregationEndpoint (issuer: string, statusLists: Pick<StatusLists, 'of'>, environment: Environment): RouteHandlerMethod {
  return (request, reply) => {
    request.outcome = 'status_lists.served'
    const lists: StatusListsBody = { status_lists: statusLists.of(environment).map((id) => statusListUri(issuer, environment, id)) }
    return sendPublicDocument(request, reply, { body: JSON.stringify(lists), mediaType: 'application/json', maxAgeSeconds: statusListTtlSeconds })
  }
}
