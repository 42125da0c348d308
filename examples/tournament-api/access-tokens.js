/**
 * Who calls, and what may they do: checks of access tokens as hooks of routes. Offline, with the published keys and
 * status lists, but for `requireActive`, which asks the authorization server.
 */
import { createVerifier } from '@signet/verifier'
import { requireToken } from '@signet/verifier/fastify'
import { invalidRequest, invalidToken, realm, unavailable } from './bearer-error.js'

const timeoutSeconds = 2

/** @param {{ issuer: string, internalOrigin?: string, audience: string, introspection: { endpoint: string, clientId: string, clientSecret: string } }} options */
export function createAccessTokens ({ issuer, internalOrigin, audience, introspection }) {
  // While nobody can say what was revoked, this API would rather answer nobody.
  const verifier = createVerifier({ issuer, internalOrigin, audience, realm, timeoutSeconds, whenStatusUnavailable: 'refuse' })

  /** @see [RFC 7662 §2.1](https://www.rfc-editor.org/rfc/rfc7662.html#section-2.1) */
  async function isActive (token) {
    const { endpoint, clientId, clientSecret } = introspection
    try {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: { Authorization: `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64')}` },
        body: new URLSearchParams({ token }),
        signal: AbortSignal.timeout(timeoutSeconds * 1_000)
      })
      if (!response.ok) throw new Error(`introspection answered ${response.status}: ${await response.text()}`)
      return (await response.json()).active === true
    } catch (error) {
      console.error(`introspection failed: ${error.message}`) // such as a wrong secret of this API
      throw unavailable(error)
    }
  }

  return {
    /** The token is good, was not revoked, and has the scope; `request.accessToken` has its claims from here on. */
    requireScope: (scope) => requireToken(verifier, { scope, onRefused: logOutage }),

    /** The client also says who it is in X-Api-Key: its client id, which must be the token's. */
    async requireApiKey (request) {
      const key = request.headers['x-api-key']
      if (key === undefined) throw invalidRequest('Send the client id in the header X-Api-Key.')
      if (key !== request.accessToken.client_id) throw invalidToken('X-Api-Key names another client than the access token.')
    },

    /** The token was not revoked, nor its client disabled, up to this moment: a status list may be a minute old. */
    async requireActive (request) {
      const [, token] = request.headers.authorization.trim().split(/ +/)
      if (!(await isActive(token))) throw invalidToken('The access token is not active any more: get another one.')
    }
  }
}

/** A refusal is the caller's matter; that the authorization server cannot be reached is ours. */
function logOutage ({ code, cause }) {
  if (code === 'temporarily_unavailable') console.error(`tokens cannot be checked: ${cause?.message}: ${cause?.cause?.message}`)
}
