/**
 * The server's own random keys, stored sealed: one for the tags of client secrets, one for their verifiers.
 * They are made once for a database; opening them is what detects a wrong master key.
 */
import { randomBytes } from 'node:crypto'
import { OperatorError } from '../operator-error.ts'
import type { SealedPlace, Sealer } from './sealer.ts'
import type { SealedValue, SealedValueStore } from './store.ts'

export interface ServerKeys {
  readonly secretTag: Buffer
  readonly secretVerifier: Buffer
}

const purposes = { secretTag: 'secret-tag-key', secretVerifier: 'secret-verifier-key' } as const

/**
 * @param isNew whether nothing has ever been registered in this database: only then may keys be made
 * @throws OperatorError as openServerKeys
 */
export async function ensureServerKeys (store: Pick<SealedValueStore, 'readAll' | 'addMissing'>, sealer: Sealer, isNew: boolean): Promise<ServerKeys> {
  if (isNew && (await store.readAll()).length === 0) {
    await store.addMissing(Object.values(purposes).map((purpose) => ({
      purpose, envelope: sealer.seal(placeOf(purpose), randomBytes(32))
    })))
  }
  return await openServerKeys(store, sealer)
}

/** @throws OperatorError for a wrong master key, a damaged row, or a database that was never prepared */
export async function openServerKeys (store: Pick<SealedValueStore, 'readAll'>, sealer: Pick<Sealer, 'open'>): Promise<ServerKeys> {
  const envelopes = new Map((await store.readAll()).map(({ purpose, envelope }) => [purpose, envelope]))

  function open (purpose: string): Buffer {
    const envelope = envelopes.get(purpose)
    if (envelope === undefined) throw new OperatorError(`The database has no ${purpose}. Restore the table sealed_values from a backup, or start with an empty database.`)
    return sealer.open(placeOf(purpose), envelope)
  }

  return { secretTag: open(purposes.secretTag), secretVerifier: open(purposes.secretVerifier) }
}

/** @throws OperatorError when it does not open */
export function resealServerKey ({ purpose, envelope }: SealedValue, from: Pick<Sealer, 'open'>, to: Pick<Sealer, 'seal'>): SealedValue {
  return { purpose, envelope: to.seal(placeOf(purpose), from.open(placeOf(purpose), envelope)) }
}

function placeOf (purpose: string): SealedPlace {
  return { purpose, row: purpose, qualifier: 'HMAC-SHA-256' }
}
