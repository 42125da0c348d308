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

/** How long a statement may take, in milliseconds. */
export const patience = {
  /** Somebody waits for an HTTP answer: with the connection it stays under five seconds. */
  request: 3_000,
  /** Reading whole tables into memory, setting up, the CLI. */
  background: 20_000
} as const

export interface DatabaseOptions {
  /** A PostgreSQL URL; for the embedded server its host is the folder of the Unix socket. */
  readonly url: string
  readonly applicationName: string
  /** Connections in the pool. */
  readonly poolSize?: number
  /** Milliseconds. */
  readonly patience?: number
}

/** Signet's tables are in `public`, and its triggers need READ COMMITTED, whatever the role or the database has as a default. */
export const ownSchema = { options: '-c search_path=public -c default_transaction_isolation=read\\ committed' } as const

/** Every time limit that pg and PostgreSQL have, for connections whose statements may take so many milliseconds. */
export function timeLimits (millis: number): Readonly<Record<'connectionTimeoutMillis' | 'statement_timeout' | 'query_timeout' | 'lock_timeout' | 'idle_in_transaction_session_timeout', number>> {
  return {
    connectionTimeoutMillis: millis / 2, // for a free one of the pool, too
    lock_timeout: millis - 500,
    statement_timeout: millis - 250,
    query_timeout: millis,
    idle_in_transaction_session_timeout: 10_000
  }
}

export function createDatabase ({ url, applicationName, poolSize = 4, patience: millis = patience.background }: DatabaseOptions): Database {
  const adapter = new PrismaPg(
    { connectionString: url, application_name: applicationName, max: poolSize, idleTimeoutMillis: 30_000, ...ownSchema, ...timeLimits(millis) },
    // An idle connection that PostgreSQL ends is replaced by the pool at the next use.
    { onPoolError: () => {}, onConnectionError: () => {} }
  )
  return new PrismaClient({ adapter, log: [], errorFormat: 'minimal' })
}

/** Runs a write; a unique constraint that is in the way becomes the sentence given. */
export function refuseConflict<Result> (write: () => Promise<Result>, sentence: string): Promise<Result> {
  return refuseOn('P2002', write, sentence)
}

/** Runs a deletion; a foreign key that is in the way becomes the sentence given. */
export function refuseInUse<Result> (write: () => Promise<Result>, sentence: string): Promise<Result> {
  return refuseOn('P2003', write, sentence)
}

async function refuseOn<Result> (code: 'P2002' | 'P2003', write: () => Promise<Result>, sentence: string): Promise<Result> {
  try {
    return await write()
  } catch (error) {
    if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === code) {
      throw new OperatorError(sentence, { cause: error, exitCode: exitCodes.refused })
    }
    throw error
  }
}

/** What PostgreSQL calls the errors that somebody here knows what to do about. */
export const sqlStates = { foreignKeyViolation: '23503', lockNotAvailable: '55P03' } as const

/** @returns undefined for an error that is not of a statement of ours */
export function sqlStateOf (error: unknown): string | undefined {
  const ofAdapter = error instanceof Prisma.PrismaClientKnownRequestError ? error.meta?.['driverAdapterError'] : undefined
  const cause = ofAdapter instanceof Error ? ofAdapter.cause : undefined
  return typeof cause === 'object' && cause !== null && 'originalCode' in cause && typeof cause.originalCode === 'string' ? cause.originalCode : undefined
}

/** What time it is by the database's clock, which all its processes share. */
export async function databaseTime (session: Session): Promise<Date> {
  const [row] = await session.$queryRaw<{ now: Date }[]>`SELECT clock_timestamp() AS now`
  return row?.now ?? new Date(NaN)
}

const deletedAtATime = 5_000

/**
 * Some thousands of rows a statement, until there are none left: each statement stays within its time, whatever has piled up,
 * and others get the writers' lock in between. Every worker does this at the same moment and finds the same rows, so one
 * that deleted fewer than it asked for is not done: another took them, and may think the same.
 * @returns how many rows went
 */
export async function deleteInBatches (deleteSome: (limit: number) => Promise<number>): Promise<number> {
  let total = 0
  for (;;) {
    const deleted = await deleteSome(deletedAtATime)
    total += deleted
    if (deleted === 0) return total
  }
}
