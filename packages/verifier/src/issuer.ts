/** The issuer's URLs: which ones are its own, from where they are fetched, and how much of an answer is read. */

export interface Issuer {
  /** `iss` of its tokens. */
  readonly name: string
  /** Whether a URI is the issuer's own, below its name, and spelled in the one way that cannot be read otherwise. */
  owns (uri: string): boolean
  /**
   * @param accept the media type asked for
   * @returns the body of a 200
   * @throws NotThere when the issuer itself says that there is no such thing
   * @throws Error for any other answer, redirects included, a body over the limit, or none in time
   */
  get (url: string, accept: string, maxBytes: number): Promise<string>
}

export interface IssuerOptions {
  readonly issuer: string
  /** Takes the place of the issuer's origin in what is fetched. */
  readonly internalOrigin?: string | undefined
  readonly timeoutSeconds: number
}

/** A verdict of the issuer's, unlike the 404 of a proxy that does not find the issuer. */
export class NotThere extends Error {
  constructor (address: string) {
    super(`the issuer says that there is nothing at ${address}`)
    this.name = 'NotThere'
  }
}

/** An answer that says what is wrong is a few words. */
const maxErrorBytes = 4_096

/** Whether what is fetched from there can be believed: over TLS, or from this very machine. */
export function isTrustworthy (url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname, username, password } = new URL(url)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname))
}

export function createIssuer ({ issuer, internalOrigin, timeoutSeconds }: IssuerOptions): Issuer {
  const { origin } = new URL(issuer)

  /** Only the issuer's own URLs move; another host's are fetched where they are. */
  function addressOf (url: string): string {
    const { origin: from, pathname, search } = new URL(url)
    return internalOrigin === undefined || from !== origin ? url : internalOrigin + pathname + search
  }

  return {
    name: issuer,

    owns (uri) {
      // The parser resolves dot segments, their encoded forms and backslashes: what has any comes out different.
      if (!uri.startsWith(`${issuer}/`) || !URL.canParse(uri)) return false
      const { href, search, hash } = new URL(uri)
      return href === uri && search === '' && hash === '' && !uri.endsWith('?') && !uri.endsWith('#')
    },

    async get (url, accept, maxBytes) {
      if (!isTrustworthy(url)) throw new Error(`${url} is neither https nor on this machine`)
      const address = addressOf(url)
      const signal = AbortSignal.timeout(timeoutSeconds * 1_000)
      const response = await fetch(address, { headers: { accept }, redirect: 'manual', signal })
      if (response.status === 404 && isOAuthError(await readAtMost(maxErrorBytes, response, address))) throw new NotThere(address)
      if (response.status !== 200) {
        await response.body?.cancel()
        throw new Error(`${address} answered ${response.status}`)
      }
      return await readAtMost(maxBytes, response, address)
    }
  }
}

/** @see [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.2) */
function isOAuthError (body: string): boolean {
  try {
    const error: unknown = JSON.parse(body)
    return typeof error === 'object' && error !== null && 'error' in error && typeof error.error === 'string'
  } catch {
    return false
  }
}

/** Counts what comes out of any content encoding, so that a small answer cannot become a big one. */
async function readAtMost (maxBytes: number, { body }: Response, address: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  const parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array> = body ?? []
  // Leaving the loop cancels the rest.
  for await (const chunk of parts) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw new Error(`${address} answered more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
