/** The public documents: JWKS and metadata of both issuers. */
import type { RouteHandlerMethod } from 'fastify'
import type { Environment } from '../environment.ts'
import type { Config } from '../config.ts'
import { sendPublicDocument } from '../http/cacheable.ts'
import type { KeyRing } from '../keys/ring.ts'
import { metadataOf, type Features } from './metadata.ts'
import { documentMaxAgeSeconds, type JwksBody } from './operation.ts'

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
