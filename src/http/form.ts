/** Reading `application/x-www-form-urlencoded`, strictly: what two readers could understand differently is refused. */
import { decodeUtf8, formDecode } from '../oauth/basic.ts'
import { invalidRequest } from '../oauth/errors.ts'

export type Form = ReadonlyMap<string, readonly string[]>

export const maxParameters = 64
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const controlCharacter = /[\u0000-\u001F\u007F]/

/**
 * Parses a body or a query. Empty values count as absent, unknown names are kept for the caller to ignore.
 * @param repeatable names that may occur more than once; any other repetition is refused, even of unknown names
 * @throws OAuthError `invalid_request`
 * @see [RFC 6749 §3.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.2)
 */
export function parseForm (bytes: Uint8Array, repeatable: ReadonlySet<string>): Form {
  const text = decodeUtf8(bytes)
  if (text === undefined) throw invalidRequest('The parameters are not UTF-8.')
  const form = new Map<string, string[]>()
  if (text === '') return form
  const pairs = text.split('&', maxParameters + 1)
  if (pairs.length > maxParameters) throw invalidRequest(`A request may have at most ${maxParameters} parameters.`)
  const seen = new Set<string>()
  for (const [name, value] of pairs.filter((pair) => pair !== '').map(decodePair)) {
    if (seen.has(name) && !repeatable.has(name)) throw invalidRequest(`The parameter ${name} is there twice; send it once.`)
    seen.add(name)
    if (value === '') continue
    const values = form.get(name)
    if (values === undefined) form.set(name, [value])
    else values.push(value)
  }
  return form
}

function decodePair (pair: string): [name: string, value: string] {
  const equals = pair.indexOf('=')
  return equals === -1 ? [decode(pair), ''] : [decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))]
}

function decode (text: string): string {
  const decoded = formDecode(text)
  if (decoded === undefined) throw invalidRequest('A parameter is not well-formed percent-encoded UTF-8.')
  if (controlCharacter.test(decoded)) throw invalidRequest('A parameter contains a control character.')
  return decoded
}

/** The value of a parameter that is there at most once. */
export function parameter (form: Form, name: string): string | undefined {
  return form.get(name)?.[0]
}
