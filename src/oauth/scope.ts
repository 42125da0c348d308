/** The grammar of scopes. */
import { invalidScope } from './errors.ts'

export const maxScopes = 100
export const maxScopeLength = 128
const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]+$/

/**
 * Splits a `scope` parameter; the order stays, repetitions go.
 * @throws OAuthError `invalid_scope`
 * @see [RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.3)
 */
export function parseScope (text: string): string[] {
  const scopes = text.split(' ', maxScopes + 1)
  if (scopes.length > maxScopes) throw invalidScope(`At most ${maxScopes} scopes may be asked for in one request.`)
  const malformed = scopes.find((scope) => !isScopeToken(scope))
  if (malformed === '') throw invalidScope('Separate the scopes by exactly one space, with none before or after them.')
  if (malformed !== undefined) throw invalidScope(`The scope ${malformed} has a character that scopes may not have.`)
  return [...new Set(scopes)]
}

/** Whether the text may be the name of a scope (`scope-token` in RFC 6749 §3.3). */
export function isScopeToken (text: string): boolean {
  return scopeToken.test(text)
}
