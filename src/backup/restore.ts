/** Restores a backup in one transaction: all of it, checked to its last byte, under a master key that opens it, or nothing. */
import type pg from 'pg'
import type { Clock } from '../clock.ts'
import { startRecordingAnew } from '../credential-usage/store.ts'
import { openSigningKey } from '../keys/signing-key.ts'
import type { SigningKeyRow } from '../keys/store.ts'
import { OperatorError } from '../operator-error.ts'
import { migrate, withoutMigrations } from '../postgres/migrator.ts'
import type { Progress } from '../progress.ts'
import type { MasterKey } from '../sealing/master-key.ts'
import { createSealer, masterKeyIdOf } from '../sealing/sealer.ts'
import { openServerKeys } from '../sealing/server-keys.ts'
import type { SealedValue } from '../sealing/store.ts'
import { revokeUnleased, revokeWholeLists } from '../status-lists/restored.ts'
import type { Counts, TableHead } from './format.ts'
import type { BackupReader } from './read.ts'
import { createRowProgress } from './row-progress.ts'
import { quote, type Table } from './tables.ts'
import { makeRoom, refuseUsers } from './target.ts'

export interface RestoreOptions {
  readonly url: string
  readonly backup: BackupReader
  readonly masterKey: MasterKey
  /** Master keys of earlier times, under one of which the backup may have been made. */
  readonly otherMasterKeys?: readonly MasterKey[]
  /** Ends every token that was issued before now. */
  readonly revokeTokens: boolean
  /** Who restores it, for the audit record. */
  readonly actor: string
  readonly clock: Clock
  readonly progress: Progress
}

/**
 * @returns how many rows each table got
 * @throws OperatorError when the database is in use or not empty, the file is damaged, or the master key is another
 *   one; nothing is changed then
 */
export async function restore (options: RestoreOptions): Promise<Counts> {
  const { url, backup, progress } = options
  const isRecorded = await withoutMigrations({ url, progress }, async (client) => {
    await client.query('SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0')
    await refuseUsers(client)
    await client.query('BEGIN')
    try {
      const tables = await makeRoom(client, backup.header)
      await setTriggers(client, tables, 'DISABLE')
      await load(client, backup, tables, progress)
      await checkKeys(client, options)
      await closeStatusLists(client, options.revokeTokens)
      if (options.revokeTokens) await revokeTokens(client, options.clock)
      if (await hasTable(client, 'credential_usage')) await client.query(startRecordingAnew)
      await setTriggers(client, tables, 'ENABLE')
      await tellEverybody(client)
      const isRecorded = await record(client, options)
      await client.query('COMMIT')
      return isRecorded
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {}) // the connection may be what failed
      throw error
    }
  })
  await migrate({ url, progress }) // the backup may be older than this version
  if (!isRecorded) await withoutMigrations({ url, progress }, (client) => record(client, options))
  return backup.counts()
}

/** Rows come back exactly as they were: no trigger moves a date, and the feed is not told of each. */
async function setTriggers (client: pg.Client, tables: readonly Table[], action: 'DISABLE' | 'ENABLE'): Promise<void> {
  for (const { name } of tables) await client.query(`ALTER TABLE ${quote(name)} ${action} TRIGGER USER`)
}

async function load (client: pg.Client, backup: BackupReader, tables: readonly Table[], progress: Progress): Promise<void> {
  const missing = new Set(tables.map(({ name }) => name))
  for await (const { head, rows } of backup.tables()) {
    const table = tables.find(({ name }) => name === head.table)
    if (table === undefined || !missing.delete(head.table) || !head.columns.every((column) => table.columns.includes(column))) {
      throw new OperatorError(`The backup has a table ${head.table} that does not agree with its own migrations. Take another backup.`)
    }
    await insert(client, head, rows, createRowProgress(`restoring ${head.table}`, head.rows, progress))
    await advanceSequences(client, head)
  }
  if (missing.size > 0) throw new OperatorError(`The backup lacks the table ${[...missing].join(', ')}. Take another backup.`)
}

async function insert (client: pg.Client, { table, columns }: TableHead, rows: AsyncIterable<string[]>, advance: (rows: number) => void): Promise<void> {
  const names = columns.map(quote).join(', ')
  for await (const some of rows) {
    try {
      await client.query(
        `INSERT INTO ${quote(table)} (${names}) OVERRIDING SYSTEM VALUE SELECT ${names} FROM json_populate_recordset(NULL::${quote(table)}, $1::json)`,
        [`[${some.join(',')}]`])
    } catch (error) {
      if (!isDataError(error)) throw error
      throw new OperatorError(`The backup is damaged: its table ${table} has a row that cannot be stored. Take another copy, or another backup.`, { cause: error })
    }
    advance(some.length)
  }
}

