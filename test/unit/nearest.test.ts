import { describe, expect, it } from 'vitest'
import { didYouMean, distanceBetween } from '../../src/nearest.ts'

describe('"did you mean"', () => {
  it('names what is only a slip away, and nothing else', () => {
    expect(didYouMean('raed', ['write', 'read'])).toBe(' Did you mean read?')
    expect(didYouMean('Organisations', ['name', 'organizations'])).toBe(' Did you mean organizations?')
    for (const [written, names] of [['nowhere', ['read', 'write']], ['ab', ['cd']], ['x'.repeat(65), ['x'.repeat(64)]], ['a', []]] as const) expect(didYouMean(written, names)).toBe('')
  })

  it.each([
    ['', '', 0], ['abc', 'abc', 0], ['abc', '', 3], ['', 'abc', 3], ['abcd', 'abdc', 1], ['ab', 'ba', 1], ['kitten', 'sitting', 3], ['aab', 'ab', 1], ['ca', 'abc', 3], ['abab', 'baba', 2]
  ])('%j and %j are %d apart', (one, other, distance) => {
    expect(distanceBetween(one, other)).toBe(distance)
    expect(distanceBetween(other, one)).toBe(distance)
    expect(distanceBetween(one, other, distance + 1)).toBe(distance)
    if (distance > 0) expect(distanceBetween(one, other, distance)).toBeGreaterThanOrEqual(distance)
  })
})
