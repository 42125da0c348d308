/** When each key took over or will, and until when it is published: what follows from its row and from the configuration. */
import { byAge, dueAt, isStandby, readyAt, type RotationTimes } from './plan.ts'
import { activeKey, afterwardsSeconds, keyState, publishedUntil, siblingsOf, signedUntil, type KeyState, type KeyTimes } from './state.ts'

export interface ScheduledKey {
  readonly state: KeyState
  /** undefined for one that waits until it is told to. */
  readonly activatesAt: Date | undefined
  /** undefined while nothing is to follow it. */
  readonly signsUntil: Date | undefined
  readonly publishedUntil: Date | undefined
}

type Key = KeyTimes & { readonly createdAt: Date }

export function scheduleOf (key: Key, all: readonly Key[], now: number, times: RotationTimes): ScheduledKey {
  const state = keyState(key, all, now)
  const activatesAt = isStandby(key) ? plannedActivation(key, all, now, times) : key.activatesAt.getTime()
  if (state === 'withdrawn') return { state, activatesAt: isStandby(key) ? undefined : key.activatesAt, signsUntil: undefined, publishedUntil: key.withdrawnAt ?? undefined }
  const successor = nextAfter(key, all)
  const ends = successor !== undefined && isStandby(successor) ? plannedActivation(successor, all, now, times) : signedUntil(key, all)
  const isOver = state === 'retired' || state === 'expired'
  return {
    state,
    activatesAt: dateOf(activatesAt),
    signsUntil: dateOf(isStandby(key) ? undefined : ends),
    publishedUntil: dateOf(isOver ? publishedUntil(key, all) : ends === undefined || isStandby(key) ? undefined : ends + afterwardsSeconds(key) * 1000)
  }
}

/** The oldest one that waits follows the last one that has a time; the others are not planned for. */
function plannedActivation (key: Key, all: readonly Key[], now: number, times: RotationTimes): number | undefined {
  const siblings = siblingsOf(key, all)
  const [first] = siblings.filter(isStandby).sort(byAge)
  const before = siblings.findLast((each) => !isStandby(each)) ?? activeKey(siblings, now)
  if (first?.kid !== key.kid || before === undefined || before.kid === key.kid) return undefined
  return Math.max(dueAt(before, times), readyAt(key, times), now)
}

function nextAfter (key: Key, all: readonly Key[]): Key | undefined {
  const siblings = siblingsOf(key, all)
  const later = siblings.filter((each) => !isStandby(each) && each.activatesAt > key.activatesAt)
  const waiting = siblings.filter((each) => isStandby(each) && each.kid !== key.kid).sort(byAge)
  return later[0] ?? waiting[0]
}

function dateOf (millis: number | undefined): Date | undefined {
  return millis === undefined || !Number.isFinite(millis) ? undefined : new Date(millis)
}
