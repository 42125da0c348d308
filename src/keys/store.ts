import type { Database } from '../db.ts'
import type { Environment } from '../environment.ts'

export interface SigningKeyRow {
  readonly kid: string
  readonly environment: Environment
  readonly algorithm: string
  readonly sealedPrivateKey: string
  readonly createdAt: Date
  readonly activatesAt: Date
  readonly withdrawnAt: Date | null
}

export interface SigningKeyStore {
  readAll (): Promise<SigningKeyRow[]>
  readOne (kid: string): Promise<SigningKeyRow | undefined>
  /** Adds the key unless its environment has one for its algorithm that is not withdrawn, decided while no other process can write keys. */
  addFirst (key: Omit<SigningKeyRow, 'createdAt' | 'withdrawnAt'>): Promise<boolean>
}

export function createSigningKeyStore (database: Database): SigningKeyStore {
  return {
    readAll: () => database.signingKey.findMany({ orderBy: [{ environment: 'asc' }, { activatesAt: 'asc' }, { kid: 'asc' }] }),
    readOne: async (kid) => await database.signingKey.findUnique({ where: { kid } }) ?? undefined,
    addFirst: async (key) => await database.$transaction(async (transaction) => {
      await transaction.$executeRaw`LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE`
      const existing = await transaction.signingKey.count({ where: { environment: key.environment, algorithm: key.algorithm, withdrawnAt: null } })
      if (existing > 0) return false
      await transaction.signingKey.create({ data: key })
      return true
    }, { timeout: 10_000, maxWait: 10_000 })
  }
}
