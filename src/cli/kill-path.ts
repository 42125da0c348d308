/** The way of a revocation: when it is in force in the database, in every process that serves, and in the published lists. */
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { silentMillis, type ProcessState, type ProcessStore } from '../processes/store.ts'
import { isPublished, type PublishedIndexes } from '../status-lists/published.ts'
import { statusListTtlSeconds } from '../status-lists/publish.ts'
import type { Json } from './output.ts'
import { timeOf } from './present.ts'

export interface KillPathDependencies {
  readonly processes: Pick<ProcessStore, 'readNewest' | 'readAttendance'>
  /** When the revocation was committed, by the database's clock; null: it was revoked before, and one only looks again. */
  readonly committedAt: Date | null
  /** In each list that has something of it, indexes that it revoked. */
  readonly samples: readonly PublishedIndexes[]
  readonly note: (sentence: string) => void
  readonly limits?: KillPathLimits
}

export interface KillPath {
  readonly rows: readonly Json[]
  /** What does not carry it yet, in words; undefined: everything does. */
  readonly missing: readonly string[] | undefined
  /** When the last API that verifies offline has a list that carries it, if it keeps to the times in it; null: there is no list, or nobody can tell. */
  readonly offlineBy: Date | null
}

interface Place {
  readonly where: 'database' | 'process' | 'status list'
  readonly name: string
  /** Undefined: not yet, or never. */
  readonly at: Date | undefined
  readonly note?: string
}

/** Of what is still waited for, in words. */
type Tell = (missing: string | undefined) => void

/** In milliseconds, but for `listsAtOnce`. */
export const killPathLimits = { waitMillis: 30_000, fetchMillis: 5_000, pollMillis: 50, tellMillis: 2_000, listsAtOnce: 8 } as const
type KillPathLimits = Readonly<Record<keyof typeof killPathLimits, number>>

interface Patience {
  readonly deadline: number
  readonly limits: KillPathLimits
}

export async function followKillPath ({ processes, committedAt, samples, note, limits = killPathLimits }: KillPathDependencies): Promise<KillPath> {
  const { position, storedAt } = await processes.readNewest()
  const { now, processes: known } = await processes.readAttendance()
  const [offset, patience] = [now.getTime() - Date.now(), { deadline: performance.now() + limits.waitMillis, limits }]
  const waitsFor = new Map<string, string>()
  const tellOf = (what: string) => (missing: string | undefined) => { if (missing === undefined) waitsFor.delete(what); else waitsFor.set(what, missing) }
  const telling = setInterval(() => { note(`waiting for ${[...waitsFor.values()].join(' and ')}`) }, limits.tellMillis)
  try {
    const places = await Promise.all([
      followProcesses(processes, position, patience, tellOf('processes')),
      // Without a process nobody publishes a list; whoever starts reads everything first.
      known.some((each) => mayServe(each, now)) ? followLists(samples, offset, patience, tellOf('lists')) : []
    ])
    return describe([{ where: 'database', name: '', at: committedAt ?? now }, ...places.flat()], committedAt === null ? undefined : storedAt)
  } finally {
    clearInterval(telling)
  }
}

async function followProcesses (store: KillPathDependencies['processes'], position: bigint, { deadline, limits }: Patience, tell: Tell): Promise<Place[]> {
  for (;;) {
    const { now, processes } = await store.readAttendance()
    const living = processes.filter((each) => mayServe(each, now))
    const behind = living.filter((each) => each.position < position && !isSilent(each, now))
    const isOver = behind.length === 0 || performance.now() > deadline
    tell(isOver ? undefined : `${behind.length} of ${living.length} processes`)
    if (isOver) return living.map((each) => placeOf(each, position, isSilent(each, now)))
    await pause(limits.pollMillis)
  }
}

function isSilent ({ seenAt }: Pick<ProcessState, 'seenAt'>, now: Date): boolean {
  return now.getTime() - seenAt.getTime() > silentMillis
}

function mayServe (state: ProcessState, now: Date): boolean {
  return !isSilent(state, now) || !hasEnded(state)
}

/** One of this machine that is gone has said no farewell: it crashed. Not so where it is heard: a container may have the name of its machine. */
function hasEnded ({ host, pid }: ProcessState): boolean {
  if (host !== hostname()) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}

function placeOf ({ host, pid, position, positionAt, seenAt, staleLimitSeconds }: ProcessState, wanted: bigint, isSilent: boolean): Place {
  const name = `${host} ${pid}`
  if (position >= wanted) return { where: 'process', name, at: positionAt }
  if (!isSilent) return { where: 'process', name, at: undefined, note: 'it serves, and has not read so far yet' }
  const until = new Date(seenAt.getTime() + staleLimitSeconds * 1000)
  return { where: 'process', name, at: undefined, note: `silent since ${seenAt.toISOString()}; if it is cut off from the database, and not gone, it answers from memory until ${until.toISOString()}` }
}

async function followLists (samples: KillPathDependencies['samples'], offset: number, patience: Patience, tell: Tell): Promise<Place[]> {
  const places: Place[] = []
  for (let first = 0; first < samples.length; first += patience.limits.listsAtOnce) {
    tell(`${samples.length - first} of ${samples.length} status lists`)
    places.push(...await Promise.all(samples.slice(first, first + patience.limits.listsAtOnce).map((sample) => followList(sample, offset, patience))))
  }
  tell(undefined)
  return places
}

async function followList (sample: PublishedIndexes, offset: number, { deadline, limits }: Patience): Promise<Place> {
  const place = { where: 'status list', name: sample.uri } as const
  let note = 'there was no time left to look at it'
  for (;;) {
    const remaining = deadline - performance.now()
    if (remaining <= 0) return { ...place, at: undefined, note }
    const isThere = await isPublished(sample, Math.ceil(Math.min(remaining, limits.fetchMillis))).catch((error: unknown) => error instanceof Error ? error : new Error(String(error)))
    if (isThere === true) return { ...place, at: new Date(Date.now() + offset) }
    note = isThere === false ? 'the published list does not say so yet' : `it cannot be fetched: ${isThere.message}`
    await pause(limits.pollMillis)
  }
}

/** @param storedAt when the transaction began that all seconds are counted from */
function describe (places: readonly Place[], storedAt: Date | undefined): KillPath {
  const missing = places.filter(({ at }) => at === undefined)
  return {
    rows: places.map(({ where, name, at, note }) => ({
      where, name, after_seconds: at === undefined || storedAt === undefined ? null : Math.max(0, at.getTime() - storedAt.getTime()) / 1000, in_force_at: timeOf(at ?? null), note: note ?? null
    })),
    missing: missing.length === 0 ? undefined : missing.map(({ where, name, note }) => `${where} ${name}: ${note ?? ''}`),
    // A process that has not read of it may publish an older list. A cache on the way may have fetched that just before, and hand
    // it out until then to an API that keeps it as long again.
    offlineBy: missing.length > 0 || !places.some(({ where }) => where === 'status list') ? null : new Date(Math.max(...places.map(({ at }) => at?.getTime() ?? 0)) + 2 * statusListTtlSeconds * 1000)
  }
}
