/**
 * The one table of protocol errors, and one function for each code. Endpoints throw what these return; nothing
 * else ever builds an error answer. The description is public and constant apart from names that the caller
 * sent itself; the cause is private and goes to the log.
 */

export interface ErrorFacts {
  readonly status: number
  /** Where the code is defined. */
  readonly source: string
  readonly meaning: string
  readonly cure: string
}

export const errorTable = {
  invalid_request: {
    status: 400,
    source: 'RFC 6749 §5.2',
    meaning: 'The request is malformed: a parameter is missing, repeated or unreadable, or two kinds of client authentication were sent.',
    cure: 'Send the parameters once each, form-encoded, in the body of the request. The description names what to change.'
  },
  invalid_client: {
    status: 401,
    source: 'RFC 6749 §5.2',
    meaning: 'Client authentication failed. For your safety the answer does not say whether the client is unknown or disabled, or what is wrong with its secret, assertion or certificate.',
    cure: 'Check client_id and what goes with it: the secret, the claims and the key of the assertion, or the certificate. The operator finds the cause in the log under the request id.'
  },
  invalid_grant: {
    status: 400,
    source: 'RFC 6749 §5.2, RFC 7523 §3.1',
    meaning: 'The assertion is not acceptable. For your safety the answer does not say what is wrong with it, nor whether there is such a client.',
    cure: 'Check iss, sub, aud, exp and jti, the clock, the algorithm and the secret or key, and send each assertion once. The operator finds the cause in the log under the request id.'
  },
  unauthorized_client: {
    status: 400,
    source: 'RFC 6749 §5.2, RFC 7009 §2.1',
    meaning: 'The client is known, but may not do this: use this grant type, or revoke a token of another client.',
    cure: 'Ask the operator which grant types the client has.'
  },
  unsupported_grant_type: {
    status: 400,
    source: 'RFC 6749 §5.2',
    meaning: 'The server does not have this grant type.',
    cure: 'Use one that grant_types_supported in the metadata lists, such as client_credentials.'
  },
  invalid_scope: {
    status: 400,
    source: 'RFC 6749 §5.2',
    meaning: 'A scope is malformed, unknown or not granted to the client, or the scopes belong to different resources that cannot be in one token.',
    cure: 'Ask only for scopes that the client has, all of one resource, separated by single spaces.'
  },
  invalid_target: {
    status: 400,
    source: 'RFC 8707 §2',
    meaning: 'The parameter resource or audience names no resource of this server, another one than that of the scopes, several that cannot be in one token, or one that the client may not exchange tokens for.',
    cure: 'Send the identifier of the API exactly as it is registered, or leave the parameter out. The operator says what a client may exchange tokens for.'
  },
  invalid_dpop_proof: {
    status: 400,
    source: 'RFC 9449 §5',
    meaning: 'The DPoP header is not a valid proof for this request, or it is missing though the tokens of the client are bound to keys.',
    cure: 'Make a new proof for each request, as RFC 9449 §4 describes. The description names what is wrong with this one.'
  },
  use_dpop_nonce: {
    status: 400,
    source: 'RFC 9449 §8',
    meaning: 'DPoP proofs need a nonce of this server here, and the proof has none or one that is too old.',
    cure: 'Make a new proof with the nonce that the header DPoP-Nonce of the answer holds, and send the request again.'
  },
  temporarily_unavailable: {
    status: 503,
    source: 'RFC 6749 §4.1.2.1',
    meaning: 'The server cannot do this right now: its database is away, or it has too much to do.',
    cure: 'Send the same request again after the seconds that Retry-After names.'
  },
  server_error: {
    status: 500,
    source: 'RFC 6749 §4.1.2.1',
    meaning: 'The server made a mistake; the request was not at fault.',
    cure: 'Tell the operator the X-Request-Id of the answer.'
  }
} as const satisfies Record<string, ErrorFacts>

export type ErrorCode = keyof typeof errorTable

