/** `client_secret_post`: the secret itself, in the body. Whether it is right is for secret-verification.ts. */
import { invalidClient } from '../oauth/errors.ts'
import type { SecretCredential } from './secret-verification.ts'

/**
 * @throws OAuthError `invalid_client`
 * @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.3.1)
 */
export function postCredential (secret: string, clientId: string | undefined): SecretCredential {
  if (clientId === undefined) throw invalidClient('client_secret without client_id')
  return { kind: 'secret', method: 'client_secret_post', clientId, secret }
}
