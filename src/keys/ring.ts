/**
 * The keys of both environments and all algorithms in memory, and which of them signs, waits or is only published. It
 * knows times, not tokens: a key signs from its activation until that of the next key of its environment and algorithm,
 * and stays published until the last token that it may have signed has expired.
 */
import type { Logger } from 'pino'
import { createTableView, type View } from '../changes/view.ts'
import type { Clock } from '../clock.ts'
import { environments, type Environment } from '../environment.ts'
import { maxAccessTokenTtlSeconds } from '../oauth/claims.ts'
import type { SigningAlgorithm } from '../oauth/signing-algorithms.ts'
import { OperatorError } from '../operator-error.ts'
import type { Progress } from '../progress.ts'
import type { Sealer } from '../sealing/sealer.ts'
import { openSigningKey, generateSigningKey, type SigningKey } from './signing-key.ts'
import type { SigningKeyRow, SigningKeyStore } from './store.ts'

export type KeyState = 'next' | 'active' | 'retired' | 'expired' | 'withdrawn'

export interface KeyRing extends View {
  /**
   * The key that signs now.
   * @param algorithm null: the default one
   * @returns undefined also for an algorithm that is off, though there may be keys for it
   */
  active (environment: Environment, algorithm: string | null): SigningKey | undefined
  /** Every key that verifiers need now: next, active, and retired ones whose tokens may still live. */
  published (environment: Environment): SigningKey[]
  /** A published key. */
  find (kid: string): SigningKey | undefined
}

interface KeyRingDependencies {
  readonly store: Pick<SigningKeyStore, 'readAll' | 'readOne'>
  readonly sealer: Sealer
  readonly clock: Clock
  readonly logger: Logger
  /** Those that are on; the first one is the default. */
  readonly algorithms: readonly SigningAlgorithm[]
}

/** Clocks of verifiers may differ from ours by this much. */
const skewSeconds = 300

export function createKeyRing ({ store, sealer, clock, logger, algorithms }: KeyRingDependencies): KeyRing {
  /** A row that does not open is as good as none; the start refuses it, a running process says so and goes on. */
  async function open (row: SigningKeyRow | undefined): Promise<SigningKey | undefined> {
    if (row === undefined) return undefined
    try {
      return await openSigningKey(row, sealer)
    } catch (error) {
      logger.error({ err: error, kid: row.kid }, 'key.unreadable')
      return undefined
    }
  }

  const table = createTableView<SigningKey>({
    readAll: async () => (await Promise.all((await store.readAll()).map(open))).filter((key) => key !== undefined),
    readOne: async (kid) => await open(await store.readOne(kid)),
    keyOf: ({ kid }) => kid
  })

  /** @param algorithm undefined: whatever it is for */
  function inState (states: readonly KeyState[], environment: Environment, algorithm?: string): SigningKey[] {
    const own = [...table.values()].filter((key) => key.environment === environment && (algorithm === undefined || key.algorithm === algorithm))
    return own.filter((key) => states.includes(keyState(key, own, clock())))
  }

  return {
    load: table.load,
    refresh: table.refresh,
    active (environment, algorithm) {
      const wanted = algorithm ?? algorithms[0]
      return algorithms.some((each) => each === wanted) ? inState(['active'], environment, wanted)[0] : undefined
    },
    published: (environment) => inState(['active', 'next', 'retired'], environment),
    find (kid) {
      const key = table.get(kid)
      if (key === undefined) return undefined
      return ['active', 'next', 'retired'].includes(keyState(key, [...table.values()], clock())) ? key : undefined
    }
  }
}

interface KeyTimes {
  readonly kid: string
  readonly environment: Environment
  readonly algorithm: string
  readonly activatesAt: Date
  readonly withdrawnAt: Date | null
}

/** What a key is at a time (milliseconds since the epoch), given all the keys there are. */
export function keyState (key: KeyTimes, all: readonly KeyTimes[], now: number): KeyState {
  if (key.withdrawnAt !== null && key.withdrawnAt.getTime() <= now) return 'withdrawn'
  const siblings = all
    .filter((each) => each.environment === key.environment && each.algorithm === key.algorithm && (each.withdrawnAt === null || each.withdrawnAt.getTime() > now))
    .sort((one, other) => one.activatesAt.getTime() - other.activatesAt.getTime() || (one.kid < other.kid ? -1 : 1))
  // With the clock before every activation (it was set back) the first key goes on signing: no key is never an answer.
  const active = siblings.filter((each) => each.activatesAt.getTime() <= now).at(-1) ?? siblings[0]
  if (active?.kid === key.kid) return 'active'
  const position = siblings.findIndex((each) => each.kid === key.kid)
  const successor = siblings[position + 1]
  if (successor === undefined || key.activatesAt.getTime() > now) return 'next'
  const lastToken = successor.activatesAt.getTime() + (maxAccessTokenTtlSeconds + skewSeconds) * 1000
  return lastToken > now ? 'retired' : 'expired'
}

interface FirstKeysOptions {
  readonly store: SigningKeyStore
  readonly sealer: Sealer
  readonly clock: Clock
  /** Whether nothing has ever been registered in this database. */
  readonly isNew: boolean
  readonly progress: Progress
  /** That there are to be keys for. */
  readonly algorithms: readonly SigningAlgorithm[]
  /** Of RSA keys. */
  readonly rsaModulusBits: number
  /** Whether an environment that has keys gets one for an algorithm that it has none for. */
  readonly addsAlgorithms: boolean
}

/**
 * Gives each environment its first key for each algorithm; of processes that start together, one makes it.
 * @throws OperatorError when a key does not open, or is gone from a database that is in use: it is never replaced silently
 */
export async function ensureFirstKeys ({ store, sealer, clock, isNew, progress, algorithms, rsaModulusBits, addsAlgorithms }: FirstKeysOptions): Promise<void> {
  const rows = await store.readAll()
  await Promise.all(rows.map((row) => openSigningKey(row, sealer)))
  for (const environment of environments) {
    const ofEnvironment = rows.filter((row) => row.environment === environment)
    if (ofEnvironment.length === 0 && !isNew) {
      throw new OperatorError(`The signing keys of the ${environment} environment are gone from a database that has clients. Restore the table signing_keys from a backup.`)
    }
    const usable = ofEnvironment.filter(({ withdrawnAt }) => withdrawnAt === null)
    for (const algorithm of algorithms) {
      if (usable.some((row) => row.algorithm === algorithm) || (usable.length > 0 && !addsAlgorithms)) continue
      progress(`making the first ${algorithm} key of the ${environment} environment`)
      await store.addFirst(await generateSigningKey({ environment, algorithm, rsaModulusBits, activatesAt: new Date(clock()) }, sealer))
    }
  }
}
