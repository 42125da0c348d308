import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxParameters, parseForm } from '../../src/http/form.ts'
import { OAuthError } from '../../src/oauth/errors.ts'

// eslint-disable-next-line no-control-regex -- control characters are what the parser refuses
const hasControl = (text: string): boolean => /[\u0000-\u001f\u007f]/.test(text)
const isUnicode = (text: string): boolean => !/\p{Surrogate}/u.test(text)
const text = fc.string({ unit: 'binary', maxLength: 30 }).filter((each) => !hasControl(each) && isUnicode(each))
const uniquePairs = fc.uniqueArray(fc.tuple(text, text), { selector: ([name]) => name, maxLength: maxParameters })

/** What a parse came to; anything thrown but a refusal is passed on. */
function outcome (bytes: Uint8Array, repeatable: ReadonlySet<string> = new Set()): ReadonlyMap<string, readonly string[]> | 'refused' {
  try {
    return parseForm(bytes, repeatable)
  } catch (error) {
    if (error instanceof OAuthError && error.code === 'invalid_request' && error.status === 400) return 'refused'
    throw error
  }
}

describe('the form parser', () => {
  it('reads what URLSearchParams reads, of any well-formed form without repetitions', () => {
    fc.assert(fc.property(uniquePairs, (pairs) => {
      const encoded = new URLSearchParams(pairs).toString()
      const expected = [...new URLSearchParams(encoded)].filter(([, value]) => value !== '')
      expect([...parseForm(Buffer.from(encoded), new Set())].flatMap(([name, values]) => values.map((value) => [name, value]))).toEqual(expected)
    }), { numRuns: 500 })
  })

  it('reads it the same however it is spelled: raw, or with every octet encoded', () => {
    const everyOctet = (each: string): string => [...Buffer.from(each)].map((octet) => `%${octet.toString(16).padStart(2, '0')}`).join('')
    const raw = (each: string): string => each.replace(/[%&=+]/g, (character) => encodeURIComponent(character))
    fc.assert(fc.property(uniquePairs, (pairs) => {
      const [one, other] = [raw, everyOctet].map((spell) => outcome(Buffer.from(pairs.map(([name, value]) => `${spell(name)}=${spell(value)}`).join('&'))))
      expect(one).not.toBe('refused')
      expect(one).toEqual(other)
    }), { numRuns: 300 })
  })

  it('refuses every form in which a name is there twice, and takes it where the name may repeat', () => {
    fc.assert(fc.property(uniquePairs.filter((pairs) => pairs.length > 0 && pairs.length < maxParameters), fc.nat(), text, (pairs, choice, again) => {
      const [name = ''] = pairs[choice % pairs.length] ?? []
      const encoded = Buffer.from(new URLSearchParams([...pairs, [name, again]]).toString())
      expect(outcome(encoded)).toBe('refused')
      expect(outcome(encoded, new Set([name]))).not.toBe('refused')
    }), { numRuns: 300 })
  })

  it('throws nothing but an OAuthError on random octets', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const form = outcome(bytes)
      if (form === 'refused') return
      for (const [name, values] of form) for (const each of [name, ...values]) expect(!hasControl(each) && isUnicode(each)).toBe(true)
    }), { numRuns: 3_000 })
  })

  it('throws nothing but an OAuthError on what nearly is a form', () => {
    const piece = fc.constantFrom('a', 'b', '=', '&', '%', '%4', '%41', '%00', '%c3', '%a9', '+', 'é', '\n', '__proto__', '&&', '%25', '%26', '%3d')
    fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const form = outcome(Buffer.from(pieces.join('')))
      if (form === 'refused') return
      const expected = new URLSearchParams(pieces.join(''))
      for (const [name, values] of form) expect(values).toEqual(expected.getAll(name))
    }), { numRuns: 3_000 })
  })
})
