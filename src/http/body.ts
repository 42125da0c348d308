/** Form bodies of protocol endpoints: rows 2 to 4 of the token request's checks; row 1 is the server's body limit. */
import type { TObject } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import { invalidRequest, type OAuthError } from '../oauth/errors.ts'
import { parseForm, type Form } from './form.ts'

export interface FormRules {
  /** Parameters that may occur more than once. */
  readonly repeatable: ReadonlySet<string>
  /** Parameters that mean something here: in the URL they are refused, for URLs end up in logs. */
  readonly known: ReadonlySet<string>
}

/** @param foreign parameters that have no effect here, and are not to be in the URL either */
export function formRulesOf ({ properties }: TObject, foreign: readonly string[]): FormRules {
  const repeatable = Object.entries(properties).filter(([, schema]) => schema['type'] === 'array').map(([name]) => name)
  return { repeatable: new Set(repeatable), known: new Set([...Object.keys(properties), ...foreign]) }
}

/**
 * @throws OAuthError `invalid_request`
 * @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.3.1) (no credentials in the URI)
 * @see [RFC 6750 §2.3](https://www.rfc-editor.org/rfc/rfc6750.html#section-2.3) (nor a token)
 */
export function readForm (request: FastifyRequest, { repeatable, known }: FormRules): Form {
  requireFormMediaType(request.raw.headersDistinct['content-type'] ?? [])
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw invalidRequest('The body must not be compressed: send it without Content-Encoding.')
  }
  const form = parseForm(request.body instanceof Uint8Array ? request.body : new Uint8Array(), repeatable)
  refuseQueryParameters(request.url, { repeatable, known })
  return form
}

/** A parameter may be empty (RFC 9110 §5.6.6). */
const formMediaType = /^application\/x-www-form-urlencoded\s*(;\s*(charset\s*=\s*("[\w-]+"|[\w-]+)\s*)?)*$/i

function requireFormMediaType ([contentType, ...others]: readonly string[]): void {
  if (others.length > 0) throw invalidRequest('The request has several Content-Type headers: send one.')
  if (contentType === undefined) throw invalidRequest('Send the parameters as application/x-www-form-urlencoded; the request has no Content-Type.')
  if (!formMediaType.test(contentType.trim())) {
    throw wrongMediaType(contentType)
  }
}

export function wrongMediaType (contentType: string): OAuthError {
  return invalidRequest(`Send the parameters as application/x-www-form-urlencoded, not as ${contentType.slice(0, 100)}.`)
}

function refuseQueryParameters (url: string, { repeatable, known }: FormRules): void {
  const query = url.indexOf('?')
  if (query === -1) return
  const parameters = parseForm(Buffer.from(url.slice(query + 1)), repeatable)
  for (const name of parameters.keys()) {
    if (known.has(name)) throw invalidRequest(`Send ${name} in the body, never in the URL.`)
  }
}
