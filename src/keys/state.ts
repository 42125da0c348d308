/**
 * What a key is at a time: pure, and the same in every process. Nobody tells a key to become active, retired or expired;
 * that follows from when it and its siblings were activated and withdrawn, and from the longest lifetime of its tokens.
 */
import { maxStaleLimitSeconds } from '../config.ts'
import type { Environment } from '../environment.ts'
import { documentMaxAgeSeconds } from '../http/cacheable.ts'

export type KeyState = 'next' | 'active' | 'retired' | 'expired' | 'withdrawn'

/** Those that verifiers need. */
export const publishedStates: readonly KeyState[] = ['active', 'next', 'retired']

export interface KeyTimes {
  readonly kid: string
  readonly environment: Environment
  readonly algorithm: string
  readonly activatesAt: Date
  readonly withdrawnAt: Date | null
  readonly longestTokenSeconds: number
}

/** When a key activates that waits until it is told to. */
export const standby = new Date('9999-12-31T00:00:00.000Z')

/** Clocks of verifiers, and of our own processes among each other, may differ by this much. */
export const skewSeconds = 300

/** How long verifiers keep a JWKS, whatever we tell them: jose does so for ten minutes. */
export const verifierCacheSeconds = 600

/**
 * How long a key is published before verifiers can be expected to have it: a process that is cut off may hand out the old
 * JWKS for as long as it is believed, caches on the way for max-age, and then the verifier keeps it.
 */
export function aheadSeconds (staleLimitSeconds: number): number {
  return staleLimitSeconds + documentMaxAgeSeconds + verifierCacheSeconds
}

/** How long a key is published after another one took over, at the latest of which a process that is cut off hears. */
export function afterwardsSeconds ({ longestTokenSeconds }: Pick<KeyTimes, 'longestTokenSeconds'>): number {
  return longestTokenSeconds + maxStaleLimitSeconds + documentMaxAgeSeconds + skewSeconds
}

/** @param now milliseconds since the epoch */
export function keyState (key: KeyTimes, all: readonly KeyTimes[], now: number): KeyState {
  // Whatever the clock says now: one that is set back brings nothing back.
  if (key.withdrawnAt !== null) return 'withdrawn'
  if (activeKey(siblingsOf(key, all), now)?.kid === key.kid) return 'active'
  if (key.activatesAt.getTime() > now) return 'next'
  const end = publishedUntil(key, all)
  return end === undefined || end > now ? 'retired' : 'expired'
}

/**
 * The one that signs, of keys of one environment and algorithm that are in order and not withdrawn. With the clock before
 * every activation (it was set back) the first key goes on signing: no key is never an answer.
 */
export function activeKey<Key extends KeyTimes> (siblings: readonly Key[], now: number): Key | undefined {
  return siblings.findLast((each) => each.activatesAt.getTime() <= now) ?? siblings[0]
}

/** Those of the same environment and algorithm that are not withdrawn, itself among them, in the order in which they activate. */
export function siblingsOf<Key extends KeyTimes> (key: Pick<KeyTimes, 'environment' | 'algorithm'>, all: readonly Key[]): Key[] {
  return all.filter((each) => each.environment === key.environment && each.algorithm === key.algorithm && each.withdrawnAt === null).sort(byActivation)
}

/** @returns milliseconds since the epoch; undefined while nothing is known to follow the key */
export function publishedUntil (key: KeyTimes, all: readonly KeyTimes[]): number | undefined {
  const end = signedUntil(key, all)
  return end === undefined ? undefined : end + afterwardsSeconds(key) * 1000
}

/**
 * When a later key takes over for good. A later one that was withdrawn counts for the time in which it signed; the key signs
 * again where none followed that one at once.
 */
export function signedUntil (key: KeyTimes, all: readonly KeyTimes[]): number | undefined {
  const later = all
    .filter((each) => each.environment === key.environment && each.algorithm === key.algorithm && byActivation(key, each) < 0)
    .filter(({ activatesAt, withdrawnAt }) => withdrawnAt === null || withdrawnAt > activatesAt)
    .sort(byActivation)
  let end: number | undefined
  let takenUntil = -Infinity
  for (const { activatesAt, withdrawnAt } of later) {
    if (activatesAt.getTime() > takenUntil) end = activatesAt.getTime()
    takenUntil = Math.max(takenUntil, withdrawnAt?.getTime() ?? Infinity)
  }
  return end
}

/** Two of the same moment are told apart the same way in every process. */
function byActivation (one: KeyTimes, other: KeyTimes): number {
  return one.activatesAt.getTime() - other.activatesAt.getTime() || (one.kid < other.kid ? -1 : one.kid > other.kid ? 1 : 0)
}
