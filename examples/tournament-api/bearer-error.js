/**
 * The refusals of a resource server, with their challenges.
 * @see [RFC 6750 §3](https://www.rfc-editor.org/rfc/rfc6750.html#section-3)
 */
export class BearerError extends Error {
  constructor (status, error, description, { scope, headers = {}, cause } = {}) {
    super(description, { cause })
    this.name = 'BearerError'
    this.status = status
    this.body = { error, error_description: description }
    this.headers = status >= 500 ? headers : { ...headers, 'WWW-Authenticate': challenge({ error, error_description: description, scope }) }
  }

  /** No token at all: the challenge names no error (RFC 6750 §3.1). */
  static missingToken () {
    const refusal = new BearerError(401, 'invalid_token', 'Send an access token: Authorization: Bearer <token>.')
    refusal.headers = { 'WWW-Authenticate': challenge({}) }
    return refusal
  }
}

export function invalidRequest (description) {
  return new BearerError(400, 'invalid_request', description)
}

export function invalidToken (description, cause) {
  return new BearerError(401, 'invalid_token', description, { cause })
}

/** @param {string} scope what the request needs */
export function insufficientScope (scope) {
  return new BearerError(403, 'insufficient_scope', `The access token lacks the scope ${scope}.`, { scope })
}

/** The authorization server cannot be asked: that is no verdict on the token. */
export function unavailable (cause) {
  return new BearerError(503, 'temporarily_unavailable', 'The token cannot be checked at this moment. Send the request again.', { headers: { 'Retry-After': '2' }, cause })
}

function challenge (parameters) {
  const present = Object.entries({ realm: 'tournament-api', ...parameters }).filter(([, value]) => value !== undefined)
  return `Bearer ${present.map(([name, value]) => `${name}="${value}"`).join(', ')}`
}
