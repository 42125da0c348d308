/** Signatures with a key whose algorithm is known beforehand: what a token says of itself never chooses it. */
import { constants, createHmac, sign, timingSafeEqual, verify, type KeyObject, type SigningOptions } from 'node:crypto'
import type { SigningAlgorithm } from './signing-algorithms.ts'

/**
 * How a signature of each is made and verified.
 * @see [RFC 7518 §3](https://www.rfc-editor.org/rfc/rfc7518.html#section-3)
 * @see [RFC 8037 §3.1](https://www.rfc-editor.org/rfc/rfc8037.html#section-3.1)
 */
const schemes: Readonly<Record<SigningAlgorithm, { readonly hash: string | null, readonly options: SigningOptions }>> = {
  RS256: { hash: 'sha256', options: { padding: constants.RSA_PKCS1_PADDING } },
  PS256: { hash: 'sha256', options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } },
  ES256: { hash: 'sha256', options: { dsaEncoding: 'ieee-p1363' } },
  EdDSA: { hash: null, options: {} }
}

export function signWith (algorithm: SigningAlgorithm, key: KeyObject, input: string): Buffer {
  const { hash, options } = schemes[algorithm]
  return sign(hash, Buffer.from(input), { key, ...options })
}

/** In this thread, for it takes some 30 to 100 microseconds: libuv's few threads are argon2's. */
export function isSigned (algorithm: SigningAlgorithm, key: KeyObject, input: string, signature: Buffer): boolean {
  const { hash, options } = schemes[algorithm]
  return verify(hash, Buffer.from(input), { key, ...options }, signature)
}

/** Each with its hash; the least number of octets that the key must have is the hash's own. */
export const macAlgorithms = { HS256: { hash: 'sha256', octets: 32 }, HS384: { hash: 'sha384', octets: 48 }, HS512: { hash: 'sha512', octets: 64 } } as const
export type MacAlgorithm = keyof typeof macAlgorithms

export function isMacAlgorithm (text: string): text is MacAlgorithm {
  return Object.hasOwn(macAlgorithms, text)
}

/**
 * @see [RFC 7518 §3.2](https://www.rfc-editor.org/rfc/rfc7518.html#section-3.2)
 * @see [RFC 8725 §3.5](https://www.rfc-editor.org/rfc/rfc8725.html#section-3.5)
 */
export function isMac (algorithm: MacAlgorithm, key: Uint8Array, input: string, mac: Buffer): boolean {
  const expected = createHmac(macAlgorithms[algorithm].hash, key).update(input).digest()
  return mac.length === expected.length && timingSafeEqual(mac, expected) && key.length >= macAlgorithms[algorithm].octets
}
