/** Something of the issuer's that is kept for a while: fetched by one request at a time however many need it. */
import { earlyShare, outageSeconds, retrySeconds } from './limits.ts'
import { Unavailable } from './refusal.ts'

/** Times in milliseconds since the epoch. */
export interface Loaded<Value> {
  readonly value: Value
  /** Until then it is used without asking. */
  readonly freshUntil: number
  /** Until then it is used while the issuer cannot be asked. */
  readonly usableUntil: number
}

export interface Refreshed<Value> {
  /** @throws Unavailable when there is nothing usable */
  get (): Promise<Value>
  /**
   * Fetches although it is fresh, unless somebody just did.
   * @throws Unavailable when the last fetch failed
   */
  renew (cooldownSeconds: number): Promise<void>
}

export interface Seams {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** From 0 up to 1. */
  readonly random: () => number
}

type Kept<Value> = Loaded<Value> & { readonly loadedAt: number, readonly dueAt: number }

/**
 * Fresh: used at once, and towards the end of that time renewed while it is used. Not fresh: the request waits for a
 * new one. If that cannot be had, the old one is used for as long as it may be, and fetched again every few seconds.
 * @param load is given what is kept, if there is anything
 */
export function createRefreshed<Value> (name: string, load: (before: Value | undefined) => Promise<Loaded<Value>>, { now, random }: Seams): Refreshed<Value> {
  let kept: Kept<Value> | undefined
  let failure: { readonly cause: unknown, readonly at: number } | undefined
  let attemptedAt = Number.NEGATIVE_INFINITY
  let underWay: Promise<void> | undefined

  async function attempt (): Promise<void> {
    attemptedAt = now()
    try {
      const loaded = await load(kept?.value)
      const loadedAt = now()
      kept = { ...loaded, loadedAt, dueAt: loaded.freshUntil - (loaded.freshUntil - loadedAt) * earlyShare * random() }
      failure = undefined
    } catch (cause) {
      failure = { cause, at: now() }
    }
  }

  /** Never rejects: what went wrong is in `failure`. */
  function fetchOnce (): Promise<void> {
    underWay ??= attempt().finally(() => { underWay = undefined })
    return underWay
  }

  function mayFetch (): boolean {
    return underWay !== undefined || failure === undefined || !isWithin(failure.at, retrySeconds, now())
  }

  /** A clock that was set back makes nothing fresh for longer. */
  function isFresh (): boolean {
    return kept !== undefined && now() >= kept.loadedAt && now() < kept.freshUntil
  }

  function isUsable (): boolean {
    return kept !== undefined && now() < kept.usableUntil
  }

  async function refresh (): Promise<void> {
    if (!mayFetch()) return
    const isOutage = failure !== undefined && isWithin(failure.at, outageSeconds, now())
    const fetched = fetchOnce()
    if (!(isOutage && isUsable())) await fetched
  }

  return {
    async get () {
      if (!isFresh()) await refresh()
      else if (kept !== undefined && now() >= kept.dueAt && mayFetch()) void fetchOnce()
      if (kept !== undefined && isUsable()) return kept.value
      throw new Unavailable(`${name} cannot be had`, failure?.cause)
    },

    async renew (cooldownSeconds) {
      const waitSeconds = failure === undefined ? cooldownSeconds : retrySeconds
      if (underWay !== undefined || !isWithin(attemptedAt, waitSeconds, now())) await fetchOnce()
      if (failure !== undefined) throw new Unavailable(`${name} cannot be renewed`, failure.cause)
    }
  }
}

function isWithin (since: number, seconds: number, now: number): boolean {
  return now >= since && now < since + seconds * 1_000
}
