/**
 * The refusals of this API beside those of `@signet/verifier`, in the same form.
 * @see [RFC 6750 §3](https://www.rfc-editor.org/rfc/rfc6750.html#section-3)
 */
export const realm = 'tournament-api'

export class BearerError extends Error {
  constructor (status, error, description, { headers, cause } = {}) {
    super(description, { cause })
    this.name = 'BearerError'
    this.status = status
    this.body = { error, error_description: description }
    this.headers = headers ?? { 'WWW-Authenticate': `Bearer realm="${realm}", error="${error}", error_description="${description}"` }
  }
}

export function invalidRequest (description) {
  return new BearerError(400, 'invalid_request', description)
}

export function invalidToken (description) {
  return new BearerError(401, 'invalid_token', description)
}

/** The authorization server cannot be asked: that is no verdict on the token. */
export function unavailable (cause) {
  return new BearerError(503, 'temporarily_unavailable', 'The token cannot be checked at this moment. Send the request again.', { headers: { 'Retry-After': '2' }, cause })
}
