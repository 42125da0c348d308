/** How keys of each algorithm are made and told apart. */
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { Type, type Static } from '@sinclair/typebox'
import { minModulusBits } from '../oauth/public-jwk.ts'
import type { SigningAlgorithm } from '../oauth/signing-algorithms.ts'

const generate = promisify(generateKeyPair)

/** Of a JWK, what is public and makes its thumbprint (RFC 7638 §3.2, RFC 8037 §2). */
const members = {
  rsa: Type.Object({ kty: Type.Literal('RSA'), n: Type.String(), e: Type.String() }),
  ec: Type.Object({ kty: Type.Literal('EC'), crv: Type.Literal('P-256'), x: Type.String(), y: Type.String() }),
  okp: Type.Object({ kty: Type.Literal('OKP'), crv: Type.Literal('Ed25519'), x: Type.String() })
} as const

export type PublicMembers = Static<typeof members[keyof typeof members]>

interface Algorithm {
  readonly generate: (rsaModulusBits: number) => Promise<{ readonly privateKey: KeyObject, readonly publicKey: KeyObject }>
  /** What a public key of the algorithm is, as a JWK. */
  readonly publicMembers: typeof members[keyof typeof members]
  /** Whether a public key is strong enough, as far as its JWK does not say so. */
  readonly isStrong: (key: KeyObject) => boolean
}

const rsa: Algorithm = {
  generate: (modulusLength) => generate('rsa', { modulusLength, publicExponent: 0x10001 }),
  publicMembers: members.rsa,
  isStrong: ({ asymmetricKeyDetails }) => (asymmetricKeyDetails?.modulusLength ?? 0) >= minModulusBits
}

/**
 * @see [RFC 7518 §3](https://www.rfc-editor.org/rfc/rfc7518.html#section-3)
 * @see [RFC 8037 §3.1](https://www.rfc-editor.org/rfc/rfc8037.html#section-3.1)
 */
export const algorithms: Readonly<Record<SigningAlgorithm, Algorithm>> = {
  RS256: rsa,
  PS256: rsa,
  ES256: {
    generate: () => generate('ec', { namedCurve: 'P-256' }),
    publicMembers: members.ec,
    isStrong: () => true
  },
  EdDSA: {
    generate: () => generate('ed25519'),
    publicMembers: members.okp,
    isStrong: () => true
  }
}
