/**
 * The keys of both environments and all algorithms in memory, and which of them signs, waits or is only published. It
 * knows times, not tokens: a key signs from its activation until that of the next key of its environment and algorithm,
 * and stays published until the last token that it may have signed has expired.
 */
import type { Logger } from 'pino'
import { createTableView, type View } from '../changes/view.ts'
import type { Clock } from '../clock.ts'
import { environments, type Environment } from '../environment.ts'
import type { SigningAlgorithm } from '../oauth/signing-algorithms.ts'
import type { Sealer } from '../sealing/sealer.ts'
import { openSigningKey, type SigningKey } from './signing-key.ts'
import { activeKey, keyState, publishedStates, siblingsOf } from './state.ts'
import type { SigningKeyRow, SigningKeyStore } from './store.ts'

export interface KeyRing extends View {
  /**
   * The key that signs now, or at another time, as far as that is known.
   * @param algorithm null: the default one
   * @param at milliseconds since the epoch
   * @returns undefined also for an algorithm that is off, though there may be keys for it
   */
  active (environment: Environment, algorithm: string | null, at?: number): SigningKey | undefined
  /** Every key that verifiers need now: next, active, and retired ones whose tokens may still live. */
  published (environment: Environment): SigningKey[]
  /** A published key. */
  find (kid: string): SigningKey | undefined
  /** All that open, in whatever state. */
  all (): readonly SigningKey[]
  /** Tells the log which keys have begun to sign since it was last told. */
  reportActive (): void
}

interface KeyRingDependencies {
  readonly store: Pick<SigningKeyStore, 'readAll'>
  readonly sealer: Sealer
  readonly clock: Clock
  readonly logger: Logger
  /** Those that are on; the first one is the default. */
  readonly algorithms: readonly SigningAlgorithm[]
}

interface Family {
  /** Withdrawn ones too. */
  readonly all: readonly SigningKey[]
  /** In the order in which they activate. */
  readonly siblings: readonly SigningKey[]
}

export function createKeyRing ({ store, sealer, clock, logger, algorithms }: KeyRingDependencies): KeyRing {
  /** A row that does not open is as good as none; the start refuses it, a running process says so and goes on. */
  async function open (row: SigningKeyRow): Promise<SigningKey | undefined> {
    try {
      await sealer.learn(row.sealedPrivateKey)
      return await openSigningKey(row, sealer)
    } catch (error) {
      const known = table.get(row.kid)
      const isSame = known?.environment === row.environment && known.algorithm === row.algorithm
      logger.error({ err: error, kid: row.kid, goesOnFromMemory: isSame }, 'key.unreadable')
      if (!isSame) return undefined
      // Its kid is its public half, so the key that was opened before is this one, whatever became of the envelope: the
      // master key may have been rotated to one that this process was not given.
      const { activatesAt, withdrawnAt, longestTokenSeconds } = row
      return { ...known, activatesAt, withdrawnAt, longestTokenSeconds }
    }
  }

  let families = new Map<string, Family>()
  const signing = new Map<string, string>()

  const table = createTableView<SigningKey>({
    readAll: async () => (await Promise.all((await store.readAll()).map(open))).filter((key) => key !== undefined),
    readOne: async () => undefined,
    keyOf: ({ kid }) => kid,
    onChange (rows) {
      const all = [...rows.values()]
      families = new Map(all.map((key) => [familyOf(key.environment, key.algorithm), { all: all.filter((each) => each.environment === key.environment && each.algorithm === key.algorithm), siblings: siblingsOf(key, all) }]))
      reportActive()
    }
  })

  function isPublished (key: SigningKey): boolean {
    const all = families.get(familyOf(key.environment, key.algorithm))?.all ?? []
    return publishedStates.includes(keyState(key, all, clock()))
  }

  function active (environment: Environment, algorithm: string | null, at = clock()): SigningKey | undefined {
    const wanted = algorithm ?? algorithms[0]
    if (wanted === undefined || !algorithms.some((each) => each === wanted)) return undefined
    return activeKey(families.get(familyOf(environment, wanted))?.siblings ?? [], at)
  }

  function reportActive (): void {
    for (const environment of environments) {
      for (const algorithm of algorithms) {
        const family = familyOf(environment, algorithm)
        const kid = active(environment, algorithm)?.kid ?? ''
        const before = signing.get(family)
        signing.set(family, kid)
        if (before === undefined || before === kid) continue
        if (kid === '') logger.error({ environment, algorithm }, 'key.missing')
        else logger.info({ kid, environment, algorithm }, 'key.activated')
      }
    }
  }

  return {
    load: table.load,
    // All at once: between one row and the other of a rotation there would be a moment with the wrong key.
    refresh: table.load,
    refreshMany: table.load,
    active,
    published: (environment) => [...table.values()].filter((key) => key.environment === environment && isPublished(key)),
    find (kid) {
      const key = table.get(kid)
      return key !== undefined && isPublished(key) ? key : undefined
    },
    all: () => [...table.values()],
    reportActive
  }
}

function familyOf (environment: Environment, algorithm: string): string {
  return `${environment} ${algorithm}`
}
