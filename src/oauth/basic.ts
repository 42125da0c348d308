/** Basic credentials as OAuth sends them. */

export interface BasicCredentials {
  readonly clientId: string
  readonly clientSecret: string
}

/**
 * Reads the credentials part of `Authorization: Basic …`: base64, then id and secret form-decoded each.
 * @returns undefined for anything malformed
 * @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.3.1)
 * @see [RFC 7617 §2](https://www.rfc-editor.org/rfc/rfc7617.html#section-2)
 */
export function parseBasicCredentials (credentials: string): BasicCredentials | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(credentials)) return undefined
  const text = decodeUtf8(Buffer.from(credentials, 'base64'))
  const colon = text?.indexOf(':') ?? -1
  if (text === undefined || colon < 1) return undefined
  const clientId = formDecode(text.slice(0, colon))
  const clientSecret = formDecode(text.slice(colon + 1))
  if (clientId === undefined || clientSecret === undefined || clientSecret === '') return undefined
  return { clientId, clientSecret }
}

/** One value of `application/x-www-form-urlencoded`; undefined when it is malformed. */
export function formDecode (text: string): string | undefined {
  if (!text.includes('%') && !text.includes('+')) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined // a percent sign without two hex digits, or octets that are not UTF-8
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function decodeUtf8 (bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
