import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OAuthError } from '../../src/oauth/errors.ts'
import { isScopeToken, maxScopes, parseScope } from '../../src/oauth/scope.ts'

const scopeCharacters = Array.from({ length: 0x7f - 0x21 }, (_, index) => String.fromCharCode(0x21 + index)).filter((character) => character !== '"' && character !== '\\')
const scopeToken = fc.string({ unit: fc.constantFrom(...scopeCharacters), minLength: 1, maxLength: 20 })

/** The grammar again, character by character: `scope = scope-token *( SP scope-token )`. */
function isScope (text: string): boolean {
  let tokenLength = 0
  for (const character of text) {
    if (character === ' ') {
      if (tokenLength === 0) return false
      tokenLength = 0
    } else if (scopeCharacters.includes(character)) tokenLength += 1
    else return false
  }
  return tokenLength > 0
}

function outcome (text: string): readonly string[] | 'refused' {
  try {
    return parseScope(text)
  } catch (error) {
    if (error instanceof OAuthError && error.code === 'invalid_scope') return 'refused'
    throw error
  }
}

describe('the grammar of scope (RFC 6749 §3.3)', () => {
  it('takes every list of scope tokens, and gives back each token once, in order', () => {
    fc.assert(fc.property(fc.array(scopeToken, { minLength: 1, maxLength: maxScopes }), (tokens) => {
      expect(parseScope(tokens.join(' '))).toEqual([...new Set(tokens)])
    }), { numRuns: 500 })
  })

  it('takes what the grammar takes and refuses the rest, whatever the text', () => {
    const nearly = fc.string({ unit: fc.constantFrom('a', ' ', ':', '"', '\\', '\t', 'é', '!', '~', '\u007f'), maxLength: 12 })
    fc.assert(fc.property(fc.oneof(nearly, fc.string({ unit: 'binary', maxLength: 12 })), (text) => {
      expect(outcome(text) !== 'refused').toBe(isScope(text))
    }), { numRuns: 5_000 })
  })

  it('gives nothing back that is no scope token', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      const scopes = outcome(text)
      if (scopes !== 'refused') expect(scopes.every(isScopeToken)).toBe(true)
    }), { numRuns: 2_000 })
  })

  it('refuses every list that is too long', () => {
    fc.assert(fc.property(fc.array(scopeToken, { minLength: maxScopes + 1, maxLength: 2 * maxScopes }), (tokens) => {
      expect(outcome(tokens.join(' '))).toBe('refused')
    }), { numRuns: 50 })
  })
})
