/**
 * Applies the SQL of prisma/migrations and keeps Prisma's own record of it, so that Prisma's tools and ours agree
 * about a database. It must not know what the migrations contain.
 * @see [Prisma's migration table](https://www.prisma.io/docs/orm/prisma-migrate/understanding-prisma-migrate/migration-histories)
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { ownSchema } from '../db.ts'
import { OperatorError } from '../operator-error.ts'
import type { Progress } from '../progress.ts'
import { errorCode } from '../error-code.ts'
import { readMigrations, type Migration } from './migrations.ts'

export interface MigrateOptions {
  readonly url: string
  readonly progress: Progress
  /** The folder of migrations; by default that of this version of Signet. */
  readonly folder?: string
}

export interface MigrationState {
  readonly name: string
  /** `unfinished`: begun by another tool. `unknown`: applied by another version of Signet, and not part of this one. */
  readonly state: 'applied' | 'pending' | 'unfinished' | 'unknown'
  readonly appliedAt: Date | undefined
}

export interface AppliedMigration {
  readonly name: string
  readonly checksum: string
  readonly finishedAt: Date | null
}

/** The advisory lock that Prisma's own `migrate deploy` takes, so that the two exclude each other as well. */
const migrationLock = 72_707_369
const lockWaitSeconds = 120

