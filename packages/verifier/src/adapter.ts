/** What the adapters of all frameworks take. */
import type { VerificationError } from './error.ts'

export interface RequireTokenOptions<Request> {
  /** Scopes, space-delimited: the token must have them all. */
  readonly scope?: string
  /** DER of the certificate of the TLS connection, for tokens that are bound to one. */
  readonly certificate?: (request: Request) => Uint8Array | undefined
  /** For logs and metrics: the error's `cause` says what was wrong. */
  readonly onRefused?: (error: VerificationError, request: Request) => void
}
