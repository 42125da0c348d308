import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createScene, take } from './revocation-scene.ts'
import { steps } from './revocation-steps.ts'
import { createWorld } from './revocation-world.ts'

/** Each with a database and processes of its own; `RANDOM_TIMES=100 npm test -- test/properties/revocation` for a longer run. */
const worlds = Number(process.env['RANDOM_TIMES'] ?? 1)
const sequencesOfWorld = 10

describe('S43 S52 R6 R20 R21 F11 whatever is issued, exchanged, revoked, rotated, restarted, crashed and whatever the clock does', { timeout: 120_000 + worlds * 120_000 }, () => {
  it('introspection and the published lists of every process, the verifier and a trivial model agree on every token that was ever issued, and no index is used twice', async () => {
    const done = { sequences: 0, steps: 0, tokens: 0, revoked: 0, exchanged: 0, asked: 0 }
    for (let number = 0; number < worlds; number += 1) {
      const world = await createWorld()
      try {
        await fc.assert(fc.asyncProperty(steps, async (sequence) => {
          const scene = await createScene(world)
          await world.settle()
          for (const step of sequence) await take(step, world, scene)
          done.asked += await world.compare(scene.tokens)
          done.sequences += 1
          done.steps += sequence.length
        }), { numRuns: sequencesOfWorld, endOnFailure: true })
        // Those of earlier sequences too: nothing that came later has changed what is true of them.
        done.asked += await world.compare(world.model.tokens)
        done.tokens += world.model.tokens.length
        done.revoked += world.model.tokens.filter(({ fate }) => fate === 'revoked').length
        done.exchanged += world.model.tokens.filter(({ subject }) => subject !== undefined).length
      } finally {
        await world.stop()
      }
    }
    expect(done.revoked).toBeGreaterThan(0)
    console.log(`${done.sequences} sequences, ${done.steps} steps, ${done.tokens} tokens (${done.exchanged} exchanged, ${done.revoked} revoked), ${done.asked} answers; no disagreement`)
  })
})
