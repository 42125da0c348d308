/** Clients that sign: key pairs, client assertions of any content, and requests that carry them. */
import { constants, createHmac, generateKeyPairSync, randomBytes, sign, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { SigningAlgorithm } from '../../src/oauth/signing-algorithms.ts'
import { clientAssertionType } from '../../src/oauth/parameters.ts'
import { compact, type Part, type Signer } from './forged-tokens.ts'
import { postForm, type Answer } from './requests.ts'
import type { TestServer } from './server.ts'

export interface Pair {
  readonly algorithm: SigningAlgorithm
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** The public half as it is registered, with its `kid` and `alg`. */
  readonly jwk: JsonWebKey
  readonly kid: string
}

export function newPair (algorithm: SigningAlgorithm = 'ES256', kid = `key-${randomBytes(6).toString('hex')}`, modulusLength = 2048): Pair {
  const { privateKey, publicKey } = algorithm === 'ES256'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : algorithm === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('rsa', { modulusLength })
  return { algorithm, privateKey, publicKey, kid, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm } }
}

export function signerOf ({ algorithm, privateKey: key }: Pick<Pair, 'algorithm' | 'privateKey'>): Signer {
  return (input) => {
    const bytes = Buffer.from(input)
    switch (algorithm) {
      case 'RS256': return sign('sha256', bytes, key)
      case 'PS256': return sign('sha256', bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
      case 'ES256': return sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' })
      case 'EdDSA': return sign(null, bytes, key)
    }
  }
}

export function macWith (secret: string | Buffer, hash = 'sha256'): Signer {
  return (input) => createHmac(hash, secret).update(input).digest()
}

/** What a well-behaved client says. @param now milliseconds since the epoch */
export function assertionClaims (issuer: string, clientId: string, now: number): Part {
  const seconds = Math.floor(now / 1000)
  return { iss: clientId, sub: clientId, aud: issuer, iat: seconds, exp: seconds + 60, jti: randomBytes(16).toString('base64url') }
}

/** Members set to undefined are left out. */
export function assertionBy (pair: Pair, claims: Part, header: Part = {}): string {
  return compact({ typ: 'client-authentication+jwt', alg: pair.algorithm, kid: pair.kid, ...header }, claims, signerOf(pair))
}

/** What the backend of a JWT client exchanges for a token of a player. @param now milliseconds since the epoch */
export function assertionFor (playerId: string, client: { readonly id: string, readonly secret: string }, issuer: string, now: number): string {
  const claims: Part = { ...assertionClaims(issuer, client.id, now), sub: playerId }
  return compact({ alg: 'HS256' }, claims, macWith(client.secret))
}

/** A request for a token, or to another endpoint, that is authenticated by an assertion. */
export function withAssertion (server: TestServer, assertion: string, parameters: Readonly<Record<string, string>> = {}, endpoint = 'token'): Promise<Answer> {
  const form = { client_assertion_type: clientAssertionType, client_assertion: assertion, ...endpoint === 'token' ? { grant_type: 'client_credentials' } : {} }
  return postForm(`${server.issuer}/oauth/v2/${endpoint}`, { ...form, ...parameters })
}
