import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyState, type KeyTimes } from '../../src/keys/state.ts'
import { maxAccessTokenTtlSeconds } from '../../src/oauth/claims.ts'

const day = 86_400_000
const horizon = 4_000 * day

const moments = fc.integer({ min: 0, max: horizon })
const keys = fc.uniqueArray(fc.record({
  kid: fc.string({ minLength: 1, maxLength: 4 }),
  environment: fc.constantFrom('live' as const, 'test' as const),
  algorithm: fc.constantFrom('RS256', 'ES256'),
  activatesAt: moments.map((time) => new Date(time)),
  withdrawnAt: fc.constant(null),
  longestTokenSeconds: fc.integer({ min: 60, max: maxAccessTokenTtlSeconds })
}), { selector: ({ kid }) => kid, minLength: 1, maxLength: 8 })
const keysAndWithdrawals = fc.tuple(keys, fc.array(fc.option(moments), { minLength: 8, maxLength: 8 }))
  .map(([all, withdrawn]) => all.map((key, index) => ({ ...key, withdrawnAt: withdrawn[index] ?? null })))
const time = fc.integer({ min: -horizon, max: 10 * horizon })
const published = ['active', 'next', 'retired']

/** What everybody knew at that time. */
function asOf (now: number, all: readonly (Omit<KeyTimes, 'withdrawnAt'> & { withdrawnAt: number | null })[]): KeyTimes[] {
  return all.map((key) => ({ ...key, withdrawnAt: key.withdrawnAt === null || key.withdrawnAt > now ? null : new Date(key.withdrawnAt) }))
}

describe('the key ring, for any keys and any clock', () => {
  it('R27, F11 has exactly one active key of each algorithm in each environment that has a key for it: the JWKS is never empty', () => {
    fc.assert(fc.property(keys, time, (all, now) => {
      for (const one of all) {
        const states = all.filter((key) => key.environment === one.environment && key.algorithm === one.algorithm).map((key) => keyState(key, all, now))
        expect(states.filter((state) => state === 'active')).toHaveLength(1)
      }
    }), { numRuns: 2_000 })
  })

  it('publishes the key of every token that may still be valid, whatever was withdrawn before and after, but for that key itself', () => {
    fc.assert(fc.property(keysAndWithdrawals, moments, fc.double({ min: 0, max: 1, noNaN: true }), (all, signedAt, age) => {
      const then = asOf(signedAt, all)
      for (const key of then.filter((each) => keyState(each, then, signedAt) === 'active')) {
        const later = signedAt + age * key.longestTokenSeconds * 1000
        const now = asOf(later, all)
        for (const same of now.filter(({ kid }) => kid === key.kid)) expect([...published, ...same.withdrawnAt === null ? [] : ['withdrawn']]).toContain(keyState(same, now, later))
      }
    }), { numRuns: 10_000 })
  })

  it('publishes a key for as long before it signs as it has been there', () => {
    fc.assert(fc.property(keys, moments, fc.integer({ min: 0, max: 30 * day }), (all, now, before) => {
      for (const key of all.filter((each) => keyState(each, all, now) === 'active')) expect(published).toContain(keyState(key, all, Math.min(now, key.activatesAt.getTime()) - before))
    }), { numRuns: 3_000 })
  })

  it('comes to the same in whatever order the keys are read', () => {
    fc.assert(fc.property(keysAndWithdrawals, time, (rows, now) => {
      const all = asOf(now, rows)
      const reversed = all.toReversed()
      for (const key of all) expect(keyState(key, all, now)).toBe(keyState(key, reversed, now))
    }), { numRuns: 1_000 })
  })
})
