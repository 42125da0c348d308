import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { followKillPath, killPathLimits } from '../../src/cli/kill-path.ts'
import type { ProcessState } from '../../src/processes/store.ts'

const committedAt = new Date()
const serving: ProcessState = { id: 'serving', host: 'elsewhere', pid: 1, staleLimitSeconds: 900, position: 7n, positionAt: committedAt, seenAt: committedAt }
const limits = { ...killPathLimits, waitMillis: 300, fetchMillis: 100, pollMillis: 5 }

let asked = 0
const silent = createServer(() => { asked += 1 })
let origin = ''

beforeAll(async () => {
  await new Promise<void>((resolve) => { silent.listen(0, '127.0.0.1', resolve) })
  const address = silent.address()
  origin = `http://127.0.0.1:${typeof address === 'object' ? String(address?.port) : ''}`
})
afterAll(() => {
  silent.close()
  silent.closeAllConnections()
})

function processesAt (state: ProcessState): Parameters<typeof followKillPath>[0]['processes'] {
  return { readNewest: async () => ({ position: 7n, storedAt: committedAt }), readAttendance: async () => ({ now: committedAt, processes: [state] }) }
}

describe('the way of a revocation is followed for so long and no longer', () => {
  it('however many lists there are, and though nobody answers', async () => {
    const samples = Array.from({ length: 400 }, (_, index) => ({ uri: `${origin}/${index}`, index: 0, lastIndex: 15 }))
    const { missing = [], offlineBy } = await followKillPath({ processes: processesAt(serving), committedAt, samples, note: () => {}, limits })
    expect(asked).toBeLessThanOrEqual(limits.listsAtOnce * Math.ceil(limits.waitMillis / limits.fetchMillis))
    expect(missing).toHaveLength(samples.length)
    expect(missing[0]).toMatch(/^status list .*\/0: it cannot be fetched: /)
    expect(missing.at(-1)).toMatch(/\/399: there was no time left to look at it$/)
    expect(offlineBy).toBeNull()
  })

  it('and a process that is heard, and has not read of it, is not called silent', async () => {
    const { missing } = await followKillPath({ processes: processesAt({ ...serving, position: 6n }), committedAt, samples: [], note: () => {}, limits })
    expect(missing).toEqual(['process elsewhere 1: it serves, and has not read so far yet'])
  })
})
