/**
 * Is this string an access token of ours? It checks form, type, key, signature, issuer and times. It does not
 * check the audience, revocation, nor whether the client still exists: active.ts and the endpoints do.
 */
import { errors, jwtVerify } from 'jose'
import { Value } from '@sinclair/typebox/value'
import type { Clock } from '../clock.ts'
import { issuerOf } from '../environment.ts'
import type { KeyRing } from '../keys/ring.ts'
import { accessTokenClaims, accessTokenType, maxAccessTokenTtlSeconds, type AccessTokenClaims } from '../oauth/claims.ts'
import { isCanonicalJwt } from '../oauth/jwt.ts'

export type Verified =
  | { readonly claims: AccessTokenClaims, readonly kid: string }
  | { readonly refused: string }

export type VerifyAccessToken = (token: string) => Promise<Verified>

interface VerifyDependencies {
  readonly issuer: string
  readonly keys: Pick<KeyRing, 'find'>
  readonly clock: Clock
}

export const maxTokenLength = 8_192

/** Why a good token of ours is refused once its time has come. */
export const expired = 'it has expired'

/**
 * @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068.html#section-4)
 * @see [RFC 8725 §3](https://www.rfc-editor.org/rfc/rfc8725.html#section-3)
 */
export function createVerifyAccessToken ({ issuer, keys, clock }: VerifyDependencies): VerifyAccessToken {
  return async (token) => {
    if (!isCanonicalJwt(token, maxTokenLength)) return { refused: 'it is not a JWT in canonical compact form' }
    const kid = keyIdOf(token)
    const key = kid === undefined ? undefined : keys.find(kid)
    if (key === undefined) return { refused: 'it is not signed by a key that this server publishes' }
    try {
      const { payload } = await jwtVerify(token, key.publicKey, {
        algorithms: [key.algorithm],
        typ: accessTokenType,
        issuer: issuerOf(issuer, key.environment),
        currentDate: new Date(clock()),
        requiredClaims: ['exp', 'iat', 'jti']
      })
      if (!Value.Check(accessTokenClaims, payload)) return { refused: 'its claims are not those of an access token' }
      if (payload.exp <= payload.iat || payload.exp - payload.iat > maxAccessTokenTtlSeconds) return { refused: 'its lifetime is not one that this server gives' }
      if (payload.env !== key.environment) return { refused: 'its environment is not that of its key' }
      return { claims: payload, kid: key.kid }
    } catch (error) {
      return { refused: reasonOf(error) }
    }
  }
}

function keyIdOf (token: string): string | undefined {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString())
    return typeof header === 'object' && header !== null && 'kid' in header && typeof header.kid === 'string' ? header.kid : undefined
  } catch {
    return undefined
  }
}

function reasonOf (error: unknown): string {
  if (error instanceof errors.JWTExpired) return expired
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong'
  if (error instanceof errors.JWTClaimValidationFailed) return `its ${error.claim} is not acceptable`
  if (error instanceof errors.JOSEError) return `it is not acceptable (${error.code})`
  throw error
}
