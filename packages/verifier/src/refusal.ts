/**
 * Why a token is not accepted. Everything inside throws these two; the verifier turns them, in one place, into the
 * `VerificationError` that its callers see.
 */

/** @see [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-3.1), [RFC 9449 §7.1](https://www.rfc-editor.org/rfc/rfc9449.html#section-7.1) */
export type RefusalCode = 'invalid_request' | 'invalid_token' | 'insufficient_scope' | 'invalid_dpop_proof'

export type Scheme = 'Bearer' | 'DPoP'

export interface RefusalOptions {
  /** Private: what was wrong, for the log of the API. */
  readonly cause?: unknown
  /** What the request needs; for `insufficient_scope`. */
  readonly scope?: string
  /** The scheme that the challenge asks for; otherwise the one that the request came with. */
  readonly scheme?: Scheme
}

/** A verdict: the request will not be better when it is sent again. */
export class Refusal extends Error {
  readonly code: RefusalCode
  readonly scope: string | undefined
  readonly scheme: Scheme | undefined

  /** @param description public, a constant but for names that the API itself chose */
  constructor (code: RefusalCode, description: string, { cause, scope, scheme }: RefusalOptions = {}) {
    super(description, { cause })
    this.name = 'Refusal'
    this.code = code
    this.scope = scope
    this.scheme = scheme
  }
}

/** No verdict: the issuer cannot be asked at this moment. */
export class Unavailable extends Error {
  constructor (message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'Unavailable'
  }
}

export function invalidToken (description: string, options: RefusalOptions = {}): Refusal {
  return new Refusal('invalid_token', description, options)
}

export function invalidDpopProof (description: string, cause?: unknown): Refusal {
  return new Refusal('invalid_dpop_proof', description, { cause, scheme: 'DPoP' })
}
