/** Backup and restore as an operator does them, on a PostgreSQL of the operator's own. The embedded one is in test/documents. */
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBackup } from '../../src/backup/read.ts'
import { restore } from '../../src/backup/restore.ts'
import { leftOut } from '../../src/backup/tables.ts'
import { loadConfig } from '../../src/config.ts'
import { OperatorError } from '../../src/operator-error.ts'
import { readMigrations } from '../../src/postgres/migrations.ts'
import { migrate, migrationStatus } from '../../src/postgres/migrator.ts'
import { parseMasterKey } from '../../src/sealing/master-key.ts'
import { prepare } from '../../src/setup/prepare.ts'
import { until } from '../support/data-folder.ts'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import type { Scene } from '../support/fixtures.ts'
import { describeSchemaFile } from '../support/prisma-schema.ts'
import { introspect, revoke, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { createCli, type Cli, type CliRun } from './cli-process.ts'

const masterKey = 'b7'.repeat(32)
const text = (pattern: RegExp): unknown => expect.stringMatching(pattern)
/** What breaks readers of lines, of JSON and of SQL. */
const oddName = 'Ünïted \u2028 "Games"\\n \n\'; DROP TABLE clients; -- \u{1F600}'

let source: TestServer
let scene: Scene
let folder: string
let cli: Cli
const targets: TestDatabase[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-backup-'))
  source = await startTestServer({ environment: { MASTER_KEY: masterKey } })
  scene = await source.fixtures.scene()
  await sql(source.databaseUrl, 'UPDATE organizations SET name = $1', [oddName])
  await sql(source.databaseUrl, "INSERT INTO deleted_clients VALUES ('cl_live_gone', now())")
  cli = await createCli({ DATABASE_URL: source.databaseUrl, MASTER_KEY: masterKey })
}, 60_000)
afterAll(async () => {
  await source.stop()
  await cli.remove()
  for (const target of targets) await target.drop()
  await rm(folder, { recursive: true, force: true })
})

async function sql (url: string, statement: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement, [...values])).rows
  } finally {
    await client.end()
  }
}

async function newTarget (migrated = false): Promise<{ url: string, signet: Cli }> {
  const database = await createTestDatabase({ migrated })
  targets.push(database)
  return { url: database.url, signet: await createCli({ DATABASE_URL: database.url, MASTER_KEY: masterKey }) }
}

/** Every row of every table, as PostgreSQL writes it. */
async function contents (url: string): Promise<Record<string, unknown>> {
  const tables = Object.keys(await schemaTables()).filter((table) => table !== 'changes')
  return Object.fromEntries(await Promise.all(tables.map(async (table) => [table, await sql(url, `SELECT row_to_json(t)::text AS row FROM ${table} AS t ORDER BY 1`)] as const)))
}

/** A server on a restored database: the same issuer, at an address of its own. */
async function startOn (databaseUrl: string): Promise<TestServer> {
  const server = await startTestServer({ databaseUrl, environment: { MASTER_KEY: masterKey, ISSUER: source.issuer } })
  return { ...server, issuer: server.origin }
}

async function schemaTables (): Promise<object> {
  return describeSchemaFile(await readFile(join(import.meta.dirname, '..', '..', 'prisma', 'schema.prisma'), 'utf8')).tables
}

async function tablesOf (url: string): Promise<number> {
  return (await sql(url, "SELECT FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")).length
}

function expectRefusal (run: CliRun, exitCode: number, sentence: RegExp): void {
  expect(run).toMatchObject({ exitCode, stdout: '', stderr: text(sentence) })
  expect(run.stderr).not.toMatch(/ {4}at |Something unexpected/)
}

