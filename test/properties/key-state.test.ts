import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyState } from '../../src/keys/ring.ts'
import { defaultAccessTokenTtlSeconds, maxAccessTokenTtlSeconds } from '../../src/oauth/claims.ts'

const day = 86_400_000
const horizon = 4_000 * day

const keys = fc.uniqueArray(fc.record({
  kid: fc.string({ minLength: 1, maxLength: 4 }),
  environment: fc.constantFrom('live' as const, 'test' as const),
  algorithm: fc.constantFrom('RS256', 'ES256'),
  activatesAt: fc.integer({ min: 0, max: horizon }).map((time) => new Date(time)),
  withdrawnAt: fc.constant(null)
}), { selector: ({ kid }) => kid, minLength: 1, maxLength: 8 })
const time = fc.integer({ min: -horizon, max: 10 * horizon })
const published = ['active', 'next', 'retired']

describe('the key ring, for any keys and any clock', () => {
  it('R27 has exactly one active key of each algorithm in each environment that has a key for it: the JWKS is never empty', () => {
    fc.assert(fc.property(keys, time, (all, now) => {
      for (const one of all) {
        const states = all.filter((key) => key.environment === one.environment && key.algorithm === one.algorithm).map((key) => keyState(key, all, now))
        expect(states.filter((state) => state === 'active')).toHaveLength(1)
      }
    }), { numRuns: 2_000 })
  })

  it('publishes the key of every token that may still be valid', () => {
    fc.assert(fc.property(keys, fc.integer({ min: 0, max: horizon }), fc.integer({ min: 0, max: maxAccessTokenTtlSeconds * 1000 }), (all, signedAt, age) => {
      for (const key of all.filter((each) => keyState(each, all, signedAt) === 'active')) expect(published).toContain(keyState(key, all, signedAt + age))
    }), { numRuns: 3_000 })
  })

  it('publishes a key long before it signs, if it was made before', () => {
    fc.assert(fc.property(keys, fc.integer({ min: 0, max: horizon }), fc.integer({ min: 0, max: defaultAccessTokenTtlSeconds * 1000 }), (all, now, before) => {
      for (const key of all.filter((each) => keyState(each, all, now) === 'active')) expect(published).toContain(keyState(key, all, Math.min(now, key.activatesAt.getTime()) - before))
    }), { numRuns: 3_000 })
  })

  it('comes to the same in whatever order the keys are read', () => {
    fc.assert(fc.property(keys, time, (all, now) => {
      const reversed = all.toReversed()
      for (const key of all) expect(keyState(key, all, now)).toBe(keyState(key, reversed, now))
    }), { numRuns: 1_000 })
  })
})