/** Also a race of two `IF NOT EXISTS` is excluded by the lock, which is held when this runs. */
const createRecord = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`

/**
 * Applies what is pending, each migration in a transaction of its own. Any number of processes may call this at
 * the same moment: one does it, the others find it done.
 * @throws OperatorError when the database is ahead in a way that this version does not understand, or is another
 *   application's
 */
export async function migrate ({ url, progress, folder }: MigrateOptions): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(folder)
  return await withClient(url, async (client) => {
    await lock(client, progress)
    const record = await readRecord(client)
    refuseForeign(record, migrations)
    const pending = migrations.filter(({ name }) => !record.some((applied) => applied.name === name))
    if (pending.length === migrations.length) await refuseOccupied(client)
    if (pending.length > 0) await explained('The table of migrations could not be created', client.query(createRecord))
    for (const migration of pending) {
      progress(`applying the migration ${migration.name}`)
      await apply(client, migration)
    }
    return { applied: pending.map(({ name }) => name) }
  })
}

/**
 * Works on the database while nothing can migrate it. A process that starts meanwhile waits, and goes on with what
 * the work left.
 */
export async function withoutMigrations<Result> ({ url, progress }: Omit<MigrateOptions, 'folder'>, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  return await withClient(url, async (client) => {
    await lock(client, progress)
    return await work(client)
  })
}

/** Applies migrations to a database without any, in the transaction of a client that `withoutMigrations` gave. */
export async function applyFirst (client: pg.Client, migrations: readonly Migration[]): Promise<void> {
  await refuseOccupied(client)
  await client.query(createRecord)
  for (const migration of migrations) await execute(client, migration)
}

/** Every migration that this version or the database knows, by name. Changes nothing. */
export async function migrationStatus ({ url, folder }: Omit<MigrateOptions, 'progress'>): Promise<MigrationState[]> {
  const migrations = await readMigrations(folder)
  const record = await withClient(url, readRecord)
  const known = migrations.map(({ name }): MigrationState => {
    const applied = record.find((entry) => entry.name === name)
    if (applied === undefined) return { name, state: 'pending', appliedAt: undefined }
    return { name, state: applied.finishedAt === null ? 'unfinished' : 'applied', appliedAt: applied.finishedAt ?? undefined }
  })
  const unknown = record.filter(({ name }) => !migrations.some((migration) => migration.name === name))
    .map(({ name, finishedAt }): MigrationState => ({ name, state: 'unknown', appliedAt: finishedAt ?? undefined }))
  return [...known, ...unknown].sort((one, other) => one.name < other.name ? -1 : 1)
}

async function withClient<Result> (url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url, application_name: 'signet migrate', ...ownSchema, connectionTimeoutMillis: 10_000, lock_timeout: 30_000 })
  client.on('error', () => {}) // the statement under way fails as well, and says so
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => {}) // also lets go of the lock
  }
}

async function lock (client: pg.Client, progress: Progress): Promise<void> {
  const begin = performance.now()
  let told = false
  for (;;) {
    const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [migrationLock])
    if (rows[0]?.held === true) return
    const elapsedSeconds = (performance.now() - begin) / 1000
    if (elapsedSeconds > lockWaitSeconds) {
      throw new OperatorError(`Another process has been migrating this database for ${lockWaitSeconds} seconds. Wait until it is done, or end it, and start again.`)
    }
    if (elapsedSeconds > 2 && !told) {
      told = true
      progress('waiting for another process that migrates the database')
    }
    await pause(100)
  }
}

export async function readRecord (client: pg.Client): Promise<AppliedMigration[]> {
  const { rows: [found] } = await client.query<{ present: boolean }>('SELECT to_regclass(\'"_prisma_migrations"\') IS NOT NULL AS present')
  if (found?.present !== true) return []
  const { rows } = await client.query<AppliedMigration>(
    'SELECT migration_name AS name, checksum, finished_at AS "finishedAt" FROM "_prisma_migrations" WHERE rolled_back_at IS NULL ORDER BY started_at'
  )
  return rows
}

/** Expand and contract: a neighbouring version's migrations are harmless unless one says that it breaks older code. */
function refuseForeign (record: readonly AppliedMigration[], migrations: readonly Migration[]): void {
  for (const { name, checksum, finishedAt } of record) {
    const migration = migrations.find((candidate) => candidate.name === name)
    if (migration === undefined && name.endsWith('_breaking')) {
      throw new OperatorError(`The database has the migration ${name}, which this version of Signet does not know and cannot work with. Start the newer version of Signet that applied it.`)
    }
    if (finishedAt === null) {
      throw new OperatorError(`The migration ${name} was started by another tool and never finished. Repair the database, mark the migration with "prisma migrate resolve", and start again.`)
    }
    if (migration !== undefined && migration.checksum !== checksum) {
      throw new OperatorError(`The migration ${name} differs from the one that was applied to this database. Use an unmodified version of Signet.`)
    }
  }
}

/** None of our migrations is there, so nothing else may be either. */
async function refuseOccupied (client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(`
    SELECT relname AS name FROM pg_class
    WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace AND relname <> '_prisma_migrations'
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
    ORDER BY relname LIMIT 1`)
  if (rows[0] === undefined) return
  throw new OperatorError(`The database holds tables of another application (such as "${rows[0].name}"). Give Signet a database of its own.`)
}

async function apply (client: pg.Client, migration: Migration): Promise<void> {
  try {
    await explained(`The migration ${migration.name} failed and changed nothing`, applyInTransaction(client, migration))
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {}) // the connection may be what failed
    throw error
  }
}

async function applyInTransaction (client: pg.Client, migration: Migration): Promise<void> {
  await client.query('BEGIN')
  await execute(client, migration)
  await client.query('COMMIT')
}

async function execute (client: pg.Client, { name, checksum, sql }: Migration): Promise<void> {
  await client.query(sql)
  await client.query(
    'INSERT INTO "_prisma_migrations" (id, checksum, migration_name, finished_at, applied_steps_count) VALUES ($1, $2, $3, clock_timestamp(), 1)',
    [randomUUID(), checksum, name]
  )
}

/** Turns PostgreSQL's error into a sentence that begins with what happened. */
async function explained (what: string, work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const remedy = remedies[errorCode(error) ?? ''] ?? 'Remove the cause'
    throw new OperatorError(`${what} (${reason}). ${remedy}, and start again.`, { cause: error })
  }
}

const remedies: Readonly<Record<string, string>> = {
  42501: 'Give the user of DATABASE_URL the right to create tables (it is simplest to make it the owner of the database)',
  '3F000': 'Create the schema that search_path names',
  25006: 'Use a database that can be written',
  53100: 'Free some space on the disk of the database'
}
