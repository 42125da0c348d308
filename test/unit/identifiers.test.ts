import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { base62, lowerCaseRandom, newIdentifier } from '../../src/identifiers.ts'

describe('identifiers', () => {
  it('have their prefix and 20 lower-case letters and digits, and never come twice', () => {
    const made = Array.from({ length: 5_000 }, () => newIdentifier('cl_live'))
    for (const id of made) expect(id).toMatch(/^cl_live_[a-z0-9]{20}$/)
    expect(new Set(made).size).toBe(made.length)
  })

  it('use each of the 36 characters equally often, at each position', () => {
    const length = 20
    const samples = 20_000
    const counts = Array.from({ length }, () => new Map<string, number>())
    for (let sample = 0; sample < samples; sample += 1) {
      const text = lowerCaseRandom(length)
      for (const [position, count] of counts.entries()) count.set(text.charAt(position), (count.get(text.charAt(position)) ?? 0) + 1)
    }
    const expected = samples / 36
    for (const [position, count] of counts.entries()) {
      expect(count.size, `position ${position}`).toBe(36)
      // Chi-square with 35 degrees of freedom: above 90 comes once in two million positions.
      const chiSquare = [...count.values()].reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0)
      expect(chiSquare, `position ${position}`).toBeLessThan(90)
    }
  })
})

describe('base 62 of fixed width', () => {
  it('is big-endian and padded with zeros', () => {
    expect(base62(Buffer.from([0]), 4)).toBe('0000')
    expect(base62(Buffer.from([61]), 2)).toBe('0z')
    expect(base62(Buffer.from([62]), 2)).toBe('10')
    expect(base62(Buffer.from([0xff, 0xff]), 3)).toBe('H31')
  })

  it('holds every value: 32 octets in 43 characters and 16 in 22, all of them distinct', () => {
    for (const [octets, width] of [[32, 43], [16, 22]] as const) {
      expect(62n ** BigInt(width)).toBeGreaterThan(2n ** BigInt(octets * 8))
      expect(base62(Buffer.alloc(octets, 0xff), width)).toHaveLength(width)
      for (let sample = 0; sample < 200; sample += 1) {
        const bytes = randomBytes(octets)
        expect(decodeBase62(base62(bytes, width))).toBe(BigInt(`0x${bytes.toString('hex')}`))
      }
    }
  })
})

function decodeBase62 (text: string): bigint {
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  return Array.from(text).reduce((value, character) => value * 62n + BigInt(alphabet.indexOf(character)), 0n)
}