/** Classes 22 (data exception) and 23 (constraint violation) of PostgreSQL's errors. */
function isDataError (error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^2[23]/.test(error.code)
}

/** Numbers that PostgreSQL gives to new rows go on behind the highest one that is there. */
async function advanceSequences (client: pg.Client, { table, columns }: TableHead): Promise<void> {
  const { rows } = await client.query<{ column: string, sequence: string }>(
    'SELECT name AS column, sequence FROM unnest($2::text[]) AS name, pg_get_serial_sequence($1, name) AS sequence WHERE sequence IS NOT NULL', [quote(table), columns])
  for (const { column, sequence } of rows) {
    await client.query(`SELECT setval($1::regclass, max(${quote(column)})) FROM ${quote(table)}`, [sequence])
  }
}

/** Before anything is committed: a backup that nobody can open is no state to leave a database in. */
async function checkKeys (client: pg.Client, { masterKey, otherMasterKeys = [] }: RestoreOptions): Promise<void> {
  const { rows: values } = await client.query<SealedValue>('SELECT purpose, envelope FROM sealed_values')
  const { rows: keys } = await client.query<SigningKeyRow>(`SELECT kid, environment, algorithm, sealed_private_key AS "sealedPrivateKey",
    created_at AS "createdAt", activates_at AS "activatesAt", withdrawn_at AS "withdrawnAt" FROM signing_keys`)
  const { rows: secrets } = await client.query<{ envelope: string }>("SELECT to_jsonb(s) ->> 'sealed_secret' AS envelope FROM client_secrets s WHERE to_jsonb(s) ->> 'sealed_secret' IS NOT NULL") // early versions had no such column
  const envelopes = [...values, ...secrets].map(({ envelope }) => envelope).concat(keys.map(({ sealedPrivateKey }) => sealedPrivateKey))
  if (envelopes.length === 0) return // made before the first start, which will make them
  const sealer = createSealer(masterKey, { others: otherMasterKeys })
  const foreign = envelopes.find((envelope) => !sealer.hasKeyOf(envelope))
  if (foreign !== undefined) {
    throw new OperatorError(`The backup was made under another master key than the one here, and nothing was restored: under ${masterKeyIdOf(foreign)}. Set MASTER_KEY or MASTER_KEY_FILE to the key of the server that was backed up.`)
  }
  await openServerKeys({ readAll: async () => values }, sealer)
  for (const key of keys) await openSigningKey(key, sealer)
}

/** At this moment by either clock, whichever is ahead. */
async function revokeTokens (client: pg.Client, clock: Clock): Promise<void> {
  await client.query('UPDATE organizations SET tokens_revoked_before = greatest(tokens_revoked_before, clock_timestamp(), $1)', [new Date(clock())])
}

/** The processes that the lists belonged to leased more of them after the backup was made. */
async function closeStatusLists (client: pg.Client, whole: boolean): Promise<void> {
  if (await hasTable(client, 'status_lists')) await client.query(whole ? revokeWholeLists : revokeUnleased)
}

/** A backup may be of an earlier version. */
async function hasTable (client: pg.Client, name: string): Promise<boolean> {
  const { rows: [found] } = await client.query<{ exists: boolean }>("SELECT to_regclass('public.' || $1) IS NOT NULL AS exists", [name])
  return found?.exists === true
}

/** Triggers were off: a restore is one act. @returns false for a backup that is so old that there are no records yet */
async function record (client: pg.Client, { backup, revokeTokens, actor }: RestoreOptions): Promise<boolean> {
  const { rows: [found] } = await client.query<{ exists: boolean }>("SELECT to_regclass('public.audit_records') IS NOT NULL AS exists")
  if (found?.exists !== true) return false
  await client.query(`INSERT INTO audit_records (actor, action, target_kind, target_id, details)
    VALUES ($1, 'restored', 'database', current_database(), jsonb_build_object('backup_of', $2::text, 'tokens_revoked', $3::boolean))`, [actor, backup.header.created_at, revokeTokens])
  return true
}

/** Whoever followed the feed of what was here before does not find its position again, and reads everything. */
async function tellEverybody (client: pg.Client): Promise<void> {
  await client.query("INSERT INTO changes (entity, key) VALUES ('everything', 'restored')")
  await client.query("NOTIFY signet_changes, ''")
}
