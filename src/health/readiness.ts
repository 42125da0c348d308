/** May this process be sent requests, and may it answer them? Both follow from how old its memory may be. */
import type { Static } from '@sinclair/typebox'
import type { onRequestHookHandler } from 'fastify'
import type { Feed } from '../changes/feed.ts'
import { environments } from '../environment.ts'
import type { KeyRing } from '../keys/ring.ts'
import { temporarilyUnavailable } from '../oauth/errors.ts'
import type { readinessBody } from './operation.ts'

export type Readiness = Readonly<Static<typeof readinessBody>>

interface ReadinessDependencies {
  readonly feed: Pick<Feed, 'stalenessSeconds' | 'isConnected'>
  readonly keys: Pick<KeyRing, 'active'>
  readonly staleLimitSeconds: number
}

export interface ReadinessGate {
  state (): Readiness
  isDraining (): boolean
  startDraining (): void
  /** Past the limit memory is no longer believed, and everything that reads it answers 503. */
  readonly requireFresh: onRequestHookHandler
}

export function createReadiness ({ feed, keys, staleLimitSeconds }: ReadinessDependencies): ReadinessGate {
  let draining = false

  function isFresh (): boolean {
    return feed.stalenessSeconds() <= staleLimitSeconds
  }

  function objection (): string | undefined {
    if (draining) return 'this process is stopping'
    if (!isFresh()) return `memory is older than ${staleLimitSeconds} s: the database is away`
    const without = environments.find((environment) => keys.active(environment, null) === undefined)
    return without === undefined ? undefined : `there is no usable signing key for the ${without} environment`
  }

  return {
    state () {
      const reason = objection()
      const database = feed.isConnected() ? 'connected' : 'away'
      const stalenessSeconds = Math.round(feed.stalenessSeconds() * 10) / 10
      return { ready: reason === undefined, ...(reason === undefined ? {} : { reason }), database, stalenessSeconds }
    },
    isDraining: () => draining,
    startDraining () { draining = true },
    requireFresh (_request, _reply, done) {
      if (isFresh()) done()
      else done(temporarilyUnavailable('The server has lost its database for too long to go on from memory.', 5, 'stale'))
    }
  }
}
