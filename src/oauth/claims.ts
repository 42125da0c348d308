/** The claims of an access token, as issued and as believed again. */
import { Type, type Static } from '@sinclair/typebox'

/**
 * @see [RFC 9068 §2.2](https://www.rfc-editor.org/rfc/rfc9068.html#section-2.2)
 * @see [RFC 7519 §4.1](https://www.rfc-editor.org/rfc/rfc7519.html#section-4.1)
 */
export const accessTokenClaims = Type.Object({
  iss: Type.String(),
  sub: Type.String(),
  /** The identifier of the resource whose scopes were granted. */
  aud: Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1, maxItems: 16 })]),
  /** Seconds since the epoch, as `iat`. */
  exp: Type.Integer({ minimum: 0, maximum: 253_402_300_799 }),
  iat: Type.Integer({ minimum: 0, maximum: 253_402_300_799 }),
  jti: Type.String({ minLength: 16, maxLength: 64 }),
  client_id: Type.String(),
  scope: Type.String(),
  /** The id of the organization that owns the client. */
  org: Type.String(),
  env: Type.Union([Type.Literal('live'), Type.Literal('test')]),
  /** Only in tokens of JWT clients: the player as the client's backend named it. */
  player_id: Type.Optional(Type.String())
})

export type AccessTokenClaims = Static<typeof accessTokenClaims>

/** `typ` of an access token's header (RFC 9068 §2.1). */
export const accessTokenType = 'at+jwt'
export const defaultAccessTokenTtlSeconds = 90_000
/** The bounds of what a resource or client may have instead; the database holds them too. */
export const minAccessTokenTtlSeconds = 60
export const maxAccessTokenTtlSeconds = 30 * 24 * 3600
