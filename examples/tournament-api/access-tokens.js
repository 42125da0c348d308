/**
 * Who calls, and what may they do: checks of access tokens as hooks of routes. Offline, with the published keys,
 * but for `requireActive`, which asks the authorization server.
 */
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import { BearerError, insufficientScope, invalidRequest, invalidToken, unavailable } from './bearer-error.js'

const timeoutMillis = 2_000
const maxTokenLength = 4_096
/** By how much the clocks of the two servers may differ. */
const clockToleranceSeconds = 5

/** @param {{ issuer: string, jwksUri: string, audience: string, introspection: { endpoint: string, clientId: string, clientSecret: string } }} options */
export function createAccessTokens ({ issuer, jwksUri, audience, introspection }) {
  // Keeps the keys, and fetches them again when a token names one that it does not have, at most every 30 seconds.
  const keys = createRemoteJWKSet(new URL(jwksUri), { timeoutDuration: timeoutMillis, cooldownDuration: 30_000, cacheMaxAge: 300_000 })

  /** @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068.html#section-4) */
  async function verify (token) {
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ['RS256'], typ: 'at+jwt', issuer, audience, clockTolerance: clockToleranceSeconds, requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'org', 'scope']
      })
      return payload
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw invalidToken('The access token has expired: get another one.', error)
      if (isOutage(error)) throw unavailable(error)
      throw invalidToken('The access token is not one for this API.', error)
    }
  }

  /** @see [RFC 7662 §2.1](https://www.rfc-editor.org/rfc/rfc7662.html#section-2.1) */
  async function isActive (token) {
    const { endpoint, clientId, clientSecret } = introspection
    try {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: { Authorization: `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64')}` },
        body: new URLSearchParams({ token }),
        signal: AbortSignal.timeout(timeoutMillis)
      })
      if (!response.ok) throw new Error(`introspection answered ${response.status}: ${await response.text()}`)
      return (await response.json()).active === true
    } catch (error) {
      console.error(`introspection failed: ${error.message}`) // such as a wrong secret of this API
      throw unavailable(error)
    }
  }

  return {
    /** The token is good and has the scope; `request.accessToken` has its claims from here on. */
    requireScope: (scope) => async (request) => {
      const claims = await verify(bearerToken(request))
      if (!String(claims.scope).split(' ').includes(scope)) throw insufficientScope(scope)
      request.accessToken = claims
    },

    /** The client also says who it is in X-Api-Key: its client id, which must be the token's. */
    async requireApiKey (request) {
      const key = request.headers['x-api-key']
      if (key === undefined) throw invalidRequest('Send the client id in the header X-Api-Key.')
      if (key !== request.accessToken.client_id) throw invalidToken('X-Api-Key names another client than the access token.')
    },

    /** The token was not revoked, nor its client disabled, up to this moment. */
    async requireActive (request) {
      if (!(await isActive(bearerToken(request)))) throw invalidToken('The access token is not active any more: get another one.')
    }
  }
}

/**
 * @see [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-2.1)
 * @see [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-3.1): another scheme is no token, and half a header is a malformed request
 */
function bearerToken (request) {
  const header = request.headers.authorization
  if (header === undefined || !/^Bearer( |$)/i.test(header)) throw BearerError.missingToken()
  const [, token] = /^Bearer +([\w.~+/-]+=*) *$/i.exec(header) ?? []
  if (token === undefined) throw invalidRequest('The Authorization header is not Bearer and one access token.')
  if (token.length > maxTokenLength) throw invalidToken('The access token is not one for this API.')
  return token
}

/** The keys could not be fetched. A key that is not among them is the token's fault. */
function isOutage (error) {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true
  return !(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC' // a failed fetch, or an answer other than 200; above, an answer that is no key set
}
