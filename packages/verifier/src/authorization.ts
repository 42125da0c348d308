/** Where a request carries its access token: the Authorization header, once, and nowhere else. */
import { Refusal, type Scheme } from './refusal.ts'

/** What is read of a request; those of node:http, Express and (as `request.raw`) Fastify have this shape. */
export interface TokenRequest {
  readonly method?: string | undefined
  /** Path and query, as node:http has it. */
  readonly url?: string | undefined
  /** The same before a router cut something off; goes before `url`. */
  readonly originalUrl?: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Names and values in turn: where a header that came twice can be seen. */
  readonly rawHeaders?: readonly string[] | undefined
}

export interface PresentedToken {
  readonly scheme: Scheme
  readonly token: string
}

/**
 * @param schemes that this API takes; any other is no token
 * @returns undefined without a token
 * @throws Refusal `invalid_request`
 * @see [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-2.1), [RFC 9449 §7.1](https://www.rfc-editor.org/rfc/rfc9449.html#section-7.1)
 * @see [RFC 6750 §2.3](https://www.rfc-editor.org/rfc/rfc6750.html#section-2.3): a token in the URL is in every log, so it is refused rather than overlooked
 */
export function readAuthorization (request: TokenRequest, schemes: readonly Scheme[]): PresentedToken | undefined {
  if (hasTokenInUrl(request)) throw new Refusal('invalid_request', 'The access token is in the URL: send it in the Authorization header.')
  const [header, ...others] = headerValues(request, 'authorization')
  if (header === undefined) return undefined
  if (others.length > 0) throw new Refusal('invalid_request', 'The request has several Authorization headers: send one.')
  const scheme = schemes.find((each) => header.split(' ', 1)[0]?.toLowerCase() === each.toLowerCase())
  if (scheme === undefined) return undefined
  const [, token] = /^[a-z]+ +([\w.~+/-]+=*) *$/i.exec(header) ?? []
  if (token === undefined) throw new Refusal('invalid_request', `The Authorization header is not ${scheme} and one access token.`, { scheme })
  return { scheme, token }
}

/** Every value that a header came with. Node.js keeps the first Authorization header only, and says nothing of the others. */
export function headerValues ({ headers, rawHeaders = [] }: TokenRequest, name: string): readonly string[] {
  const values = Object.entries(headers).filter(([each]) => each.toLowerCase() === name).flatMap(([, value]) => value ?? [])
  const raw = rawHeaders.filter((_, position) => position % 2 === 1 && rawHeaders[position - 1]?.toLowerCase() === name)
  return raw.length > values.length && values.length > 0 ? raw : values
}

function hasTokenInUrl ({ originalUrl, url = '' }: TokenRequest): boolean {
  const [, query = ''] = /\?([^#]*)/.exec(originalUrl ?? url) ?? []
  return query.includes('access') && new URLSearchParams(query).has('access_token')
}
