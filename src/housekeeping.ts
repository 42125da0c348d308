/** What is tidied up now and then, in the background: failures are logged and tried again the next time. */
import type { Logger } from 'pino'

export interface Chore {
  readonly name: string
  /** @returns how many rows went */
  run (): Promise<number>
}

/** @returns a function that stops it */
export function startHousekeeping (chores: readonly Chore[], logger: Logger, intervalMillis = 600_000): () => void {
  async function runAll (): Promise<void> {
    for (const { name, run } of chores) {
      try {
        const removed = await run()
        if (removed > 0) logger.info({ chore: name, removed }, 'housekeeping.done')
      } catch (error) {
        logger.warn({ chore: name, err: error }, 'housekeeping.failed')
      }
    }
  }
  const timer = setInterval(() => { void runAll() }, intervalMillis)
  timer.unref()
  return () => { clearInterval(timer) }
}
