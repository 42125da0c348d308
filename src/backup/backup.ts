/**
 * Reads a backup out of a database: one snapshot of every table, in the format of format.ts. It must not know where
 * the file goes, nor what the tables mean. Restoring is restore.ts.
 */
import { createHash } from 'node:crypto'
import pg from 'pg'
import { ownSchema } from '../db.ts'
import { OperatorError } from '../operator-error.ts'
import { readRecord } from '../postgres/migrator.ts'
import type { Progress } from '../progress.ts'
import { formatName, formatVersion, type Counts, type Header, type TableHead, type Trailer } from './format.ts'
import { createRowProgress } from './row-progress.ts'
import { quote, readTables, type Table } from './tables.ts'

export interface BackupOptions {
  readonly url: string
  readonly signetVersion: string
  readonly progress: Progress
  /** Takes the text in the order in which it comes. Resolves when it has all of it, durably if that was asked for. */
  readonly write: (text: AsyncIterable<string>) => Promise<void>
}

export interface BackupSummary {
  readonly header: Header
  readonly rows: Counts
}

/** Few enough to hold in memory whatever a row's size, many enough to read millions quickly. */
const rowsAtOnce = 500

/**
 * Reads everything as it was at one moment, while others go on writing.
 * @throws OperatorError when there is nothing to back up, and whatever `write` throws
 */
export async function backUp ({ url, signetVersion, progress, write }: BackupOptions): Promise<BackupSummary> {
  const client = new pg.Client({ connectionString: url, application_name: 'signet backup', connectionTimeoutMillis: 10_000, keepAlive: true, ...ownSchema })
  client.on('error', () => {}) // the statement under way fails as well, and says so
  try {
    await client.connect()
    // A disk or a pipe may be slow: whatever limits the role has are meant for others.
    await client.query("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET timezone = 'UTC'")
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const header = await readHeader(client, signetVersion)
    const rows: Record<string, number> = {}
    await write(readText(client, header, rows, progress))
    return { header, rows }
  } finally {
    await client.end().catch(() => {})
  }
}

async function readHeader (client: pg.Client, signetVersion: string): Promise<Header> {
  const record = await readRecord(client)
  const unfinished = record.find(({ finishedAt }) => finishedAt === null)
  if (record.length === 0) throw new OperatorError('There is nothing to back up: no Signet has ever been started on this database. See that DATABASE_URL or SIGNET_DATA_DIR name the right one.')
  if (unfinished !== undefined) throw new OperatorError(`The migration ${unfinished.name} was started and never finished. Repair the database first, then make the backup.`)
  const { rows: [moment] } = await client.query<{ now: Date }>('SELECT now() AS now')
  return {
    format: formatName,
    format_version: formatVersion,
    signet_version: signetVersion,
    created_at: (moment?.now ?? new Date(NaN)).toISOString(),
    migrations: record.map(({ name, checksum }) => ({ name, checksum })).sort((one, other) => one.name < other.name ? -1 : 1)
  }
}

/** @param counts filled with how many rows each table has */
async function * readText (client: pg.Client, header: Header, counts: Record<string, number>, progress: Progress): AsyncGenerator<string> {
  const hash = createHash('sha256')
  function hashed (text: string): string {
    hash.update(text)
    return text
  }

  yield hashed(`${JSON.stringify(header)}\n`)
  for (const table of await readTables(client)) {
    const rows = await countRows(client, table)
    const head: TableHead = { table: table.name, columns: [...table.columns], rows }
    yield hashed(`${JSON.stringify(head)}\n`)
    const advance = createRowProgress(`backing up ${table.name}`, rows, progress)
    for await (const some of readRows(client, table)) {
      yield hashed(some.map((row) => `${row}\n`).join(''))
      advance(some.length)
    }
    counts[table.name] = rows
  }
  const trailer: Trailer = { end: formatName, rows: counts, sha256: hash.digest('hex') }
  yield `${JSON.stringify(trailer)}\n`
}

async function countRows (client: pg.Client, { name }: Table): Promise<number> {
  const { rows: [counted] } = await client.query<{ count: string }>(`SELECT count(*) AS count FROM ${quote(name)}`)
  return Number(counted?.count)
}

/** PostgreSQL writes each row as JSON itself: no number or time passes through JavaScript, which would round it. */
async function * readRows (client: pg.Client, { name, columns }: Table): AsyncGenerator<string[]> {
  await client.query(`DECLARE backup NO SCROLL CURSOR FOR
    SELECT row_to_json(stored)::text AS line FROM (SELECT ${columns.map(quote).join(', ')} FROM ${quote(name)}) AS stored`)
  for (;;) {
    const { rows } = await client.query<{ line: string }>(`FETCH ${rowsAtOnce} FROM backup`)
    if (rows.length === 0) break
    yield rows.map(({ line }) => line)
  }
  await client.query('CLOSE backup')
}
