/** The database that a backup is restored into: nobody may use it, and nothing may be in it that would be lost. */
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { errorCode } from '../error-code.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import { readMigrations, type Migration } from '../postgres/migrations.ts'
import { applyFirst, readRecord } from '../postgres/migrator.ts'
import { sampleContents, sampleContentsQuery, sampleTables } from '../setup/sample.ts'
import type { Header } from './format.ts'
import { quote, readTables, type Table } from './tables.ts'

const patienceMillis = 3_000

/**
 * Servers and commands hold keys of the database in memory, which a restore replaces. None is missed: whoever comes
 * after this looked has to wait for the locks of the transaction, and then reads what was restored.
 * @throws OperatorError when somebody is there, and does not leave
 */
export async function refuseUsers (client: pg.Client): Promise<void> {
  const deadline = performance.now() + patienceMillis
  for (;;) {
    // These two hold no such key: one keeps the embedded database from being stopped, the other waits for us.
    const { rows } = await client.query<{ name: string }>(`
      SELECT DISTINCT application_name AS name FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'signet%'
        AND application_name NOT IN ('signet lock', 'signet migrate') ORDER BY name`)
    if (rows.length === 0) return
    if (performance.now() > deadline) {
      throw refused(`A Signet uses this database (${rows.map(({ name }) => name).join(', ')}). Stop every server on it, and restore then.`)
    }
    await pause(100)
  }
}

/**
 * Brings the database to the schema of the backup, with no row in it.
 * @returns its tables
 * @throws OperatorError when it holds anything that a first start does not make by itself
 */
export async function makeRoom (client: pg.Client, header: Header): Promise<Table[]> {
  const wanted = await findMigrations(header)
  const record = await readRecord(client)
  if (record.length === 0) {
    await applyFirst(client, wanted)
    return await readTables(client)
  }
  const present = record.map(({ name }) => name).sort()
  const tables = await readTables(client)
  await lock(client, tables)
  await refuseUsers(client) // once more, for nobody new can have read anything since
  await refuseContents(client, tables)
  if (present.join() !== wanted.map(({ name }) => name).join()) {
    throw refused('The backup was made before a migration that this database has already. Restore it into a database that no Signet was started on: it is brought up to date afterwards.')
  }
  const all = [...tables.map(({ name }) => name), 'changes'].map(quote).join(', ')
  await client.query(`TRUNCATE ${all} RESTART IDENTITY`)
  return tables
}

/** The migrations of the backup, as this version has them. */
async function findMigrations ({ migrations, signet_version: version }: Header): Promise<Migration[]> {
  const known = await readMigrations()
  for (const [index, { name, checksum }] of migrations.entries()) {
    const migration = known[index]
    if (migration?.name !== name || migration.checksum !== checksum) {
      throw refused(`The backup was made by Signet ${version}, whose migration ${name} this version does not know. Restore it with that Signet or a newer one.`)
    }
  }
  return known.slice(0, migrations.length)
}

async function lock (client: pg.Client, tables: readonly Table[]): Promise<void> {
  try {
    await client.query(`SET LOCAL lock_timeout = ${patienceMillis}; LOCK TABLE ${tables.map(({ name }) => quote(name)).join(', ')} IN ACCESS EXCLUSIVE MODE`)
  } catch (error) {
    if (errorCode(error) !== '55P03') throw error
    throw refused('Somebody is using the tables of this database. Stop whatever works on it, and restore then.')
  }
}

/** Keys are made anew at each first start, and nothing depends on them while there is no client. */
const madeByItself = ['sealed_values', 'signing_keys']

async function refuseContents (client: pg.Client, tables: readonly Table[]): Promise<void> {
  const filled: string[] = []
  for (const { name } of tables) {
    if (madeByItself.includes(name)) continue
    const { rows: [found] } = await client.query<{ some: boolean }>(`SELECT EXISTS (SELECT FROM ${quote(name)}) AS some`)
    if (found?.some === true) filled.push(name)
  }
  if (filled.length === 0 || (filled.every((name) => sampleTables.includes(name)) && await holdsSample(client))) return
  throw refused(`The database is not empty: it has ${filled.join(', ').replaceAll('_', ' ')}. Restore into an empty one: move SIGNET_DATA_DIR away, or name another with SIGNET_DATA_DIR or DATABASE_URL.`)
}

/** What the very first start of the embedded database made to try things out with, and no more. */
async function holdsSample (client: pg.Client): Promise<boolean> {
  const { rows: [found] } = await client.query<{ only: boolean }>(sampleContentsQuery, [sampleContents])
  return found?.only === true
}

function refused (sentence: string): OperatorError {
  return new OperatorError(sentence, { exitCode: exitCodes.refused })
}
