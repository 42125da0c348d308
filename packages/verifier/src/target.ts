/** The URL of a request, spelled in one way: what `htu` is compared by. */
import type { TokenRequest } from './authorization.ts'

const unreserved = /^[\w.~-]$/

/**
 * Query and fragment do not count; case, default port, dot segments and percent-encoding are normalized.
 * @returns undefined for what is no absolute http or https URL, or has a user
 * @see [RFC 9449 §4.3](https://www.rfc-editor.org/rfc/rfc9449.html#section-4.3) (check 9 and the note on normalization)
 * @see [RFC 3986 §6.2](https://www.rfc-editor.org/rfc/rfc3986.html#section-6.2)
 */
export function normalizedTarget (text: string): string | undefined {
  // URL would mend what is none: white space, backslashes, missing slashes.
  if (!/^https?:\/\/[^/?#@\\\s]+(?:[/?#][^\\\s]*)?$/i.test(text) || !URL.canParse(text)) return undefined
  const { origin, pathname } = new URL(text)
  return origin + pathname.replace(/%[\da-f]{2}/gi, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
    return unreserved.test(character) ? character : encoded.toUpperCase()
  })
}

/**
 * Of the request as its client sees it. The Host header is not asked: its sender chooses it.
 * @param publicUrl without a slash at its end
 */
export function targetOf ({ originalUrl, url }: TokenRequest, publicUrl: string): string | undefined {
  const path = (originalUrl ?? url ?? '').replace(/^https?:\/\/[^/?#]*/i, '')
  return path.startsWith('/') ? normalizedTarget(publicUrl + path) : undefined
}
