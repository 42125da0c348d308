import { databaseTime, type Session } from '../db.ts'

/** A process that serves requests. */
export interface ServingProcess {
  readonly id: string
  readonly host: string
  readonly pid: number
  /** How long it goes on from memory after it last heard from the database. */
  readonly staleLimitSeconds: number
}

export interface ProcessState extends ServingProcess {
  /** How far it has read the change feed: what has this id or a lower one is in force in it. */
  readonly position: bigint
  /** When it said so first, by the database's clock, as below. */
  readonly positionAt: Date
  readonly seenAt: Date
}

/** What the report of a revocation reads, at one moment. */
export interface Attendance {
  readonly now: Date
  readonly processes: readonly ProcessState[]
}

/** Whoever has been silent for longer, by two heartbeats, does not hear what is revoked either: it crashed, or is cut off. */
export const silentMillis = 12_000

export interface ProcessStore {
  announce (process: ServingProcess, position: bigint): Promise<void>
  leave (id: string): Promise<void>
  /** The newest change: where its position was reached, all is in force that has been committed. */
  readNewest (): Promise<{ position: bigint, storedAt: Date | undefined }>
  /** Those that may still answer from memory. */
  readAttendance (): Promise<Attendance>
  /** Forgets those that have been silent for longer than they may answer from memory. @returns how many */
  purge (): Promise<number>
}

export function createProcessStore (database: Session): ProcessStore {
  return {
    // Nothing is lost with the last moments of this table, so the disk is not waited for.
    async announce ({ id, host, pid, staleLimitSeconds }, position) {
      await database.$executeRaw`
        WITH lazily AS (SELECT set_config('synchronous_commit', 'off', true))
        INSERT INTO processes AS known (id, host, pid, stale_limit_seconds, position)
        SELECT ${id}, ${host}, ${pid}, ${staleLimitSeconds}, ${position} FROM lazily
        ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), position = excluded.position,
          position_at = CASE WHEN known.position = excluded.position THEN known.position_at ELSE clock_timestamp() END`
    },
    async leave (id) {
      await database.process.deleteMany({ where: { id } })
    },
    async readNewest () {
      const newest = await database.change.findFirst({ select: { id: true, changedAt: true }, orderBy: { id: 'desc' } })
      return { position: newest?.id ?? 0n, storedAt: newest?.changedAt }
    },
    async readAttendance () {
      const now = await databaseTime(database)
      const all = await database.process.findMany({ orderBy: [{ host: 'asc' }, { pid: 'asc' }] })
      return { now, processes: all.filter(({ seenAt, staleLimitSeconds }) => seenAt.getTime() + staleLimitSeconds * 1000 > now.getTime()) }
    },
    purge: () => database.$executeRaw`DELETE FROM processes WHERE seen_at < now() - make_interval(secs => stale_limit_seconds) - interval '1 hour'`
  }
}
