import { attribute, type Attribution } from '../audit/audit-record.ts'
import { lockWriters } from '../changes/writer-lock.ts'
import type { Database, Session } from '../db.ts'
import type { Environment } from '../environment.ts'

export interface SigningKeyRow {
  readonly kid: string
  readonly environment: Environment
  readonly algorithm: string
  readonly sealedPrivateKey: string
  readonly createdAt: Date
  /** The year 9999 for a key that waits until it is told to. */
  readonly activatesAt: Date
  readonly withdrawnAt: Date | null
  /** Kept by triggers: the longest lifetime in force since it may sign. */
  readonly longestTokenSeconds: number
}

export type NewSigningKey = Pick<SigningKeyRow, 'kid' | 'environment' | 'algorithm' | 'sealedPrivateKey' | 'activatesAt'> & Partial<Pick<SigningKeyRow, 'createdAt'>>

/** All of it or nothing. */
export interface KeyChanges {
  readonly activate: readonly Pick<SigningKeyRow, 'kid' | 'activatesAt'>[]
  readonly add: readonly NewSigningKey[]
  readonly withdraw: readonly { readonly kid: string, readonly withdrawnAt: Date }[]
}

export interface SigningKeyStore {
  readAll (): Promise<SigningKeyRow[]>
  /** Adds the key unless its environment has one for its algorithm that is not withdrawn, decided while no other process can write keys. */
  addFirst (key: NewSigningKey): Promise<boolean>
  /**
   * Changes keys while nobody else writes anything.
   * @param decide is given the keys as they are then, and the envelope of something that is sealed
   * @param by whoever asked for it; keys that take over by themselves leave no record
   */
  change (decide: (rows: readonly SigningKeyRow[], envelope: string | undefined) => Promise<KeyChanges>, by?: Attribution): Promise<void>
  /** The same keys in other envelopes. */
  replaceSealed (rows: readonly Pick<SigningKeyRow, 'kid' | 'sealedPrivateKey'>[]): Promise<void>
}

const inOrder = [{ environment: 'asc' }, { activatesAt: 'asc' }, { kid: 'asc' }] as const

export function createSigningKeyStore (database: Database): SigningKeyStore {
  const alone = <Result>(work: (transaction: Session) => Promise<Result>): Promise<Result> => database.$transaction(async (transaction) => {
    await lockWriters(transaction)
    return await work(transaction)
  }, { timeout: 10_000, maxWait: 10_000 })

  return {
    ...createSigningKeyTable(database),
    addFirst: (key) => alone(async (transaction) => {
      const existing = await transaction.signingKey.count({ where: { environment: key.environment, algorithm: key.algorithm, withdrawnAt: null } })
      if (existing > 0) return false
      await transaction.signingKey.create({ data: key })
      return true
    }),
    change: (decide, by) => alone(async (transaction) => {
      if (by !== undefined) await attribute(transaction, by)
      const sealed = await transaction.sealedValue.findFirst({ select: { envelope: true } })
      const { activate, add, withdraw } = await decide(await transaction.signingKey.findMany({ orderBy: [...inOrder] }), sealed?.envelope)
      for (const { kid, activatesAt } of activate) await transaction.signingKey.update({ where: { kid }, data: { activatesAt } })
      for (const key of add) await transaction.signingKey.create({ data: key })
      for (const { kid, withdrawnAt } of withdraw) await transaction.signingKey.update({ where: { kid }, data: { withdrawnAt } })
    })
  }
}

/** What also works inside of a transaction. */
export function createSigningKeyTable (database: Session): Pick<SigningKeyStore, 'readAll' | 'replaceSealed'> {
  return {
    readAll: () => database.signingKey.findMany({ orderBy: [...inOrder] }),
    async replaceSealed (rows) {
      for (const { kid, sealedPrivateKey } of rows) await database.signingKey.update({ where: { kid }, data: { sealedPrivateKey } })
    }
  }
}