describe('backup', { timeout: 60_000 }, () => {
  it('holds every table of schema.prisma but those that are named as left out', async () => {
    const { rows } = await cli.record('backup', join(folder, 'tables.gz'))
    const named = Object.keys({ ...rows as object, ...leftOut }).filter((name) => name !== '_prisma_migrations') // checked here
    expect(named.sort()).toEqual(Object.keys(await schemaTables()).sort())
  })

  it('makes a file for its owner alone, replaces none unasked, and leaves nothing beside it', async () => {
    const file = join(folder, 'once.gz')
    const first = await cli('backup', file)
    expect(first).toMatchObject({ exitCode: 0, stdout: text(/^organizations +1$/m), stderr: text(/complete; .* master key/) })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const before = await readFile(file)
    expectRefusal(await cli('backup', file), 2, /--yes/)
    expect(await readFile(file)).toEqual(before)
    expect((await cli('backup', file, '--yes')).exitCode).toBe(0)
    expect(await readFile(file)).not.toEqual(before)
    expectRefusal(await cli('backup', join(folder, 'nowhere', 'b.gz')), 1, /no such folder/)
    expect((await readdir(folder)).filter((name) => name.includes('unfinished'))).toEqual([])
  })

  it('holds neither a secret nor the master key', async () => {
    await cli('backup', join(folder, 'secrecy.gz'))
    const plain = gunzipSync(await readFile(join(folder, 'secrecy.gz'))).toString('utf8')
    for (const secret of [scene.partner.secret, scene.api.secret, masterKey]) expect(plain).not.toContain(secret)
  })

  it('F16 taken under load, it is one moment: everything acknowledged before is in it, and nothing by halves', async () => {
    const { url, signet } = await newTarget(true)
    await signet('key', 'list')
    let acknowledged = 0
    const done = new AbortController()
    const writer = (async () => {
      for (let n = 1; !done.signal.aborted; n += 1) {
        await sql(url, `WITH owner AS (INSERT INTO organizations (id, name) VALUES ('org_${n}', 'Owner ${n}'))
          INSERT INTO deleted_clients VALUES ('cl_live_${n}', now())`)
        acknowledged = n
      }
    })()
    await until(async () => acknowledged > 20, 'some are written')
    const before = acknowledged
    const { rows } = await signet.record('backup', join(folder, 'load.gz'))
    done.abort()
    await writer
    const { organizations = 0, deleted_clients: deleted } = rows as Record<string, number> // checked here
    expect(organizations).toBeGreaterThanOrEqual(before)
    expect(deleted).toBe(organizations)
    const target = await newTarget()
    expect((await target.signet('restore', join(folder, 'load.gz'), '--yes')).exitCode).toBe(0)
    expect(await sql(target.url, 'SELECT count(*)::int AS n FROM organizations')).toEqual([{ n: organizations }])
  })

  it('killed in the middle leaves no file under its name, however many rows there are it needs little memory', async () => {
    const { url } = await newTarget(true)
    await sql(url, "INSERT INTO revoked_tokens SELECT n::text, repeat('x', 2000), now(), now() FROM generate_series(1, 50000) AS n")
    const lean = await createCli({ DATABASE_URL: url, NODE_OPTIONS: '--max-old-space-size=64' })
    const file = join(folder, 'killed.gz')
    await lean.during(async (kill) => {
      await until(async () => (await readdir(folder)).some((name) => name.includes('killed.gz.unfinished')), 'the backup is under way')
      kill('SIGKILL')
    }, 'backup', file)
    expect((await readdir(folder)).filter((name) => name === 'killed.gz')).toEqual([])
    expect(await lean.record('backup', file)).toMatchObject({ rows: { revoked_tokens: 50_000 } })

    const target = await newTarget()
    const leanTarget = await createCli({ DATABASE_URL: target.url, MASTER_KEY: masterKey, NODE_OPTIONS: '--max-old-space-size=64' })
    await leanTarget.during(async (kill) => {
      await until(async () => (await sql(target.url, "SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'INSERT%revoked_tokens%'")).length > 0, 'the restore is under way')
      kill('SIGKILL')
    }, 'restore', file, '--yes')
    await until(async () => (await sql(target.url, "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'signet migrate'")).length === 0, 'PostgreSQL noticed')
    expect(await tablesOf(target.url)).toBe(0)
    expect((await leanTarget('restore', file, '--yes')).exitCode).toBe(0)
    expect(await sql(target.url, 'SELECT count(*)::int AS n FROM revoked_tokens')).toEqual([{ n: 50_000 }])
  })
})

