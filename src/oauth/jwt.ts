/** JWTs in compact form, taken apart without being believed: who signed them, and what they mean, is for others to say. */

export interface CompactJwt {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** What the signature is over: the first two parts, as they were sent. */
  readonly signingInput: string
  readonly signature: Buffer
}

const compactForm = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** One JWT has many spellings; only the one that our own encoder writes is accepted. */
export function isCanonicalJwt (text: string, maxLength: number): boolean {
  if (text.length > maxLength || !compactForm.test(text)) return false
  return text.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
}

/**
 * @returns undefined for anything but a signed JWT in canonical compact form, of JSON objects in UTF-8
 * @see [RFC 7515 §5.2](https://www.rfc-editor.org/rfc/rfc7515.html#section-5.2)
 * @see [RFC 7519 §4](https://www.rfc-editor.org/rfc/rfc7519.html#section-4): of two members of one name the last one counts, as JSON.parse has it
 * @see [RFC 8725 §3.7](https://www.rfc-editor.org/rfc/rfc8725.html#section-3.7) (UTF-8)
 */
export function parseCompactJwt (text: string, maxLength: number): CompactJwt | undefined {
  if (!isCanonicalJwt(text, maxLength)) return undefined
  const [protectedHeader = '', payload = '', signature = ''] = text.split('.')
  const header = jsonObject(protectedHeader)
  const claims = jsonObject(payload)
  if (header === undefined || claims === undefined) return undefined
  return { header, claims, signingInput: `${protectedHeader}.${payload}`, signature: Buffer.from(signature, 'base64url') }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function jsonObject (part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(utf8.decode(Buffer.from(part, 'base64url')))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}
