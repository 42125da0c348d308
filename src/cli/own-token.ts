/** A token that somebody brings: is it one of this server, and where is its status? */
import { decodeJwt } from 'jose'
import { pino } from 'pino'
import { Value } from '@sinclair/typebox/value'
import { statusOf } from '../access-tokens/active.ts'
import { createVerifyAccessToken, expired } from '../access-tokens/verify.ts'
import { createKeyRing } from '../keys/ring.ts'
import { accessTokenClaims, type AccessTokenClaims } from '../oauth/claims.ts'
import type { StatusReference } from '../status-lists/status-list.ts'
import { refuse } from './find.ts'
import type { Session } from './session.ts'

export interface OwnToken {
  readonly claims: AccessTokenClaims
  /** Undefined: of an early version, which is revoked by its jti. */
  readonly status: StatusReference | undefined
  readonly hasExpired: boolean
}

/** @throws OperatorError for what is no access token of this server, or is signed by a key that is not believed any more */
export async function readToken (text: string, { keys: store, sealer, clock, issuer }: Session): Promise<OwnToken> {
  const keys = createKeyRing({ store, sealer, clock, logger: pino({ level: 'silent' }), algorithms: [] })
  await keys.load()
  const verified = await createVerifyAccessToken({ issuer, keys, clock })(text)
  if ('claims' in verified) return { claims: verified.claims, status: statusOf(verified.claims, issuer), hasExpired: false }
  if (verified.refused !== expired) return refuse(`There is nothing to revoke: this is no access token that the server accepts, for ${verified.refused}. See why with: signet token inspect -`)
  const claims = decodeJwt(text) // its signature is right, or it would have been refused for that
  if (!Value.Check(accessTokenClaims, claims)) return refuse('There is nothing to revoke: the claims are not those of an access token.')
  return { claims, status: statusOf(claims, issuer), hasExpired: true }
}
