/** Public documents (JWKS, metadata, status lists): cacheable, with a strong ETag, readable from any origin. */
import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** How long verifiers, and caches on the way to them, may keep keys and metadata. */
export const documentMaxAgeSeconds = 300

export interface PublicDocument {
  readonly body: string
  readonly mediaType: string
  readonly maxAgeSeconds: number
}

/** @see [RFC 9110 §13.1.2](https://www.rfc-editor.org/rfc/rfc9110.html#section-13.1.2) (If-None-Match) */
export function sendPublicDocument (request: FastifyRequest, reply: FastifyReply, document: PublicDocument): FastifyReply {
  const etag = `"${createHash('sha256').update(document.body).digest('base64url').slice(0, 27)}"`
  reply.removeHeader('Pragma')
  reply.headers({
    'Cache-Control': `public, max-age=${document.maxAgeSeconds}`,
    ETag: etag,
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Expose-Headers': 'ETag, X-Request-Id'
  })
  if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send()
  return reply.type(document.mediaType).send(document.body)
}

function matches (ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').map((tag) => tag.trim()).some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag)
}
