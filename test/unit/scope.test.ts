import { describe, expect, it } from 'vitest'
import { OAuthError } from '../../src/oauth/errors.ts'
import { isScopeToken, maxScopes, parseScope } from '../../src/oauth/scope.ts'

describe('RFC 6749 §3.3 the grammar of scope', () => {
  it('splits at single spaces, keeps the order, and drops repetitions', () => {
    expect(parseScope('b a')).toEqual(['b', 'a'])
    expect(parseScope('a b a')).toEqual(['a', 'b'])
    expect(parseScope('tournaments:read')).toEqual(['tournaments:read'])
  })

  it.each(['', ' ', ' a', 'a ', 'a  b', 'a\tb', 'a\nb', 'a"b', 'a\\b', 'é', 'a\u00a0b', '\u007f', 'a\u0000'])('refuses %j', (text) => {
    expect(() => parseScope(text)).toThrow(OAuthError)
    expect(() => parseScope(text)).toThrow(expect.objectContaining({ code: 'invalid_scope' }))
  })

  it('counts items before it drops repetitions', () => {
    expect(parseScope(Array(maxScopes).fill('a').join(' '))).toEqual(['a'])
    expect(() => parseScope(Array(maxScopes + 1).fill('a').join(' '))).toThrow('At most 100 scopes')
  })

  it('knows every character of a scope-token and no other', () => {
    for (let code = 0; code < 0x300; code += 1) {
      const allowed = code === 0x21 || (code >= 0x23 && code <= 0x5B) || (code >= 0x5D && code <= 0x7E)
      expect(isScopeToken(String.fromCharCode(code)), `character ${code}`).toBe(allowed)
    }
    expect(isScopeToken('')).toBe(false)
  })
})
