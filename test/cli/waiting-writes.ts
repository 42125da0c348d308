import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'

/** Holds the lock that every writer takes first; `waiting` resolves once so many wait for it. */
export async function whileWritesWait<Result> (url: string, work: (waiting: (count?: number) => Promise<void>) => Promise<Result>): Promise<Result> {
  const holder = new pg.Client({ connectionString: url })
  holder.on('error', () => {}) // its database may be dropped under it
  await holder.connect()
  await holder.query('SELECT pg_advisory_lock(7367600, 1)')
  try {
    return await work(async (count = 1) => {
      for (;;) {
        const { rows } = await holder.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 7367600 AND objid = 1 AND NOT granted")
        if (rows.length >= count) return
        await pause(20)
      }
    })
  } finally {
    await holder.end().catch(() => {})
  }
}
