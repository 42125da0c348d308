/** What a certificate is named by, in tokens and by operators. */
import { createHash, type X509Certificate } from 'node:crypto'

/** @see [RFC 8705 §3.1](https://www.rfc-editor.org/rfc/rfc8705.html#section-3.1) */
export function certificateThumbprint ({ raw }: X509Certificate): string {
  return createHash('sha256').update(raw).digest('base64url')
}

/** Of the bytes as `x5t#S256` has them, or in hexadecimal as openssl prints a fingerprint; undefined for anything else. */
export function readThumbprint (text: string): string | undefined {
  if (/^[\w-]{43}$/.test(text)) return Buffer.from(text, 'base64url').toString('base64url')
  const digits = text.replaceAll(':', '')
  return /^[\dA-Fa-f]{64}$/.test(digits) ? Buffer.from(digits, 'hex').toString('base64url') : undefined
}
