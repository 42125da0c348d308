/**
 * What a token exchange takes and gives. An access token of ours is a JWT too, so either says the same of it.
 * @see [RFC 8693 §3](https://www.rfc-editor.org/rfc/rfc8693.html#section-3)
 */
export const accessTokenIdentifier = 'urn:ietf:params:oauth:token-type:access_token'
export const tokenTypeIdentifiers = [accessTokenIdentifier, 'urn:ietf:params:oauth:token-type:jwt'] as const
export type TokenTypeIdentifier = typeof tokenTypeIdentifiers[number]

export function isTokenTypeIdentifier (text: string): text is TokenTypeIdentifier {
  return (tokenTypeIdentifiers as readonly string[]).includes(text)
}
