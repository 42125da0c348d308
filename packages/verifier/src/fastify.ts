/** The entry of `@signet/verifier/fastify`: a hook. Fastify itself is not imported, its shapes are enough. */
import type { AccessToken } from './access-token.ts'
import type { RequireTokenOptions } from './adapter.ts'
import type { TokenRequest } from './authorization.ts'
import { VerificationError } from './error.ts'
import type { Verifier } from './verifier.ts'

export type { RequireTokenOptions } from './adapter.ts'

export interface FastifyRequestShape {
  readonly raw: TokenRequest
  readonly originalUrl?: string
  accessToken?: AccessToken | null
}

export interface FastifyReplyShape {
  code (status: number): FastifyReplyShape
  headers (headers: Record<string, string>): FastifyReplyShape
  send (body: unknown): unknown
}

/**
 * An `onRequest` hook: `request.accessToken` has the claims from here on, and whoever may not pass is answered.
 * @see [RFC 6750 §3](https://www.rfc-editor.org/rfc/rfc6750.html#section-3)
 */
export function requireToken<Request extends FastifyRequestShape> (verifier: Verifier, { scope, certificate, onRefused }: RequireTokenOptions<Request> = {}): (request: NoInfer<Request>, reply: FastifyReplyShape) => Promise<unknown> {
  return async function requireAccessToken (request, reply) {
    const { method, url, headers, rawHeaders } = request.raw
    try {
      request.accessToken = await verifier.verify({ method, url, headers, rawHeaders, originalUrl: request.originalUrl }, { scope, certificate: certificate?.(request) })
      return undefined
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error
      onRefused?.(error, request)
      return reply.code(error.status).headers({ ...error.headers }).send(error.body)
    }
  }
}
