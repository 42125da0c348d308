/** The entry of `@signet/verifier/express`: a middleware. Express itself is not imported, its shapes are enough. */
import type { AccessToken } from './access-token.ts'
import type { RequireTokenOptions } from './adapter.ts'
import type { TokenRequest } from './authorization.ts'
import { VerificationError } from './error.ts'
import type { Verifier } from './verifier.ts'

export type { RequireTokenOptions } from './adapter.ts'

export interface ExpressRequestShape extends TokenRequest {
  accessToken?: AccessToken
}

/** That of node:http. */
export interface ExpressResponseShape {
  writeHead (status: number, headers: Record<string, string>): { end (body: string): unknown }
}

/**
 * A middleware: `request.accessToken` has the claims from here on, and whoever may not pass is answered. Any other
 * error goes to `next`.
 * @see [RFC 6750 §3](https://www.rfc-editor.org/rfc/rfc6750.html#section-3)
 */
export function requireToken<Request extends ExpressRequestShape> (verifier: Verifier, { scope, certificate, onRefused }: RequireTokenOptions<Request> = {}): (request: NoInfer<Request>, response: ExpressResponseShape, next: (error?: unknown) => void) => void {
  /** @returns whether the request goes on */
  async function pass (request: Request, response: ExpressResponseShape): Promise<boolean> {
    try {
      request.accessToken = await verifier.verify(request, { scope, certificate: certificate?.(request) })
      return true
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error
      onRefused?.(error, request)
      response.writeHead(error.status, { ...error.headers, 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(error.body))
      return false
    }
  }

  return function requireAccessToken (request, response, next) {
    pass(request, response).then((passes) => { if (passes) next() }, next)
  }
}
