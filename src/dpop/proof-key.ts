/** The key that a proof brings along: which ones are acceptable, what verifies with them, and the thumbprint that names one. */
import { constants, createHash, createPublicKey, verify, type KeyObject } from 'node:crypto'
import { Type, type TObject } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

interface Algorithm {
  /** The members that make the key, in the order of its thumbprint (RFC 7638 §3.2). */
  readonly jwk: TObject
  readonly hash: string | null
  readonly options?: { readonly dsaEncoding: 'ieee-p1363' } | { readonly padding: number, readonly saltLength: number }
}

const text = Type.String({ minLength: 1, maxLength: 1_024 })
const rsa = Type.Object({ e: text, kty: Type.Literal('RSA'), n: text })
const ed25519 = Type.Object({ crv: Type.Literal('Ed25519'), kty: Type.Literal('OKP'), x: text })

/** Asymmetric ones only; the table is what the metadata lists. */
const algorithms: Readonly<Record<string, Algorithm>> = {
  ES256: { jwk: Type.Object({ crv: Type.Literal('P-256'), kty: Type.Literal('EC'), x: text, y: text }), hash: 'sha256', options: { dsaEncoding: 'ieee-p1363' } },
  EdDSA: { jwk: ed25519, hash: null },
  Ed25519: { jwk: ed25519, hash: null },
  PS256: { jwk: rsa, hash: 'sha256', options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } },
  RS256: { jwk: rsa, hash: 'sha256' }
}

export const proofAlgorithms: readonly string[] = Object.keys(algorithms)

export interface ProofKey {
  /** RFC 7638, SHA-256, base64url: `jkt`. */
  readonly thumbprint: string
  verifies (signingInput: string, signature: Buffer): boolean
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
/** Larger ones are refused: verifying is work that a caller makes us do. */
const rsaLimits = { minBits: 2_048, maxBits: 4_096, minExponent: 65_537n, maxExponent: 0xFFFF_FFFFn } as const

/**
 * Nobody vouches for this key: all that a signature by it shows is that the sender holds its private part.
 * @param algorithm `alg` of the proof
 * @returns what is wrong with the key, as the end of a sentence
 * @see [RFC 9449 §4.3](https://www.rfc-editor.org/rfc/rfc9449.html#section-4.3) (checks 5 and 7)
 * @see [RFC 7638 §3](https://www.rfc-editor.org/rfc/rfc7638.html#section-3)
 */
export function readProofKey (algorithm: string, jwk: unknown): ProofKey | { readonly refused: string } {
  const known = Object.hasOwn(algorithms, algorithm) ? algorithms[algorithm] : undefined
  if (known === undefined) return { refused: `alg must be one of ${proofAlgorithms.join(', ')}` }
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) return { refused: 'jwk must be the public key as a JWK' }
  const members = new Map<string, unknown>(Object.entries(jwk))
  if (privateMembers.some((name) => members.has(name))) return { refused: 'jwk must be the public key alone, and this one has private members' }
  if (!Value.Check(known.jwk, jwk)) return { refused: `jwk is no key for ${algorithm}` }
  if (!isForSignatures(members, algorithm)) return { refused: 'jwk says in use, key_ops or alg that it is for something else' }
  const publicMembers = Object.fromEntries(Object.keys(known.jwk.properties).map((name) => [name, members.get(name)]))
  const key = importKey(publicMembers)
  if (key === undefined) return { refused: 'jwk is no valid key in canonical form' }
  if (key.asymmetricKeyType === 'rsa' && !isAcceptableRsa(key)) return { refused: 'an RSA key must have 2048 to 4096 bits and an odd exponent from 65537' }
  return {
    thumbprint: createHash('sha256').update(JSON.stringify(publicMembers)).digest('base64url'),
    verifies: (signingInput, signature) => verify(known.hash, Buffer.from(signingInput), { key, ...known.options }, signature)
  }
}

/** @see [RFC 7517 §4](https://www.rfc-editor.org/rfc/rfc7517.html#section-4) */
function isForSignatures (members: ReadonlyMap<string, unknown>, algorithm: string): boolean {
  const operations = members.get('key_ops') ?? ['verify']
  return (members.get('use') ?? 'sig') === 'sig' && (members.get('alg') ?? algorithm) === algorithm &&
    Array.isArray(operations) && operations.includes('verify')
}

/** A key has one thumbprint only while it has one spelling, so what Node.js would spell otherwise is refused. */
function importKey (members: Readonly<Record<string, unknown>>): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: members, format: 'jwk' })
    const exported = new Map<string, unknown>(Object.entries(key.export({ format: 'jwk' })))
    return Object.entries(members).every(([name, value]) => exported.get(name) === value) ? key : undefined
  } catch {
    return undefined // such as a point that is not on the curve
  }
}

function isAcceptableRsa ({ asymmetricKeyDetails }: KeyObject): boolean {
  const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {}
  const { minBits, maxBits, minExponent, maxExponent } = rsaLimits
  return modulusLength >= minBits && modulusLength <= maxBits && publicExponent >= minExponent && publicExponent <= maxExponent && publicExponent % 2n === 1n
}
