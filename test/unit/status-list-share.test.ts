import { describe, expect, it } from 'vitest'
import { addBlock, isRunningOut, newShare, nextSize, shareLimits, takeFrom, type Share } from '../../src/status-lists/share.ts'

const holder = { clientId: 'client', organizationId: 'organization', credential: 'certificate', kid: 'kid', clientCutOff: null, organizationCutOff: null }
const hour = 3_600_000
const start = Date.UTC(2030, 0, 1)

function leaseInto (share: Share, now: number, awayMillis: number): number {
  const size = nextSize(share, now, awayMillis)
  addBlock(share, { listId: 'list', next: 0, last: size - 1, usableUntil: now + 24 * hour, expiresAt: now + 50 * hour }, now)
  return size
}

/** @returns how few indexes were left after the first hour, and how many were leased, in all and in the largest block */
function run (perSecond: number, hours: number, awayMillis: number): { fewestLeft: number, leased: number, largest: number } {
  const share = newShare(holder, 'live')
  let [fewestLeft, leased, largest, due] = [Infinity, 0, 0, 0]
  const lease = (now: number): void => {
    const size = leaseInto(share, now, awayMillis)
    leased += size
    largest = Math.max(largest, size)
  }
  for (let now = start; now < start + hours * hour; now += 1_000) {
    for (due += perSecond; due >= 1; due -= 1) {
      if (takeFrom(share, now, () => true) === undefined) lease(now)
      else if (isRunningOut(share, now, awayMillis)) lease(now)
    }
    if (now > start + hour) fewestLeft = Math.min(fewestLeft, share.left)
  }
  return { fewestLeft, leased, largest }
}

describe('the indexes that a credential has in reserve', () => {
  it.each([[0.001, 900], [0.1, 900], [5, 900], [300, 900], [20, 3_600]])('last, at %d tokens a second, for the %d seconds that the database may be away', (perSecond, awaySeconds) => {
    const { fewestLeft, leased, largest } = run(perSecond, 3, awaySeconds * 1_000)
    expect(fewestLeft).toBeGreaterThanOrEqual(Math.floor(perSecond * awaySeconds))
    expect(largest).toBeLessThanOrEqual(shareLimits.largestBlock)
    // Not without end: what is leased and not used is wasted when the process ends.
    expect(leased).toBeLessThanOrEqual(16 + perSecond * 3 * 3_600 + 8 * perSecond * 2 * awaySeconds + shareLimits.largestBlock * Number(perSecond * awaySeconds > shareLimits.largestBlock / 8))
  })

  it('of a client that comes once a day are sixteen a day', () => {
    const { leased, largest } = run(1 / 86_400, 72, 900_000)
    expect([largest, leased <= 48]).toEqual([16, true])
  })

  it('are leased anew, before the last block ends, while there is time', () => {
    const share = newShare(holder, 'live')
    leaseInto(share, start, 900_000)
    expect(isRunningOut(share, start + 23 * hour, 900_000)).toBe(false)
    expect(isRunningOut(share, start + 24 * hour - 900_000, 900_000)).toBe(true)
    expect(takeFrom(share, start + 24 * hour - 1, () => true)).toEqual({ listId: 'list', index: 0 })
    expect(takeFrom(share, start + 24 * hour, () => true)).toBeUndefined()
    expect(share.left).toBe(0)
  })

  it('are no more for a clock that was set back', () => {
    const share = newShare(holder, 'live')
    leaseInto(share, start, 900_000)
    for (let index = 0; index < 8; index += 1) takeFrom(share, start - hour, () => true)
    expect(nextSize(share, start - hour, 900_000)).toBeLessThanOrEqual(64)
  })
})
