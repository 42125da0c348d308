/** `client_secret_basic`: the secret itself, in the header. Whether it is right is for secret-verification.ts. */
import { parseBasicCredentials } from '../oauth/basic.ts'
import { invalidClient, invalidRequest } from '../oauth/errors.ts'
import type { SecretCredential } from './secret-verification.ts'

/**
 * @throws OAuthError `invalid_request`, `invalid_client`
 * @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.3.1)
 */
export function basicCredential (header: string, bodyClientId: string | undefined): SecretCredential {
  const [, credentials] = /^Basic +(\S+) *$/i.exec(header) ?? []
  if (credentials === undefined) throw invalidClient('Authorization header of another scheme, or empty')
  const parsed = parseBasicCredentials(credentials)
  if (parsed === undefined) throw invalidClient('malformed Basic credentials')
  if (bodyClientId !== undefined && bodyClientId !== parsed.clientId) {
    throw invalidRequest('The client_id in the body is not the one in the Authorization header.')
  }
  return { kind: 'secret', method: 'client_secret_basic', clientId: parsed.clientId, secret: parsed.clientSecret }
}
