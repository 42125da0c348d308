import type { Clock } from '../clock.ts'
import { environments } from '../environment.ts'
import type { SigningAlgorithm } from '../oauth/signing-algorithms.ts'
import { OperatorError } from '../operator-error.ts'
import type { Progress } from '../progress.ts'
import type { Sealer } from '../sealing/sealer.ts'
import { generateSigningKey, openSigningKey } from './signing-key.ts'
import type { SigningKeyStore } from './store.ts'

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
