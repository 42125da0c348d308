/** Backup as an operator does it, on a PostgreSQL of the operator's own. The embedded one is in test/documents. */
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { leftOut } from '../../src/backup/tables.ts'
import { until } from '../support/data-folder.ts'
import { createBackupScene, expectRefusal, masterKey, schemaTables, sql, tablesOf, type BackupScene } from './backup-scene.ts'
import { createCli } from './cli-process.ts'

const text = (pattern: RegExp): unknown => expect.stringMatching(pattern)
let remove: () => Promise<void>
let scene: BackupScene['scene']
let folder: BackupScene['folder']
let cli: BackupScene['cli']
let newTarget: BackupScene['newTarget']

beforeAll(async () => { ({ scene, folder, cli, newTarget, remove } = await createBackupScene()) }, 60_000)
afterAll(async () => { await remove() })

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
