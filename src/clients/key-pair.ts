/** New key pairs for clients: the private half is the client's, and this server never stores it. */
import { algorithms } from '../keys/algorithms.ts'
import { minModulusBits, readPublicJwk, type PublicKey } from '../oauth/public-jwk.ts'
import type { SigningAlgorithm } from '../oauth/signing-algorithms.ts'

export interface KeyPair {
  /** With `kid` and `alg`, as libraries take it. */
  readonly privateJwk: Readonly<Record<string, unknown>>
  readonly publicKey: PublicKey
}

export async function generateClientKey (algorithm: SigningAlgorithm): Promise<KeyPair> {
  const { privateKey, publicKey } = await algorithms[algorithm].generate(minModulusBits)
  const read = readPublicJwk({ ...publicKey.export({ format: 'jwk' }), alg: algorithm })
  if ('refused' in read) throw new Error(`a new key is not acceptable: ${read.refused}`) // nobody's mistake but ours
  return { privateJwk: { ...privateKey.export({ format: 'jwk' }), kid: read.kid, alg: algorithm, use: 'sig' }, publicKey: read }
}
