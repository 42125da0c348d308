/** DPoP proofs as clients make them, and as they must not. */
import { constants, createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto'
import { compact, type Part, type Signer } from './forged-tokens.ts'

export interface ProofKeys {
  readonly algorithm: string
  readonly signer: Signer
  /** The public half. */
  readonly jwk: Part
  readonly privateJwk: Part
  /** RFC 7638. */
  readonly thumbprint: string
}

export type KeyType = 'P-256' | 'P-384' | 'Ed25519' | number

/** @param type a curve, or the bits of an RSA modulus */
export function createProofKeys (algorithm = 'ES256', type: KeyType = 'P-256', publicExponent = 65_537): ProofKeys {
  const { privateKey, publicKey } = generate(type, publicExponent)
  const jwk = { ...publicKey.export({ format: 'jwk' }) }
  const members = Object.entries(jwk).sort(([one], [other]) => one < other ? -1 : 1)
  return {
    algorithm,
    signer: signerOf(algorithm, privateKey),
    jwk,
    privateJwk: { ...privateKey.export({ format: 'jwk' }) },
    thumbprint: createHash('sha256').update(JSON.stringify(Object.fromEntries(members))).digest('base64url')
  }
}

function generate (type: KeyType, publicExponent: number): { readonly privateKey: KeyObject, readonly publicKey: KeyObject } {
  if (type === 'Ed25519') return generateKeyPairSync('ed25519')
  if (typeof type === 'number') return generateKeyPairSync('rsa', { modulusLength: type, publicExponent })
  return generateKeyPairSync('ec', { namedCurve: type })
}

function signerOf (algorithm: string, key: KeyObject): Signer {
  if (algorithm.startsWith('ES')) return (input) => sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
  if (algorithm.startsWith('Ed')) return (input) => sign(null, Buffer.from(input), key)
  if (algorithm.startsWith('PS')) return (input) => sign('sha256', Buffer.from(input), { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
  return (input) => sign('sha256', Buffer.from(input), key)
}

export interface ProofInput {
  readonly keys: ProofKeys
  /** The token endpoint. */
  readonly htu: string
  /** Milliseconds since the epoch. */
  readonly now?: number
  /** In place of what a good proof has; undefined takes a member away. */
  readonly header?: Part
  readonly claims?: Part
  readonly signer?: Signer
}

export function createProof ({ keys, htu, now = Date.now(), header = {}, claims = {}, signer = keys.signer }: ProofInput): string {
  return compact(
    { typ: 'dpop+jwt', alg: keys.algorithm, jwk: keys.jwk, ...header },
    { jti: randomUUID(), htm: 'POST', htu, iat: Math.floor(now / 1000), ...claims },
    signer
  )
}
