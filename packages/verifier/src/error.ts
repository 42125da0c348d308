/** What a caller of the verifier catches, and how a refusal looks over HTTP. */
import { knownAlgorithms } from './algorithms.ts'
import { retrySeconds } from './limits.ts'
import { Refusal, Unavailable, type RefusalCode, type Scheme } from './refusal.ts'

export type VerificationErrorCode = RefusalCode | 'temporarily_unavailable'

const statuses = { invalid_request: 400, invalid_token: 401, insufficient_scope: 403, invalid_dpop_proof: 401, temporarily_unavailable: 503 } as const

/**
 * The request is not to be served. `message` is public and fit for `error_description`; `cause` is private, for the log.
 * Fastify and Express both take `status` and `headers` of an error that is thrown.
 */
export class VerificationError extends Error {
  readonly code: VerificationErrorCode
  /** Of the answer to send. */
  readonly status: 400 | 401 | 403 | 503
  /** The value of `WWW-Authenticate` to send; undefined for 503, which is no verdict on the token. */
  readonly challenge: string | undefined
  /** `WWW-Authenticate`, or `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>
  /** The JSON to send. */
  readonly body: { readonly error: VerificationErrorCode, readonly error_description: string }

  constructor (code: VerificationErrorCode, description: string, { challenge, cause }: { readonly challenge?: string, readonly cause?: unknown } = {}) {
    super(description, { cause })
    this.name = 'VerificationError'
    this.code = code
    this.status = statuses[code]
    this.challenge = challenge
    this.headers = challenge === undefined ? { 'retry-after': String(retrySeconds) } : { 'www-authenticate': challenge }
    this.body = { error: code, error_description: description }
  }
}

export interface Challenges {
  readonly realm: string
  /** Whether tokens are taken that are bound to a key. */
  readonly takesProofs: boolean
}

/** @see [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-3.1): a request without any token is told no error */
export function missingToken (challenges: Challenges): VerificationError {
  const challenge = [challengeOf('Bearer', challenges), ...challenges.takesProofs ? [challengeOf('DPoP', challenges)] : []].join(', ')
  return new VerificationError('invalid_token', 'Send an access token: Authorization: Bearer <token>.', { challenge })
}

/**
 * @param scheme that the request came with
 * @returns what is thrown to the caller; anything that is no refusal is a mistake of ours and stays as it is
 */
export function toVerificationError (error: unknown, scheme: Scheme, challenges: Challenges): unknown {
  if (error instanceof Unavailable) {
    return new VerificationError('temporarily_unavailable', 'The access token cannot be checked at this moment. Send the request again.', { cause: error })
  }
  if (!(error instanceof Refusal)) return error
  const { code, message, scope, cause } = error
  const challenge = challengeOf(error.scheme ?? scheme, challenges, { error: code, error_description: message, ...scope === undefined ? {} : { scope } })
  return new VerificationError(code, message, { challenge, cause })
}

/**
 * @see [RFC 6750 §3](https://www.rfc-editor.org/rfc/rfc6750.html#section-3): every challenge has a parameter, hence the realm
 * @see [RFC 9449 §7.1](https://www.rfc-editor.org/rfc/rfc9449.html#section-7.1)
 */
function challengeOf (scheme: Scheme, { realm }: Challenges, parameters: Readonly<Record<string, string>> = {}): string {
  const all = { realm, ...parameters, ...scheme === 'DPoP' ? { algs: knownAlgorithms.join(' ') } : {} }
  return `${scheme} ${Object.entries(all).map(([name, value]) => `${name}="${value}"`).join(', ')}`
}
