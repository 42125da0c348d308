import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { planUpkeep } from './plan.ts'
import type { KeyRing } from './ring.ts'
import { familiesOf, type KeyRotation, type RotationDependencies } from './rotation.ts'

interface UpkeepDependencies {
  readonly keys: Pick<KeyRing, 'all' | 'reportActive'>
  readonly rotation: Pick<KeyRotation, 'upkeep'>
  readonly policy: RotationDependencies['policy']
  readonly clock: Clock
  readonly logger: Logger
}

/** What every process does now and then; the database is asked only when memory says that there is something to do. */
export function createKeepKeys ({ keys, rotation, policy, clock, logger }: UpkeepDependencies): () => Promise<void> {
  function isNeeded (): boolean {
    const known = keys.all().map((key) => ({ ...key, isReadable: true }))
    return familiesOf(policy.signingAlgorithms).some((family) => {
      const { activate, make } = planUpkeep(family, known, clock(), policy)
      return activate.length + make.length > 0
    })
  }

  return async () => {
    keys.reportActive()
    if (!isNeeded()) return
    try {
      const { made, activated } = await rotation.upkeep()
      for (const { kid, environment, algorithm } of made) logger.info({ kid, environment, algorithm }, 'key.made')
      for (const { kid, activatesAt } of activated) logger.info({ kid, activatesAt }, 'key.rotated')
    } catch (error) {
      logger.warn({ err: error }, 'key.upkeep_failed')
    }
  }
}
