/** `client_secret_basic` and `client_secret_post`: the secret itself is presented. Whether it is right is for secret-verification.ts. */
import { parseBasicCredentials } from '../oauth/basic.ts'
import { invalidClient, invalidRequest } from '../oauth/errors.ts'

export interface SecretCredential {
  readonly kind: 'secret'
  readonly method: 'client_secret_basic' | 'client_secret_post'
  readonly clientId: string
  readonly secret: string
}

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

/** @throws OAuthError `invalid_client` */
export function postCredential (secret: string, clientId: string | undefined): SecretCredential {
  if (clientId === undefined) throw invalidClient('client_secret without client_id')
  return { kind: 'secret', method: 'client_secret_post', clientId, secret }
}