export function isErrorCode (text: string): text is ErrorCode {
  return Object.hasOwn(errorTable, text)
}

interface ErrorOptions {
  /** Why, for the log only. */
  readonly cause?: unknown
  /** Only where HTTP has a more telling status than the code's own (404, 405, 413). */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

export class OAuthError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor (code: ErrorCode, description: string, { cause, status, headers }: ErrorOptions = {}) {
    super(sanitize(description), { cause })
    this.name = 'OAuthError'
    this.code = code
    this.status = status ?? errorTable[code].status
    this.headers = headers ?? {}
  }
}

/** @see [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.2) */
export function invalidRequest (description: string, options?: ErrorOptions): OAuthError {
  return new OAuthError('invalid_request', description, options)
}

/** Of every 401. */
export const basicChallenge = 'Basic realm="signet", charset="UTF-8"'

/**
 * One body for every cause, with a challenge for the method that the caller may have tried.
 * @see [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.2)
 * @see [RFC 7617 §2](https://www.rfc-editor.org/rfc/rfc7617.html#section-2)
 * @see [RFC 9110 §11.6.1](https://www.rfc-editor.org/rfc/rfc9110.html#section-11.6.1)
 */
export function invalidClient (cause: unknown): OAuthError {
  return new OAuthError('invalid_client', 'Client authentication failed: check the client id and its secret, key or certificate.', {
    cause, headers: { 'WWW-Authenticate': basicChallenge }
  })
}

/**
 * One body for every cause.
 * @see [RFC 7523 §3.1](https://www.rfc-editor.org/rfc/rfc7523.html#section-3.1)
 */
export function invalidGrant (cause: unknown): OAuthError {
  return new OAuthError('invalid_grant', 'The assertion is not acceptable: check its claims and its signature, and send it once.', { cause })
}

export function unauthorizedClient (description: string): OAuthError {
  return new OAuthError('unauthorized_client', description)
}

export function unsupportedGrantType (grantType: string): OAuthError {
  return new OAuthError('unsupported_grant_type', `This server does not support the grant_type ${grantType}.`)
}

export function invalidScope (description: string): OAuthError {
  return new OAuthError('invalid_scope', description)
}

/** @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2) */
export function invalidTarget (description: string): OAuthError {
  return new OAuthError('invalid_target', description)
}

/** @see [RFC 9449 §5](https://www.rfc-editor.org/rfc/rfc9449.html#section-5) */
export function invalidDpopProof (description: string): OAuthError {
  return new OAuthError('invalid_dpop_proof', description)
}

/** @see [RFC 9449 §8](https://www.rfc-editor.org/rfc/rfc9449.html#section-8) */
export function useDpopNonce (nonce: string): OAuthError {
  return new OAuthError('use_dpop_nonce', 'Make a new DPoP proof, with the nonce that the header DPoP-Nonce holds.', { headers: { 'DPoP-Nonce': nonce } })
}

/**
 * @param retryAfterSeconds for the header
 * @see [RFC 9110 §10.2.3](https://www.rfc-editor.org/rfc/rfc9110.html#section-10.2.3) (`Retry-After`)
 */
export function temporarilyUnavailable (description: string, retryAfterSeconds: number, cause?: unknown): OAuthError {
  return new OAuthError('temporarily_unavailable', description, {
    cause, headers: { 'Retry-After': String(retryAfterSeconds) }
  })
}

export function serverError (cause: unknown): OAuthError {
  return new OAuthError('server_error', 'The server made a mistake. Tell its operator the X-Request-Id of this answer.', { cause })
}

export const maxDescriptionLength = 200

/** Only the characters that RFC 6749 §5.2 allows in `error_description`, and not too many of them. */
function sanitize (description: string): string {
  const allowed = description.replaceAll('"', '\'').replace(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, '?')
  return allowed.length <= maxDescriptionLength ? allowed : `${allowed.slice(0, maxDescriptionLength - 3)}...`
}
