/**
 * Getting the document at a client's `jwks_uri`: whoever registered it chose where the server connects to, so it goes to
 * public addresses only, by https, without redirects, and with a bound on everything.
 */
import { request } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { keySetUriObjection } from './key-set-uri.ts'
import { createDnsLookup, systemLookup, type LookUpName } from './name-lookup.ts'
import { isPublicAddress } from './public-address.ts'

/** @throws Error saying what is wrong, for the log */
export type FetchKeySet = (uri: string) => Promise<unknown>

interface FetchOptions {
  /** Whether the operator lets it reach private networks too. */
  readonly allowPrivate: boolean
  /** Certificates (PEM) to trust instead of the system's. */
  readonly ca?: string
  /** Default: the DNS alone, or the system's own way where private networks may be reached. */
  readonly lookUp?: LookUpName
}

/** Informational answers (1xx) are those before the answer itself. */
export const fetchLimits = { millis: 3_000, bytes: 65_536, headerBytes: 8_192, informational: 8 } as const

/**
 * The address that is connected to is the one that was checked: a name that is looked up twice may change in between.
 * @see [RFC 7517 §5](https://www.rfc-editor.org/rfc/rfc7517.html#section-5)
 * @see [RFC 7591 §2](https://www.rfc-editor.org/rfc/rfc7591.html#section-2), `jwks_uri`
 */
export function createFetchKeySet ({ allowPrivate, ca, lookUp = allowPrivate ? systemLookup : createDnsLookup() }: FetchOptions): FetchKeySet {
  function addressObjection (address: string): string | undefined {
    return allowPrivate || isPublicAddress(address) ? undefined : `its address ${address} is not public`
  }

  const checkedLookup: LookupFunction = (hostname, options, callback) => {
    lookUp(hostname).then((found) => {
      const [first] = found
      const refused = found.map(({ address }) => addressObjection(address)).find((objection) => objection !== undefined)
      if (first === undefined || refused !== undefined) callback(new Error(refused ?? 'its name has no address'), [])
      else if (options.all === true) callback(null, [...found])
      else callback(null, first.address, first.family)
    }, (error: unknown) => { callback(error instanceof Error ? error : new Error(String(error)), []) })
  }

  return async (uri) => {
    const literal = hostOf(uri)
    // Nothing is looked up for an address.
    const objection = keySetUriObjection(uri) ?? (isIP(literal) === 0 ? undefined : addressObjection(literal))
    if (objection !== undefined) throw new Error(objection)
    const url = new URL(uri)
    return JSON.parse(await get(url, { lookup: checkedLookup, ca })) as unknown
  }
}

function hostOf (uri: string): string {
  return URL.canParse(uri) ? new URL(uri).hostname.replace(/^\[|\]$/g, '') : ''
}

function get (url: URL, { lookup, ca }: { readonly lookup: LookupFunction, readonly ca: string | undefined }): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      lookup,
      agent: false,
      maxHeaderSize: fetchLimits.headerBytes,
      signal: AbortSignal.timeout(fetchLimits.millis),
      headers: { Accept: 'application/jwk-set+json, application/json', 'User-Agent': 'signet' },
      ...ca === undefined ? {} : { ca }
    }, (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      const give = (message: string): void => {
        outgoing.destroy()
        reject(new Error(message))
      }
      if (response.statusCode !== 200) {
        give(`it answers ${response.statusCode}`)
        return
      }
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > fetchLimits.bytes) give(`it has more than ${fetchLimits.bytes} bytes`)
        else chunks.push(chunk)
      })
      response.on('end', () => { resolve(Buffer.concat(chunks).toString()) })
      response.on('error', reject)
    })
    // None of them counts as an answer, so that no other limit ends a stream of them; reading it keeps this process busy.
    let informational = 0
    outgoing.on('information', () => {
      informational += 1
      if (informational > fetchLimits.informational) outgoing.destroy(new Error(`it has more than ${fetchLimits.informational} informational answers`))
    })
    // Node.js tells neither of an answer nor of an error then, and no time-out ends what it has let go of.
    outgoing.on('upgrade', (response, socket) => {
      socket.destroy()
      reject(new Error(`it answers ${response.statusCode ?? 101}`))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}
