import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { migrate, migrationStatus } from '../../src/postgres/migrator.ts'
import { readMigrations } from '../../src/postgres/migrations.ts'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { refusalOf } from '../support/refusal.ts'

const progress = (): void => {}

let database: TestDatabase
let client: pg.Client
let folder: string

beforeEach(async () => {
  database = await createTestDatabase({ migrated: false })
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
  folder = await mkdtemp(join(tmpdir(), 'signet-migrations-'))
})

afterEach(async () => {
  await client.end()
  await database.drop()
  await rm(folder, { recursive: true })
})

async function writeMigration (name: string, sql: string): Promise<void> {
  await mkdir(join(folder, name), { recursive: true })
  await writeFile(join(folder, name, 'migration.sql'), sql)
}

describe('migrate', () => {
  it('applies every migration of this version to an empty database, in the order of their names', async () => {
    const names = (await readMigrations()).map(({ name }) => name)
    expect(await migrate({ url: database.url, progress })).toEqual({ applied: names })
    expect(names).toEqual([...names].sort())
    const { rows } = await client.query('SELECT count(*)::int AS count FROM clients')
    expect(rows).toEqual([{ count: 0 }])
  })

  it('applies nothing the second time', async () => {
    await migrate({ url: database.url, progress })
    expect(await migrate({ url: database.url, progress })).toEqual({ applied: [] })
  })

  it('applies each migration once when five processes migrate an empty database at the same moment (F13)', async () => {
    const results = await Promise.all(Array.from({ length: 5 }, async () => await migrate({ url: database.url, progress })))
    const names = (await readMigrations()).map(({ name }) => name)
    expect(results.flatMap(({ applied }) => applied)).toEqual(names)
    const { rows } = await client.query('SELECT migration_name FROM _prisma_migrations')
    expect(rows).toHaveLength(names.length)
  })

  it("records what it did as Prisma does, in Prisma's own table", async () => {
    await migrate({ url: database.url, progress })
    const { rows } = await client.query<Record<string, unknown>>(`
      SELECT id ~ '^[0-9a-f-]{36}$' AS id, checksum, finished_at >= started_at AS finished, migration_name, logs, rolled_back_at, applied_steps_count
      FROM _prisma_migrations ORDER BY started_at`)
    expect(rows).toEqual((await readMigrations()).map(({ name, checksum }) => ({
      id: true, checksum, finished: true, migration_name: name, logs: null, rolled_back_at: null, applied_steps_count: 1
    })))
    const columns = await client.query<{ line: string }>(`
      SELECT concat_ws(' ', attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'NOT NULL' END, pg_get_expr(adbin, adrelid)) AS line
      FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
      WHERE attrelid = '_prisma_migrations'::regclass AND attnum > 0 ORDER BY attnum`)
    expect(columns.rows.map(({ line }) => line)).toEqual([
      'id character varying(36) NOT NULL',
      'checksum character varying(64) NOT NULL',
      'finished_at timestamp with time zone',
      'migration_name character varying(255) NOT NULL',
      'logs text',
      'rolled_back_at timestamp with time zone',
      'started_at timestamp with time zone NOT NULL now()',
      'applied_steps_count integer NOT NULL 0'
    ])
  })

  it('leaves nothing of a migration that fails half way, and keeps the ones before it', async () => {
    await writeMigration('1_good', 'CREATE TABLE first (id int);')
    await writeMigration('2_bad', 'CREATE TABLE second (id int); SELECT 1 / 0;')
    expect(await refusalOf(migrate({ url: database.url, progress, folder }))).toContain('The migration 2_bad failed and changed nothing (division by zero)')
    const { rows } = await client.query("SELECT to_regclass('first') IS NOT NULL AS first, to_regclass('second') IS NULL AS second")
    expect(rows).toEqual([{ first: true, second: true }])
    await writeMigration('2_bad', 'CREATE TABLE second (id int);')
    expect(await migrate({ url: database.url, progress, folder })).toEqual({ applied: ['2_bad'] })
  })

  it('refuses a migration that was changed after it was applied', async () => {
    await writeMigration('1_first', 'CREATE TABLE first (id int);')
    await migrate({ url: database.url, progress, folder })
    await writeMigration('1_first', 'CREATE TABLE first (id bigint);')
    expect(await refusalOf(migrate({ url: database.url, progress, folder }))).toContain('1_first differs from the one that was applied')
  })

  it('accepts a migration of a newer version that only expands', async () => {
    await writeMigration('1_first', 'CREATE TABLE first (id int);')
    await writeMigration('2_newer', 'ALTER TABLE first ADD COLUMN name text;')
    await migrate({ url: database.url, progress, folder })
    await rm(join(folder, '2_newer'), { recursive: true })
    expect(await migrate({ url: database.url, progress, folder })).toEqual({ applied: [] })
  })

  it('refuses a migration of a newer version that is marked breaking, before it changes anything', async () => {
    await writeMigration('1_first', 'CREATE TABLE first (id int);')
    await writeMigration('3_newer_breaking', 'ALTER TABLE first DROP COLUMN id;')
    await migrate({ url: database.url, progress, folder })
    await rm(join(folder, '3_newer_breaking'), { recursive: true })
    await writeMigration('2_ours', 'CREATE TABLE second (id int);')
    expect(await refusalOf(migrate({ url: database.url, progress, folder }))).toMatch(/3_newer_breaking.*Start the newer version of Signet/)
    expect((await client.query("SELECT to_regclass('second') AS second")).rows).toEqual([{ second: null }])
  })

  it('knows its own breaking migrations and applies them', async () => {
    await writeMigration('1_first_breaking', 'CREATE TABLE first (id int);')
    expect(await migrate({ url: database.url, progress, folder })).toEqual({ applied: ['1_first_breaking'] })
    expect(await migrate({ url: database.url, progress, folder })).toEqual({ applied: [] })
  })

  it('refuses a database that holds the tables of another application', async () => {
    await client.query('CREATE TABLE invoices (id int)')
    expect(await refusalOf(migrate({ url: database.url, progress }))).toContain('tables of another application (such as "invoices")')
    expect((await client.query("SELECT to_regclass('clients') AS clients")).rows).toEqual([{ clients: null }])
  })

  it('says what right is missing when the user may not create tables', async () => {
    await client.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC; ALTER SCHEMA public OWNER TO CURRENT_USER; REVOKE ALL ON SCHEMA public FROM CURRENT_USER; GRANT USAGE ON SCHEMA public TO CURRENT_USER')
    expect(await refusalOf(migrate({ url: database.url, progress }))).toMatch(/permission denied for schema public.*right to create tables/)
  })
})

describe('migrationStatus', () => {
  it('lists applied, pending and unknown migrations by name, with the time of those that were applied', async () => {
    await writeMigration('1_first', 'CREATE TABLE first (id int);')
    await writeMigration('2_newer', 'CREATE TABLE second (id int);')
    await migrate({ url: database.url, progress, folder })
    await rm(join(folder, '2_newer'), { recursive: true })
    await writeMigration('3_next', 'CREATE TABLE third (id int);')
    const states = await migrationStatus({ url: database.url, folder })
    expect(states.map(({ name, state, appliedAt }) => [name, state, appliedAt instanceof Date])).toEqual([
      ['1_first', 'applied', true],
      ['2_newer', 'unknown', true],
      ['3_next', 'pending', false]
    ])
  })

  it('changes nothing in an empty database', async () => {
    const states = await migrationStatus({ url: database.url })
    expect(new Set(states.map(({ state }) => state))).toEqual(new Set(['pending']))
    expect((await client.query("SELECT count(*)::int AS tables FROM pg_class WHERE relnamespace = 'public'::regnamespace")).rows).toEqual([{ tables: 0 }])
  })
})