describe('restore', { timeout: 60_000 }, () => {
  let file: string
  let token: string
  let revoked: string

  beforeAll(async () => {
    file = join(folder, 'good.gz')
    token = await tokenOf(source, scene.partner)
    revoked = await tokenOf(source, scene.partner)
    await revoke(source, scene.partner, revoked)
    expect((await cli('backup', file)).exitCode).toBe(0)
  }, 60_000)

  it('brings back every row as it was: secrets, tokens, revocations and keys work as before', async () => {
    const target = await newTarget()
    const run = await target.signet('restore', file, '--yes')
    expect(run).toMatchObject({ exitCode: 0, stdout: text(/^tokens_revoked +no$/m), stderr: text(/in force again\n$/) })
    expect(await contents(target.url)).toEqual(await contents(source.databaseUrl))
    expect(await sql(target.url, 'SELECT entity FROM changes ORDER BY id DESC LIMIT 1')).toEqual([{ entity: 'everything' }])
    const restored = await startOn(target.url)
    try {
      expect(await tokenOf(restored, scene.partner)).toMatch(/^ey/)
      expect((await introspect(restored, scene.api, token)).json).toMatchObject({ active: true })
      expect((await introspect(restored, scene.api, revoked)).json).toEqual({ active: false })
      await restored.fixtures.organization('New after the restore') // its triggers work
      expect(await sql(target.url, 'SELECT entity FROM changes ORDER BY id DESC LIMIT 1')).toEqual([{ entity: 'organization' }])
    } finally {
      await restored.stop()
    }
  })

  it('replaces the keys that a first start made, and with --revoke-tokens ends every earlier token', async () => {
    const target = await newTarget(true)
    expect((await target.signet('key', 'list')).exitCode).toBe(0) // which makes keys
    const run = await target.signet.withInput((await readFile(file)).toString('latin1'), 'restore', '-', '--yes')
    expectRefusal(run, 1, /Standard input is/) // not as text
    expect((await target.signet('restore', file, '--yes', '--revoke-tokens')).exitCode).toBe(0)
    const restored = await startOn(target.url)
    try {
      expect((await introspect(restored, scene.api, token)).json).toEqual({ active: false })
      // Times in tokens are whole seconds: those of this very second are dead too.
      expect(await within(3, async () => (await introspect(restored, scene.api, await tokenOf(restored, scene.partner))).json['active'] === true)).toBe(true)
    } finally {
      await restored.stop()
    }
  })

  it('brings a backup of an earlier version up to date, in a database that no Signet was started on', async () => {
    const [earlier] = await readMigrations()
    const migrations = join(folder, 'migrations')
    await mkdir(join(migrations, earlier?.name ?? ''), { recursive: true })
    await writeFile(join(migrations, earlier?.name ?? '', 'migration.sql'), earlier?.sql ?? '')
    const old = await newTarget()
    await migrate({ url: old.url, folder: migrations, progress: () => {} })
    await sql(old.url, "INSERT INTO organizations (id, name) VALUES ('org_old', 'Old')")
    expect((await old.signet('backup', join(folder, 'old.gz'))).exitCode).toBe(0)
    const [empty, current] = [await newTarget(), await newTarget(true)]
    expectRefusal(await current.signet('restore', join(folder, 'old.gz'), '--yes'), 3, /made before a migration/)
    expect((await empty.signet('restore', join(folder, 'old.gz'), '--yes')).exitCode).toBe(0)
    expect(await sql(empty.url, 'SELECT name, managed_by FROM organizations')).toEqual([{ name: 'Old', managed_by: null }])
    expect((await migrationStatus({ url: empty.url })).every(({ state }) => state === 'applied')).toBe(true)
  })

  it('refuses a database that is in use or not empty, and a file without --yes where nobody can be asked', async () => {
    const target = await newTarget(true)
    await sql(target.url, "INSERT INTO organizations (id, name) VALUES ('org_own', 'Own')")
    const [running, filled, unasked] = await Promise.all([
      cli('restore', file, '--yes'), target.signet('restore', file, '--yes'), target.signet('restore', file)
    ])
    expectRefusal(running, 3, /A Signet uses this database \(.*signet feed.*\)\. Stop every server/)
    expectRefusal(filled, 3, /not empty: it has organizations\./)
    expectRefusal(unasked, 2, /--yes/)
    expect(await sql(target.url, 'SELECT name FROM organizations')).toEqual([{ name: 'Own' }])
  })

  it('replaces the sample of a first start, but never what somebody made of it', async () => {
    const target = await newTarget(true)
    await prepare({ config: loadConfig({ MASTER_KEY: masterKey }), url: target.url, embedded: true, clock: Date.now, progress: () => {} })
    for (const [change, back] of [
      ["UPDATE organizations SET name = 'Ours'", "UPDATE organizations SET name = 'Sample Organization'"],
      ["UPDATE clients SET name = 'Our backend' WHERE resource_id IS NULL", "UPDATE clients SET name = 'Sample partner backend' WHERE resource_id IS NULL"],
      ["INSERT INTO scopes (name, resource_id, description) SELECT 'ours:new', id, 'x' FROM resources", "DELETE FROM scopes WHERE name = 'ours:new'"],
      ["INSERT INTO revoked_tokens (jti, client_id, expires_at) VALUES ('x', 'x', now())", 'DELETE FROM revoked_tokens']
    ] as const) {
      await sql(target.url, change)
      expectRefusal(await target.signet('restore', file, '--yes'), 3, /The database is not empty/)
      await sql(target.url, back)
    }
    expect((await target.signet('restore', file, '--yes')).exitCode).toBe(0)
  })

  it('refuses another master key and every damage, and leaves the database as it was', async () => {
    const target = await newTarget()
    const stranger = await createCli({ DATABASE_URL: target.url, MASTER_KEY: 'c8'.repeat(32) })
    expectRefusal(await stranger('restore', file, '--yes'), 1, /another master key/)
    const whole = await readFile(file)
    const lines = gunzipSync(whole).toString('utf8').trimEnd().split('\n')
    const joined = (changed: readonly string[]): Buffer => gzipSync(`${changed.join('\n')}\n`)
    const damages: [string, Buffer, RegExp][] = [
      ['empty', Buffer.alloc(0), /ends early/],
      ['no gzip', Buffer.from('{}\n'), /no backup of Signet/],
      ['cut', whole.subarray(0, whole.length - 20), /ends early/],
      ['cut at a line', joined(lines.slice(0, -4)), /ends early/],
      ['without its end', joined(lines.slice(0, -1)), /ends early/],
      ['followed by more', joined([...lines, lines[0] ?? '']), /follows its end/],
      ['altered', joined(lines.map((line) => line.replace('cl_live_gone', 'cl_live_none'))), /checksum/],
      ['no row', joined(lines.map((line) => line.replace('{"id":"cl_live_gone"', '{"id":'))), /cannot be stored/],
      ['another format', joined(['{"format":"something else"}', ...lines.slice(1)]), /no backup of Signet/],
      ['a newer format', joined([(lines[0] ?? '').replace('"format_version":1', '"format_version":2'), ...lines.slice(1)]), /format \(2\) that this version does not know/],
      ['a newer migration', joined([(lines[0] ?? '').replace('"migrations":[', '"migrations":[{"name":"20991231000000_later","checksum":"00"},'), ...lines.slice(1)]), /20991231000000_later this version does not know/]
    ]
    for (const [name, bytes, sentence] of damages) {
      const attempt = openBackup(Readable.from([bytes]), name).then(async (backup) => await restore({
        url: target.url, backup, masterKey: parseMasterKey(masterKey, ''), revokeTokens: false, clock: Date.now, progress: () => {}
      }))
      await expect(attempt, name).rejects.toThrow(sentence)
      await expect(attempt, name).rejects.toBeInstanceOf(OperatorError)
    }
    await writeFile(join(folder, 'cut.gz'), whole.subarray(0, whole.length - 20))
    expectRefusal(await target.signet('restore', join(folder, 'cut.gz'), '--yes'), 1, /cut\.gz is damaged: it ends early/)
    expect(await tablesOf(target.url)).toBe(0)
  })
})
