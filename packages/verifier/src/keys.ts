/** The public keys of the issuer: found by `kid`, kept, and fetched again when a token names one that is not there. */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWSHeaderParameters, type JWTVerifyGetKey } from 'jose'
import { isTrustworthy, type Issuer } from './issuer.ts'
import { keysCooldownSeconds, keysFreshSeconds, maxDocumentBytes } from './limits.ts'
import { createRefreshed, type Loaded, type Seams } from './refreshed.ts'

export interface KeysOptions extends Seams {
  readonly issuer: Issuer
  /** Undefined: the issuer's metadata names it. */
  readonly jwksUri: string | undefined
  /** For how long keys are used after they were fetched, when they cannot be fetched again. */
  readonly usableSeconds: number
}

type FindKey = (header?: JWSHeaderParameters) => ReturnType<ReturnType<typeof createLocalJWKSet>>

/**
 * @returns a function that finds the key of a header for jose; it throws Unavailable when the issuer cannot be asked
 */
export function createKeys ({ issuer, jwksUri, usableSeconds, now, random }: KeysOptions): JWTVerifyGetKey {
  async function load (): Promise<Loaded<FindKey>> {
    const uri = jwksUri ?? await discover(issuer)
    const document: unknown = JSON.parse(await issuer.get(uri, 'application/json', maxDocumentBytes))
    const value = createLocalJWKSet(document as JSONWebKeySet) // which checks that it is one
    return { value, freshUntil: now() + Math.min(keysFreshSeconds, usableSeconds) * 1_000, usableUntil: now() + usableSeconds * 1_000 }
  }

  const keys = createRefreshed('the JWKS of the issuer', load, { now, random })

  return async function findKey (header) {
    if (typeof header.kid !== 'string') throw new errors.JWKSNoMatchingKey('the header has no kid')
    try {
      return await (await keys.get())(header)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
    }
    await keys.renew(keysCooldownSeconds)
    return await (await keys.get())(header)
  }
}

/**
 * @see [RFC 8414 §3](https://www.rfc-editor.org/rfc/rfc8414.html#section-3)
 * @see [RFC 8414 §3.3](https://www.rfc-editor.org/rfc/rfc8414.html#section-3.3): the issuer it names must be the one asked
 */
async function discover (issuer: Issuer): Promise<string> {
  const { origin, pathname } = new URL(issuer.name)
  const uri = `${origin}/.well-known/oauth-authorization-server${pathname === '/' ? '' : pathname}`
  const metadata: unknown = JSON.parse(await issuer.get(uri, 'application/json', maxDocumentBytes))
  if (typeof metadata !== 'object' || metadata === null) throw new Error(`${uri} is no metadata`)
  if (!('issuer' in metadata) || metadata.issuer !== issuer.name) throw new Error(`${uri} is the metadata of another issuer`)
  if (!('jwks_uri' in metadata) || typeof metadata.jwks_uri !== 'string' || !isTrustworthy(metadata.jwks_uri)) throw new Error(`${uri} names no jwks_uri over https`)
  return metadata.jwks_uri
}
