/**
 * Client assertions: a JWT that a client signs to say who it is. This file reads one, without believing it: the form,
 * the header and the claims that need no key to be judged. Whose key signed it is for the methods to say.
 */
import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { parseCompactJwt } from '../oauth/jwt.ts'

export const maxAssertionLength = 8_192

/**
 * Fractions are allowed; no year after 9999.
 * @see [RFC 7519 §2](https://www.rfc-editor.org/rfc/rfc7519.html#section-2)
 */
const second = Type.Number({ minimum: 0, maximum: 253_402_300_799 })

/**
 * What both uses of an assertion (client authentication, and the grant) require.
 * @see [RFC 7523 §3](https://www.rfc-editor.org/rfc/rfc7523.html#section-3)
 */
const assertionClaims = Type.Object({
  iss: Type.String({ minLength: 1, maxLength: 256 }),
  // A player may have 255 characters of two UTF-16 units each.
  sub: Type.String({ minLength: 1, maxLength: 512 }),
  aud: Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 16 })]),
  exp: second,
  nbf: Type.Optional(second),
  iat: Type.Optional(second),
  jti: Type.String({ minLength: 1, maxLength: 256 })
})

export type AssertionClaims = Static<typeof assertionClaims>

export interface Assertion {
  readonly algorithm: string
  readonly keyId: string | undefined
  readonly claims: AssertionClaims
  /** What the signature is over, and the signature. */
  readonly signingInput: string
  readonly signature: Buffer
}

/** Whose work it is to verify the signature, whatever the assertion is for. */
export type AssertionMethod = 'client_secret_jwt' | 'private_key_jwt'

export function methodOf ({ algorithm }: Assertion): AssertionMethod {
  return algorithm.startsWith('HS') ? 'client_secret_jwt' : 'private_key_jwt'
}

/**
 * A key that a token brings or points at (`jwk`, `jku`, `x5c`, `x5u`) means nothing here, so those are never looked at.
 * @param types the values that `typ` may have, in lower case; no `typ` at all is fine
 * @see [RFC 8725 §3](https://www.rfc-editor.org/rfc/rfc8725.html#section-3)
 */
export function readAssertion (text: string, types: readonly string[]): Assertion | { readonly refused: string } {
  const jwt = parseCompactJwt(text, maxAssertionLength)
  if (jwt === undefined) return { refused: 'it is not a signed JWT in canonical compact form' }
  const { header, claims, signingInput, signature } = jwt
  if ('crit' in header) return { refused: 'its crit asks for what this server does not do' }
  if (typeof header['alg'] !== 'string') return { refused: 'it has no alg' }
  if ('kid' in header && typeof header['kid'] !== 'string') return { refused: 'its kid is no string' }
  if ('typ' in header && !(typeof header['typ'] === 'string' && types.includes(mediaSubtype(header['typ'])))) return { refused: 'its typ is that of another kind of JWT' }
  if (!Value.Check(assertionClaims, claims)) return { refused: `its claims are not those of an assertion: ${firstWrong(claims)}` }
  return { algorithm: header['alg'], keyId: typeof header['kid'] === 'string' ? header['kid'] : undefined, claims, signingInput, signature }
}

/** @see [RFC 7515 §4.1.9](https://www.rfc-editor.org/rfc/rfc7515.html#section-4.1.9): `application/` may be left out */
function mediaSubtype (type: string): string {
  return type.toLowerCase().replace(/^application\//, '')
}

function firstWrong (claims: Readonly<Record<string, unknown>>): string {
  return Value.Errors(assertionClaims, claims).First()?.path.slice(1) ?? ''
}

/** How far ahead an assertion may expire, and by how much the client's clock may differ. */
export const maxAssertionLifetimeSeconds = 300
const skewSeconds = 10

/**
 * @param now milliseconds since the epoch
 * @returns why the assertion is not one of now, for the log
 * @see [RFC 7523 §3](https://www.rfc-editor.org/rfc/rfc7523.html#section-3) (points 4 to 6)
 */
export function timesObjection ({ exp, nbf, iat }: AssertionClaims, now: number): string | undefined {
  const seconds = now / 1000
  if (exp + skewSeconds <= seconds) return 'it has expired'
  if (exp - skewSeconds > seconds + maxAssertionLifetimeSeconds) return `its exp is more than ${maxAssertionLifetimeSeconds} seconds ahead`
  if (nbf !== undefined && nbf - skewSeconds > seconds) return 'its nbf is ahead'
  if (iat !== undefined && iat - skewSeconds > seconds) return 'its iat is ahead'
  return undefined
}

/** From when on the assertion is refused as too old, in milliseconds since the epoch. */
export function usableUntil ({ exp }: AssertionClaims): number {
  return (exp + skewSeconds) * 1000
}
