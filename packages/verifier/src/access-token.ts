/** The access token itself: signature and claims, as a resource server has to check them. Nothing here asks whether it was revoked. */
import { errors, jwtVerify, type JWTVerifyGetKey } from 'jose'
import { maxTokenLength } from './limits.ts'
import { invalidToken, Unavailable } from './refusal.ts'

/** The claims of a token that was accepted. Times in seconds since the epoch. */
export interface AccessToken {
  readonly iss: string
  /** The client id; for a JWT client `<organization>:<player id>`. */
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly exp: number
  readonly iat: number
  readonly jti: string
  readonly client_id: string
  /** Scopes, space-delimited. */
  readonly scope?: string
  /** The organization that owns the client. */
  readonly org?: string
  readonly env?: string
  readonly player_id?: string
  readonly status: { readonly status_list: { readonly idx: number, readonly uri: string } }
  readonly cnf?: { readonly jkt?: string, readonly 'x5t#S256'?: string }
  readonly act?: Readonly<Record<string, unknown>>
  readonly [claim: string]: unknown
}

export interface AccessTokenOptions {
  readonly issuer: string
  readonly audience: string
  readonly keys: JWTVerifyGetKey
  readonly algorithms: readonly string[]
  readonly clockToleranceSeconds: number
  readonly now: () => number
}

const notForThisApi = 'The access token is not one for this API.'

/**
 * @throws Refusal `invalid_token`
 * @throws Unavailable when the keys cannot be fetched
 * @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068.html#section-4)
 * @see [RFC 8725 §3](https://www.rfc-editor.org/rfc/rfc8725.html#section-3): algorithms from a list of ours, `typ` explicit
 */
export async function verifyAccessToken (token: string, { issuer, audience, keys, algorithms, clockToleranceSeconds, now }: AccessTokenOptions): Promise<AccessToken> {
  if (token.length > maxTokenLength) throw invalidToken(notForThisApi, { cause: new Error(`the token is longer than ${maxTokenLength} characters`) })
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: [...algorithms],
      typ: 'at+jwt',
      issuer,
      audience,
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(now()),
      requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti']
    })
    if (!isReference(payload['status'])) throw new Error('the token does not say where its status is')
    if (!isAccessToken(payload)) throw new Error('a claim is missing, or of another type')
    return payload
  } catch (error) {
    if (error instanceof Unavailable) throw error
    if (error instanceof errors.JWTExpired) throw invalidToken('The access token has expired: get another one.', { cause: error })
    throw invalidToken(notForThisApi, { cause: error })
  }
}

/** @see [RFC 9068 §2.2](https://www.rfc-editor.org/rfc/rfc9068.html#section-2.2) */
function isAccessToken (claims: Readonly<Record<string, unknown>>): claims is AccessToken {
  const { sub, client_id: clientId, jti, iat, scope, status } = claims
  return [sub, clientId, jti].every((text) => typeof text === 'string' && text !== '') && typeof iat === 'number' &&
    (scope === undefined || typeof scope === 'string') && isReference(status)
}

/** @see [Token Status List §6.2](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-6.2) */
function isReference (status: unknown): boolean {
  const reference = member(status, 'status_list')
  const index = member(reference, 'idx')
  return Number.isSafeInteger(index) && Number(index) >= 0 && typeof member(reference, 'uri') === 'string'
}

function member (value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined
}
