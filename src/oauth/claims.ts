/** The claims of an access token, as issued and as believed again. */
import { Type, type Static, type TObject } from '@sinclair/typebox'
import { issuerPlaceholder, samples } from './samples.ts'
import { signingAlgorithms, type SigningAlgorithm } from './signing-algorithms.ts'
import { statusClaim } from './status-list.ts'

/**
 * @see [RFC 9449 §6.1](https://www.rfc-editor.org/rfc/rfc9449.html#section-6.1)
 * @see [RFC 8705 §3.1](https://www.rfc-editor.org/rfc/rfc8705.html#section-3.1)
 */
const confirmation = Type.Object({
  jkt: Type.Optional(Type.String({ description: 'The key of DPoP proofs: its SHA-256 thumbprint (RFC 7638), base64url.', examples: [samples.thumbprint] })),
  'x5t#S256': Type.Optional(Type.String({ description: 'The certificate of the TLS connection (RFC 8705 §3.1): its SHA-256 thumbprint, base64url.', examples: [samples.thumbprint] }))
}, { description: 'Only in a token that is bound to a key: whoever uses the token shows that it holds that key.' })

/** Of one token. */
export const maxAudiences = 16

/** Of one token: who acts now, for whom that one acts, and so on. */
export const maxActors = 4

/** @see [RFC 8693 §4.1](https://www.rfc-editor.org/rfc/rfc8693.html#section-4.1) */
export interface Actor {
  readonly sub: string
  readonly client_id?: string
  readonly act?: Actor
}

function actorWithin (depth: number): TObject {
  return Type.Object({
    sub: Type.String({ description: depth === maxActors ? 'Who acts: the `sub` of the actor token.' : 'Who acted before, and counts for nothing in deciding about access.', examples: [samples.clientId] }),
    client_id: Type.Optional(Type.String({ description: 'The client that it acts through, where that is another.', examples: [samples.clientId] })),
    ...depth === 1 ? {} : { act: Type.Optional(actorWithin(depth - 1)) }
  }, { additionalProperties: false, ...depth === maxActors ? { description: 'Only after a token exchange with an actor token (RFC 8693 §4.1): who acts for the subject of the token, and whom it follows.' } : {} })
}

/**
 * @see [RFC 9068 §2.2](https://www.rfc-editor.org/rfc/rfc9068.html#section-2.2)
 * @see [RFC 7519 §4.1](https://www.rfc-editor.org/rfc/rfc7519.html#section-4.1)
 */
export const accessTokenClaims = Type.Object({
  iss: Type.String({ description: 'The issuer; for test clients the issuer and `/test`.', examples: [issuerPlaceholder] }),
  sub: Type.String({ description: 'The id of the client; in the tokens of a JWT client the id of its organization, a colon and the id of the player; after a token exchange that of the subject token.', examples: [samples.clientId] }),
  aud: Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1, maxItems: maxAudiences })], {
    description: 'The identifier of the resource whose scopes were granted; a list of them only where several resources were asked for by name, and each allows that.', examples: [samples.resource]
  }),
  exp: Type.Integer({ minimum: 0, maximum: 253_402_300_799, description: 'When the token expires, in seconds since 1970.', examples: [samples.issuedAt + 90_000] }),
  iat: Type.Integer({ minimum: 0, maximum: 253_402_300_799, description: 'When the token was issued, in seconds since 1970.', examples: [samples.issuedAt] }),
  jti: Type.String({ minLength: 16, maxLength: 64, description: 'Unique to the token: 128 random bits. After a token exchange it begins with `x.`.', examples: [samples.jti] }),
  client_id: Type.String({ description: 'The id of the client that the token was issued to.', examples: [samples.clientId] }),
  scope: Type.String({ description: 'The granted scopes, separated by single spaces.', examples: [samples.scope] }),
  org: Type.String({ description: 'The id of the organization that owns the client; after a token exchange that of the subject token.', examples: [samples.organization] }),
  env: Type.Union([Type.Literal('live'), Type.Literal('test')], { description: 'The environment of the client.', examples: ['live'] }),
  status: Type.Optional(statusClaim), // none in tokens of a version before there were status lists
  player_id: Type.Optional(Type.String({ description: 'Only in the tokens of a JWT client, and in those exchanged for them: the player that it acts for, as its backend calls the player.', examples: [samples.playerId] })),
  cnf: Type.Optional(confirmation),
  act: Type.Optional(Type.Unsafe<Actor>(actorWithin(maxActors)))
})

export type Confirmation = Static<typeof confirmation>

export type AccessTokenClaims = Static<typeof accessTokenClaims>

/** How a token is presented, and what `token_type` says. */
export const tokenTypes = ['Bearer', 'DPoP'] as const
export type TokenType = typeof tokenTypes[number]

/** @see [RFC 9449 §5](https://www.rfc-editor.org/rfc/rfc9449.html#section-5) */
export function tokenTypeOf (confirmation: Confirmation | undefined): TokenType {
  return confirmation?.jkt === undefined ? 'Bearer' : 'DPoP'
}

/** `typ` of an access token's header (RFC 9068 §2.1). */
export const accessTokenType = 'at+jwt'

/** @see [RFC 9068 §2.1](https://www.rfc-editor.org/rfc/rfc9068.html#section-2.1) */
export const accessTokenHeader = Type.Object({
  alg: Type.Unsafe<SigningAlgorithm>(Type.String({ enum: [...signingAlgorithms], description: 'How the token is signed: RS256, unless the operator chose another algorithm. An API accepts the one that it expects, and no other.', examples: ['RS256'] })),
  typ: Type.Literal(accessTokenType, { description: 'Says that this JWT is an access token.' }),
  kid: Type.String({ description: 'The key that signed the token, as the JWKS names it.', examples: [samples.kid] })
})

export const defaultAccessTokenTtlSeconds = 90_000
/** The bounds of what a resource or client may have instead; the database holds them too. */
export const minAccessTokenTtlSeconds = 60
export const maxAccessTokenTtlSeconds = 30 * 24 * 3600
