/** What a request presents as client authentication: rows 7 and 8 of the token request's checks. */
import type { CredentialSources } from '../http/credential.ts'
import { parseBasicCredentials } from '../oauth/basic.ts'
import { invalidClient, invalidRequest } from '../oauth/errors.ts'
import type { AuthenticationMethod } from '../oauth/authentication-methods.ts'

export interface PresentedCredential {
  readonly method: AuthenticationMethod
  readonly clientId: string
  readonly secret: string
}

/**
 * @throws OAuthError `invalid_request` for two kinds of authentication or two different client ids,
 *   `invalid_client` for none or a malformed one
 * @see [RFC 6749 §2.3](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.3)
 */
export function presentedCredential (sources: CredentialSources): PresentedCredential {
  const { authorization, clientId, clientSecret, clientAssertion } = sources
  const kinds = authorization.length + [clientSecret, clientAssertion].filter((value) => value !== undefined).length
  if (kinds > 1) throw invalidRequest('Authenticate the client in one way only: several were sent at once.')
  const [header] = authorization
  if (header !== undefined) return basicCredential(header, clientId)
  if (clientAssertion !== undefined) throw invalidClient('client assertions are not a method of this server')
  if (clientSecret === undefined) throw invalidClient('no client authentication')
  if (clientId === undefined) throw invalidClient('client_secret without client_id')
  return { method: 'client_secret_post', clientId, secret: clientSecret }
}

function basicCredential (header: string, bodyClientId: string | undefined): PresentedCredential {
  const [, credentials] = /^Basic +(\S+) *$/i.exec(header) ?? []
  if (credentials === undefined) throw invalidClient('Authorization header of another scheme, or empty')
  const parsed = parseBasicCredentials(credentials)
  if (parsed === undefined) throw invalidClient('malformed Basic credentials')
  if (bodyClientId !== undefined && bodyClientId !== parsed.clientId) {
    throw invalidRequest('The client_id in the body is not the one in the Authorization header.')
  }
  return { method: 'client_secret_basic', clientId: parsed.clientId, secret: parsed.clientSecret }
}
