/** New key pairs for clients: the private half is the client's, and this server never stores it. */
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { readPublicJwk, type PublicKey } from '../oauth/public-jwk.ts'
import type { SigningAlgorithm } from '../oauth/signing-algorithms.ts'

export interface KeyPair {
  /** With `kid` and `alg`, as libraries take it. */
  readonly privateJwk: Readonly<Record<string, unknown>>
  readonly publicKey: PublicKey
}

const generate = promisify(generateKeyPair)

export async function generateClientKey (algorithm: SigningAlgorithm): Promise<KeyPair> {
  const { privateKey, publicKey } = await newPair(algorithm)
  const read = readPublicJwk({ ...publicKey.export({ format: 'jwk' }), alg: algorithm })
  if ('refused' in read) throw new Error(`a new key is not acceptable: ${read.refused}`) // nobody's mistake but ours
  return { privateJwk: { ...privateKey.export({ format: 'jwk' }), kid: read.kid, alg: algorithm, use: 'sig' }, publicKey: read }
}

async function newPair (algorithm: SigningAlgorithm): Promise<{ readonly privateKey: KeyObject, readonly publicKey: KeyObject }> {
  switch (algorithm) {
    case 'ES256': return await generate('ec', { namedCurve: 'P-256' })
    case 'EdDSA': return await generate('ed25519')
    case 'RS256':
    case 'PS256': return await generate('rsa', { modulusLength: 2_048, publicExponent: 0x10001 })
  }
}
