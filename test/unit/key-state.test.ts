import { describe, expect, it } from 'vitest'
import { keyState, type KeyState } from '../../src/keys/state.ts'
import { maxAccessTokenTtlSeconds } from '../../src/oauth/claims.ts'

const day = 86_400_000
const origin = Date.UTC(2026, 0, 1)

interface Times { readonly kid: string, readonly environment: 'live' | 'test', readonly algorithm: string, readonly activatesAt: Date, readonly withdrawnAt: Date | null, readonly longestTokenSeconds: number }

function key (kid: string, activatesOnDay: number, withdrawnOnDay?: number, environment: 'live' | 'test' = 'live', algorithm = 'RS256'): Times {
  return { kid, environment, algorithm, activatesAt: new Date(origin + activatesOnDay * day), withdrawnAt: withdrawnOnDay === undefined ? null : new Date(origin + withdrawnOnDay * day), longestTokenSeconds: maxAccessTokenTtlSeconds }
}

function statesOn (onDay: number, keys: readonly Times[]): KeyState[] {
  return keys.map((each) => keyState(each, keys, origin + onDay * day))
}

describe('the state of a key follows from the clock and the other keys', () => {
  it('one key signs for ever, before its activation too', () => {
    for (const onDay of [-10_000, -1, 0, 1, 100, 10_000]) expect(statesOn(onDay, [key('a', 0)])).toEqual(['active'])
  })

  it('next becomes active at its activation, to the millisecond, and the one before it retired', () => {
    const keys = [key('a', 0), key('b', 10)]
    expect(statesOn(5, keys)).toEqual(['active', 'next'])
    expect(statesOn(10 - 1 / day, keys)).toEqual(['active', 'next'])
    expect(statesOn(10, keys)).toEqual(['retired', 'active'])
  })

  it('stays retired until the longest token that it may have signed has expired for every verifier\'s clock, then expires', () => {
    const keys = [key('a', 0), key('b', 10)]
    const longest = maxAccessTokenTtlSeconds * 1000 / day
    expect(statesOn(10 + longest, keys)).toEqual(['retired', 'active'])
    expect(statesOn(11 + longest, keys)).toEqual(['retired', 'active']) // a process may have been cut off for a day
    expect(statesOn(12 + longest, keys)).toEqual(['expired', 'active'])
  })

  it('F11 is withdrawn for good, and the one before it signs again, wherever the clock is set', () => {
    const keys = [key('a', 0), key('b', 10, 20)]
    for (const onDay of [-10, 15, 20, 500]) expect(statesOn(onDay, keys)).toEqual(['active', 'withdrawn'])
  })

  it('a key that a withdrawn one had taken over from is not published again because that one went', () => {
    const keys = [key('a', 0), key('b', 10, 50), key('c', 50)]
    expect(statesOn(51, keys)).toEqual(['expired', 'withdrawn', 'active'])
    expect(statesOn(51, [key('a', 0), key('b', 10, 50), key('c', 51)])).toEqual(['retired', 'withdrawn', 'active']) // it signed once more, for a day
  })

  it('a withdrawn successor retires nobody', () => {
    expect(statesOn(500, [key('a', 0), key('b', 10, 20)])).toEqual(['active', 'withdrawn'])
  })

  it('keys of the other environment do not matter', () => {
    expect(statesOn(50, [key('a', 0), key('b', 10, undefined, 'test')])).toEqual(['active', 'active'])
  })

  it('keys of another algorithm do not matter either: each algorithm has its active key', () => {
    expect(statesOn(50, [key('a', 0), key('b', 10, undefined, 'live', 'ES256'), key('c', 20, undefined, 'live', 'ES256')])).toEqual(['active', 'retired', 'active'])
  })

  it('two keys of the same moment are told apart the same way in every process', () => {
    const [one, other] = [key('a', 0), key('b', 0)]
    expect(statesOn(1, [one, other])).toEqual(['retired', 'active'])
    expect(statesOn(1, [other, one])).toEqual(['active', 'retired'])
  })

  it('the clock set back before every activation leaves the first key signing and the others waiting', () => {
    expect(statesOn(-100, [key('a', 0), key('b', 10), key('c', 20)])).toEqual(['active', 'next', 'next'])
  })
})
