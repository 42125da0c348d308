/**
 * What is to be done about the keys of one environment and algorithm: pure. It says which key activates when, and how many
 * are to be made; whoever carries it out holds the writers' lock and asks once more.
 */
import { activeKey, aheadSeconds, siblingsOf, skewSeconds, standby, type KeyTimes } from './state.ts'

export interface PlannedKey extends KeyTimes {
  readonly createdAt: Date
  /** Whether this process can open it; one that it cannot open is never the next. */
  readonly isReadable: boolean
}

export interface KeyPlan {
  readonly activate: readonly { readonly kid: string, readonly activatesAt: Date }[]
  /** Keys to make, by when they activate. */
  readonly make: readonly Date[]
  readonly withdraw: readonly { readonly kid: string, readonly withdrawnAt: Date }[]
}

export interface RotationTimes {
  /** 0: never by itself. */
  readonly keyRotationDays: number
  readonly staleLimitSeconds: number
}

export type Family = Pick<KeyTimes, 'environment' | 'algorithm'>

const dayMillis = 86_400_000
const nothing: KeyPlan = { activate: [], make: [], withdraw: [] }

/** A key always waits, published, and takes over when the active one has signed for as long as it may. */
export function planUpkeep (family: Family, all: readonly PlannedKey[], now: number, times: RotationTimes): KeyPlan {
  const { active, scheduled, waiting } = examine(family, all, now)
  if (active === undefined) return nothing
  // Only where every other key was withdrawn by hand: it signs already.
  const stepsIn = isStandby(active)
  const [first] = waiting
  const isDue = first !== undefined && scheduled.length === 0 && dueAt(active, times) <= now && readyAt(first, times) <= now
  const activate = [...stepsIn ? [active] : [], ...isDue ? [first] : []].map(({ kid }) => ({ kid, activatesAt: afterOthers(now, family, all, now) }))
  return { activate, make: waiting.length > (isDue ? 1 : 0) ? [] : [standby], withdraw: [] }
}

/**
 * The next key takes over as soon as verifiers can be expected to have it, or at once.
 * @param activeKid that is to be replaced: where another one signs by now, somebody else was quicker
 */
export function planRotation (family: Family, all: readonly PlannedKey[], now: number, times: RotationTimes, { activeKid, atOnce }: { readonly activeKid: string | undefined, readonly atOnce: boolean }): KeyPlan {
  const { active, scheduled, waiting } = examine(family, all, now)
  if (activeKid === undefined || active?.kid !== activeKid) return nothing
  const next = scheduled[0] ?? waiting[0]
  const ready = next === undefined ? now + aheadSeconds(times.staleLimitSeconds) * 1000 : readyAt(next, times)
  const activatesAt = afterOthers(atOnce ? now : Math.max(now, ready), family, all, now)
  if (next === undefined) return { activate: [], make: [activatesAt, standby], withdraw: [] }
  if (next.activatesAt <= activatesAt) return nothing
  return { activate: [{ kid: next.kid, activatesAt }], make: waiting.some(({ kid }) => kid !== next.kid) ? [] : [standby], withdraw: [] }
}

/** The key is withdrawn, and where it signed the one that has been published longest of those that wait signs from now on. */
export function planRevocation (kid: string, family: Family, all: readonly PlannedKey[], now: number): KeyPlan {
  const key = all.find((each) => each.kid === kid)
  if (key?.withdrawnAt !== null) return nothing
  const withdraw = [{ kid, withdrawnAt: new Date(now) }]
  const { active, scheduled, waiting } = examine(family, all, now)
  if (active?.kid !== kid) return { ...nothing, withdraw }
  const [successor] = [...scheduled, ...waiting].sort(byAge)
  // By the clock of a process that is behind it signs at once, too: an older key does not sign in between.
  const activatesAt = afterOthers(now - skewSeconds * 1000, family, all.filter((each) => each.kid !== kid), now)
  return successor === undefined ? { activate: [], make: [activatesAt], withdraw } : { activate: [{ kid: successor.kid, activatesAt }], make: [], withdraw }
}

/** When the active key is to be replaced; Infinity: never. */
export function dueAt ({ activatesAt }: Pick<KeyTimes, 'activatesAt'>, { keyRotationDays }: RotationTimes): number {
  return keyRotationDays === 0 ? Infinity : activatesAt.getTime() + keyRotationDays * dayMillis
}

/** When verifiers can be expected to have a key. */
export function readyAt ({ createdAt }: { readonly createdAt: Date }, { staleLimitSeconds }: RotationTimes): number {
  return createdAt.getTime() + aheadSeconds(staleLimitSeconds) * 1000
}

export function isStandby ({ activatesAt }: Pick<KeyTimes, 'activatesAt'>): boolean {
  return activatesAt.getTime() === standby.getTime()
}

/** The oldest first. */
export function byAge (one: { readonly createdAt: Date }, other: { readonly createdAt: Date }): number {
  return one.createdAt.getTime() - other.createdAt.getTime()
}

interface Examined {
  readonly active: PlannedKey | undefined
  /** Those that have a time, the earliest first. */
  readonly scheduled: readonly PlannedKey[]
  /** Those that wait until they are told to, the oldest first. */
  readonly waiting: readonly PlannedKey[]
}

function examine (family: Family, all: readonly PlannedKey[], now: number): Examined {
  const siblings = siblingsOf(family, all)
  const active = activeKey(siblings, now)
  const next = siblings.filter((each) => each.kid !== active?.kid && each.activatesAt.getTime() > now && each.isReadable)
  const waiting = next.filter(isStandby).sort(byAge)
  return { active, scheduled: next.filter((each) => !isStandby(each)), waiting }
}

/** @returns the wanted time, or the first moment after all that have activated: of two of one moment either could sign */
function afterOthers (wanted: number, family: Family, all: readonly PlannedKey[], now: number): Date {
  const latest = siblingsOf(family, all).findLast(({ activatesAt }) => activatesAt.getTime() <= now)
  return new Date(Math.max(wanted, (latest?.activatesAt.getTime() ?? -Infinity) + 1))
}
