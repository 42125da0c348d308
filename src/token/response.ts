import type { AccessToken } from '../access-tokens/mint.ts'

/** @see [RFC 6749 §5.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.1) */
export function tokenResponse ({ token, expiresInSeconds }: AccessToken, scopes: readonly string[]): string {
  return JSON.stringify({
    access_token: token,
    token_type: 'Bearer',
    expires_in: expiresInSeconds,
    scope: scopes.join(' ')
  })
}
