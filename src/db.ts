/**
 * The Prisma client over the pg adapter. Every limit is stated: a stuck backend fails the statement that
 * waits for it, and never hangs a caller (Prisma's and pg's own defaults wait for ever).
 */
import { PrismaPg } from '@prisma/adapter-pg'
import { Prisma, PrismaClient } from './generated/prisma/client.ts'
import { exitCodes, OperatorError } from './operator-error.ts'

export type Database = PrismaClient
/** The database, or one transaction on it: what most stores need. */
export type Session = Prisma.TransactionClient

export interface DatabaseOptions {
  /** A PostgreSQL URL; for the embedded server its host is the folder of the Unix socket. */
  readonly url: string
  readonly applicationName: string
  /** Connections in the pool. */
  readonly poolSize?: number
}

export const databaseLimits = {
  connectionTimeoutMillis: 3_000,
  statement_timeout: 5_000,
  query_timeout: 6_000,
  lock_timeout: 4_000,
  idle_in_transaction_session_timeout: 10_000
} as const

export function createDatabase ({ url, applicationName, poolSize = 4 }: DatabaseOptions): Database {
  const adapter = new PrismaPg(
    { connectionString: url, application_name: applicationName, max: poolSize, idleTimeoutMillis: 30_000, ...databaseLimits },
    // An idle connection that PostgreSQL ends is replaced by the pool at the next use.
    { onPoolError: () => {}, onConnectionError: () => {} }
  )
  return new PrismaClient({ adapter, log: [], errorFormat: 'minimal' })
}

/** Runs a write; a unique constraint that is in the way becomes the sentence given. */
export async function refuseConflict<Result> (write: () => Promise<Result>, sentence: string): Promise<Result> {
  try {
    return await write()
  } catch (error) {
    if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002') {
      throw new OperatorError(sentence, { cause: error, exitCode: exitCodes.refused })
    }
    throw error
  }
}
