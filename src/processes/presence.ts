/** This process tells the others, by a row, that it lives and how far it has read the change feed. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { base62 } from '../identifiers.ts'
import type { ProcessStore, ServingProcess } from './store.ts'

/** In milliseconds: how often it says that it lives, and how often at most that it has read on. */
export const presenceLimits = { heartbeatMillis: 5_000, pauseMillis: 100 } as const

export interface Presence {
  /** @param position id of a change; that one and all before are in force in this process */
  reached (position: bigint): void
  stop (): Promise<void>
}

interface PresenceDependencies {
  readonly store: Pick<ProcessStore, 'announce' | 'leave'>
  readonly staleLimitSeconds: number
  readonly logger: Logger
}

export function createPresence ({ store, staleLimitSeconds, logger }: PresenceDependencies): Presence {
  const self: ServingProcess = { id: base62(randomBytes(8), 11), host: hostname(), pid: process.pid, staleLimitSeconds }
  let position: bigint | undefined
  let announcing: Promise<void> = Promise.resolve()
  let next: NodeJS.Timeout | undefined
  let nextAt = Infinity
  let announcedAt = -Infinity
  let stopped = false

  async function announce (): Promise<void> {
    announcedAt = performance.now()
    if (position !== undefined) await store.announce(self, position).catch((error: unknown) => { logger.debug({ err: error }, 'process.not_announced') }) // the feed says that the database is away
    planNext(presenceLimits.heartbeatMillis)
  }

  /** One at a time, and the earlier one where two are planned. */
  function planNext (millis: number): void {
    const at = performance.now() + millis
    if (stopped || at >= nextAt) return
    clearTimeout(next)
    nextAt = at
    next = setTimeout(() => {
      nextAt = Infinity
      announcing = announce()
    }, millis)
    next.unref()
  }

  return {
    reached (reached) {
      if (reached === position) return
      position = reached
      planNext(Math.max(0, announcedAt + presenceLimits.pauseMillis - performance.now()))
    },
    async stop () {
      stopped = true
      clearTimeout(next)
      await announcing
      await store.leave(self.id).catch((error: unknown) => { logger.debug({ err: error }, 'process.not_left') })
    }
  }
}
