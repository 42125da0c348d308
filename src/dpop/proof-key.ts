/** The key that a proof brings along: whether it is acceptable, what it verifies, and the thumbprint that names it. */
import { readPublicJwk } from '../oauth/public-jwk.ts'
import { isSigned } from '../oauth/signature.ts'
import { signingAlgorithmNamed, signingAlgorithmNames } from '../oauth/signing-algorithms.ts'

export interface ProofKey {
  /** RFC 7638, SHA-256, base64url: `jkt`. */
  readonly thumbprint: string
  verifies (signingInput: string, signature: Buffer): boolean
}

/**
 * Nobody vouches for this key: all that a signature by it shows is that the sender holds its private part.
 * @param alg of the proof: an asymmetric one
 * @returns what is wrong with it or with the key, as the end of a sentence
 * @see [RFC 9449 §4.3](https://www.rfc-editor.org/rfc/rfc9449.html#section-4.3) (checks 5 and 7)
 */
export function readProofKey (alg: unknown, jwk: unknown): ProofKey | { readonly refused: string } {
  const algorithm = typeof alg === 'string' ? signingAlgorithmNamed(alg) : undefined
  if (algorithm === undefined) return { refused: `its alg must be one of ${signingAlgorithmNames.join(', ')}` }
  // A key that does not say what it is for is for what the proof says.
  const read = readPublicJwk(typeof jwk === 'object' && jwk !== null && !Array.isArray(jwk) ? { alg, ...jwk } : jwk)
  if ('refused' in read) return { refused: `in its jwk, ${read.refused}` }
  if (read.algorithm !== algorithm) return { refused: `in its jwk, it is no key for ${algorithm}` }
  return {
    thumbprint: read.thumbprint,
    verifies: (signingInput, signature) => isSigned(algorithm, read.key, signingInput, signature)
  }
}
