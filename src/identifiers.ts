/** Random identifiers of letters, digits and underscores, which mean the same raw, form-encoded and in a URL. */
import { randomBytes } from 'node:crypto'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Big-endian base 62 of fixed width; 16 bytes fit 22 characters, 32 bytes fit 43. */
export function base62 (bytes: Uint8Array, width: number): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let text = ''
  while (text.length < width) {
    text = alphabet.charAt(Number(value % 62n)) + text
    value /= 62n
  }
  return text
}

/** `<prefix>_` and 20 lower-case letters and digits, about 103 random bits. */
export function newIdentifier (prefix: string): string {
  return `${prefix}_${lowerCaseRandom(20)}`
}

/** Lower-case letters and digits, 5.17 random bits each. */
export function lowerCaseRandom (length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // 252 is the largest multiple of 36 in a byte: what is above it would favour the first letters.
      if (byte < 252 && text.length < length) text += alphabet.charAt(byte % 36).toLowerCase()
    }
  }
  return text
}
