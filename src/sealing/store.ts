import type { Session } from '../db.ts'

export interface SealedValue {
  readonly purpose: string
  readonly envelope: string
}

export interface SealedValueStore {
  readAll (): Promise<SealedValue[]>
  /** Adds what is missing; what another process added first stays. */
  addMissing (values: readonly SealedValue[]): Promise<void>
  /** The same values in other envelopes. */
  replace (values: readonly SealedValue[]): Promise<void>
}

export function createSealedValueStore (database: Session): SealedValueStore {
  return {
    readAll: () => database.sealedValue.findMany({ select: { purpose: true, envelope: true } }),
    async addMissing (values) {
      await database.sealedValue.createMany({ data: [...values], skipDuplicates: true })
    },
    async replace (values) {
      for (const { purpose, envelope } of values) await database.sealedValue.update({ where: { purpose }, data: { envelope } })
    }
  }
}
