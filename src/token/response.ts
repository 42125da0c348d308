import { Type, type Static } from '@sinclair/typebox'
import type { AccessToken } from '../access-tokens/mint.ts'
import { accessTokenClaims, accessTokenHeader, defaultAccessTokenTtlSeconds, maxAccessTokenTtlSeconds, tokenTypes, type TokenType } from '../oauth/claims.ts'
import { samples } from '../oauth/samples.ts'
import { accessTokenIdentifier, tokenTypeIdentifiers, type TokenTypeIdentifier } from '../oauth/token-type-identifiers.ts'

export const tokenResponseBody = Type.Object({
  access_token: Type.String({
    description: 'The access token: a JWT (RFC 9068), signed with RS256 unless the operator chose another algorithm. Treat it as opaque; it is for the API to read.',
    maxLength: 4_096,
    contentMediaType: 'application/jwt',
    contentSchema: { type: 'array', minItems: 2, prefixItems: [accessTokenHeader, accessTokenClaims] },
    examples: [samples.token]
  }),
  token_type: Type.Unsafe<TokenType>({
    type: 'string',
    enum: tokenTypes,
    description: 'Send the token to the API as `Authorization: <token_type> <token>`. `DPoP`: the token is bound to the key of the DPoP proof that the request had, and every use of it needs another proof (RFC 9449 §7).',
    examples: [...tokenTypes]
  }),
  expires_in: Type.Integer({
    minimum: 1,
    maximum: maxAccessTokenTtlSeconds,
    description: 'Seconds until the token expires. Keep the token until shortly before that, then ask again. After a token exchange never more than the subject token has left.',
    examples: [defaultAccessTokenTtlSeconds]
  }),
  scope: Type.String({ description: 'The scopes of the token: all that were asked for, or the default ones.', examples: [samples.scope] }),
  issued_token_type: Type.Optional(Type.Unsafe<TokenTypeIdentifier>({
    type: 'string', enum: tokenTypeIdentifiers, description: 'Only after a token exchange (RFC 8693 §2.2.1): what was asked for in `requested_token_type`, or that it is an access token.', examples: [accessTokenIdentifier]
  }))
})

/**
 * @see [RFC 6749 §5.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.1)
 * @see [RFC 8693 §2.2.1](https://www.rfc-editor.org/rfc/rfc8693.html#section-2.2.1)
 */
export function tokenResponse ({ token, expiresInSeconds, type }: AccessToken, scopes: readonly string[], issuedTokenType?: TokenTypeIdentifier): string {
  const body: Static<typeof tokenResponseBody> = {
    access_token: token,
    token_type: type,
    expires_in: expiresInSeconds,
    scope: scopes.join(' '),
    ...issuedTokenType === undefined ? {} : { issued_token_type: issuedTokenType }
  }
  return JSON.stringify(body)
}
