/** Verifying signatures with a key whose algorithm is known beforehand: what a token says of itself never chooses it. */
import { constants, createHmac, timingSafeEqual, verify, type KeyObject } from 'node:crypto'
import type { SigningAlgorithm } from './signing-algorithms.ts'

/**
 * In this thread, for it takes some 30 to 100 microseconds: libuv's few threads are argon2's.
 * @see [RFC 7518 §3](https://www.rfc-editor.org/rfc/rfc7518.html#section-3)
 * @see [RFC 8037 §3.1](https://www.rfc-editor.org/rfc/rfc8037.html#section-3.1)
 */
export function isSigned (algorithm: SigningAlgorithm, key: KeyObject, input: string, signature: Buffer): boolean {
  const bytes = Buffer.from(input)
  switch (algorithm) {
    case 'RS256': return verify('sha256', bytes, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
    case 'PS256': return verify('sha256', bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, signature)
    case 'ES256': return verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature)
    case 'EdDSA': return verify(null, bytes, key, signature)
  }
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
