/** Restore as an operator does it, on a PostgreSQL of the operator's own. The embedded one is in test/documents. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBackup } from '../../src/backup/read.ts'
import { restore } from '../../src/backup/restore.ts'
import { loadConfig } from '../../src/config.ts'
import { tokenExchangeGrant } from '../../src/oauth/grant-types.ts'
import { OperatorError } from '../../src/operator-error.ts'
import { readMigrations } from '../../src/postgres/migrations.ts'
import { migrate, migrationStatus } from '../../src/postgres/migrator.ts'
import { parseMasterKey } from '../../src/sealing/master-key.ts'
import { prepare } from '../../src/setup/prepare.ts'
import { exchanged } from '../support/exchange.ts'
import type { RegisteredClient } from '../support/fixtures.ts'
import { introspect, known, revoke, tokenOf, within } from '../support/requests.ts'
import { statusOf } from '../support/status.ts'
import { contents, createBackupScene, expectRefusal, masterKey, sql, tablesOf, type BackupScene } from './backup-scene.ts'
import { createCli } from './cli-process.ts'

const text = (pattern: RegExp): unknown => expect.stringMatching(pattern)
let remove: () => Promise<void>
let source: BackupScene['source']
let scene: BackupScene['scene']
let folder: BackupScene['folder']
let cli: BackupScene['cli']
let newTarget: BackupScene['newTarget']
let startOn: BackupScene['startOn']

beforeAll(async () => { ({ source, scene, folder, cli, newTarget, startOn, remove } = await createBackupScene()) }, 60_000)
afterAll(async () => { await remove() })

describe('restore', { timeout: 60_000 }, () => {
  let file: string
  let token: string
  let revoked: string
  let service: RegisteredClient
  /** Exchanged for a token that lives, and for one that was revoked. */
  let exchangedTokens: string[]

  beforeAll(async () => {
    file = join(folder, 'good.gz')
    service = await source.fixtures.client({ organizationId: scene.organization.id, resourceId: scene.resource.id, scopes: ['tournaments:read'], grants: [tokenExchangeGrant] })
    await known(source, service)
    token = await tokenOf(source, scene.partner)
    revoked = await tokenOf(source, scene.partner)
    exchangedTokens = [await exchanged(source, service, token), await exchanged(source, service, revoked)]
    await revoke(source, scene.partner, revoked)
    const [secretId = ''] = scene.partner.client.secrets.keys()
    await sql(source.databaseUrl, 'INSERT INTO credential_usage (client_id, credential, secret_id, last_used_at, tokens_minted) VALUES ($1, $2, $3, now(), 5)', [scene.partner.id, `secret:${secretId}`, secretId])
    expect((await cli('backup', file)).exitCode).toBe(0)
  }, 60_000)

  it('brings back every row as it was: secrets, tokens, revocations and keys work as before', async () => {
    const target = await newTarget()
    const run = await target.signet('restore', file, '--yes')
    expect(run).toMatchObject({ exitCode: 0, stdout: text(/^tokens_revoked +no$/m), stderr: text(/in force again\n$/) })
    const { revoked_indexes: after, audit_records: recordsAfter, credential_usage: _, ...asBefore } = await contents(target.url)
    const { revoked_indexes: before, audit_records: recordsBefore, credential_usage: __, ...all } = await contents(source.databaseUrl)
    expect(asBefore).toEqual(all)
    expect(after).toEqual(expect.arrayContaining(before as unknown[]))
    expect(recordsAfter).toEqual(expect.arrayContaining(recordsBefore as unknown[]))
    expect(recordsAfter).toHaveLength((recordsBefore as unknown[]).length + 1)
    expect(await target.signet.json('audit', 'list', '--limit', '1')).toMatchObject([{ actor: text(/^operator .+@/), action: 'restored', target_kind: 'database', details: { tokens_revoked: false } }])
    expect(await sql(target.url, 'SELECT entity FROM changes ORDER BY id DESC LIMIT 1')).toEqual([{ entity: 'everything' }])
    const later = await exchanged(source, service, token)
    const restored = await startOn(target.url)
    try {
      expect(await tokenOf(restored, scene.partner)).toMatch(/^ey/)
      expect(await Promise.all([...exchangedTokens, later].map(async (each) => (await introspect(restored, scene.api, each)).json['active']))).toEqual([true, false, false])
      expect((await introspect(restored, scene.api, token)).json).toMatchObject({ active: true })
      expect((await introspect(restored, scene.api, revoked)).json).toEqual({ active: false })
      await restored.fixtures.organization('New after the restore') // its triggers work
      expect(await sql(target.url, 'SELECT entity FROM changes ORDER BY id DESC LIMIT 1')).toEqual([{ entity: 'organization' }])
    } finally {
      await restored.stop()
    }
  })

  it('knows what was used before the backup, and that it does not know what was used after it', async () => {
    const target = await newTarget()
    const usage = "SELECT tokens_minted::int AS tokens, last_used_at IS NOT NULL AS used, recorded_since > now() - interval '1 minute' AS anew FROM credential_usage ORDER BY tokens_minted DESC"
    const anew = { tokens: 0, used: false, anew: true }
    expect((await target.signet('restore', file, '--yes')).exitCode).toBe(0)
    expect(await sql(target.url, usage)).toEqual([{ ...anew, tokens: 5, used: true }, anew, anew])
    await sql(target.url, "UPDATE credential_usage SET recorded_since = now() - interval '1 day'")
    expect((await target.signet('restored', '--yes')).exitCode).toBe(0)
    expect(await sql(target.url, usage)).toEqual([{ ...anew, tokens: 5, used: true }, anew, anew])
  })

  it('F16 revokes the tokens whose status it does not know: those of blocks and lists that came after the backup', async () => {
    const target = await newTarget()
    const status = (list: string, first: number): string => `('${list}', ${first}, ${first + 9}, '${scene.partner.id}', '${scene.organization.id}', 'certificate', 'kid', now() + interval '1 day')`
    const [list, block] = ['restored00000000000001', 'INSERT INTO status_blocks (list_id, first_index, last_index, client_id, organization_id, credential, kid, expires_at) VALUES']
    expect((await target.signet('restore', file, '--yes')).exitCode).toBe(0)
    await sql(target.url, `INSERT INTO status_lists (id, environment) VALUES ('${list}', 'live')`)
    await sql(target.url, `${block} ${status(list, 10)}, ${status(list, 20)}, ${status(list, 100)}`)
    expectRefusal(await target.signet('restored'), 2, /--yes/)
    const run = await target.signet('restored', '--yes', '--json')
    expect(run).toMatchObject({ exitCode: 0, stderr: text(/knows nothing of are revoked/) })
    const ranges = `SELECT first_index, last_index FROM revoked_indexes WHERE list_id = '${list}' ORDER BY 1`
    const gaps = [{ first_index: 0, last_index: 9 }, { first_index: 30, last_index: 99 }, { first_index: 110, last_index: 1_048_575 }]
    expect(await sql(target.url, ranges)).toEqual(gaps)
    expect(JSON.parse(run.stdout)).toEqual({ ranges_revoked: 3, tokens_revoked: false })
    const restored = await startOn(target.url)
    try {
      const [here, there] = [await tokenOf(restored, scene.partner), await tokenOf(source, scene.partner)]
      expect((await introspect(restored, scene.api, here)).json['active'], 'of a list of its own').toBe(true)
      expect((await introspect(restored, scene.api, await newBlock(there))).json['active'], 'of a block that came after the backup').toBe(false)
      expect((await target.signet('restored', '--yes')).exitCode).toBe(0)
      expect(await within(2, async () => (await introspect(restored, scene.api, await tokenOf(restored, scene.partner))).json['active'] === true), 'it goes on with another list').toBe(true)
      expect((await introspect(restored, scene.api, here)).json['active'], 'what was leased lives on').toBe(true)
      const time = new Date(Date.now() - 3_600_000).toISOString()
      await sql(target.url, `UPDATE status_blocks SET leased_at = '${time}' WHERE list_id = '${list}' AND first_index = 20`)
      expect(await target.signet('restored', '--yes', '--revoke-tokens-before', time)).toMatchObject({ exitCode: 0, stderr: text(/issued before .+ are revoked/) })
      expect(await sql(target.url, ranges)).toEqual([...gaps, { first_index: 20, last_index: 29 }].sort((one, other) => one.first_index - other.first_index))
      expect((await introspect(restored, scene.api, here)).json['active'], 'what was leased later').toBe(true)
      expectRefusal(await target.signet('restored', '--yes', '--revoke-tokens-before', '2999-01-01'), 3, /yet to come/)
      expectRefusal(await target.signet('restored', '--yes', '--revoke-tokens', '--revoke-tokens-before', time), 2, /cannot be used with/)
      expect((await target.signet('restored', '--yes', '--revoke-tokens')).exitCode).toBe(0)
      expect(await within(2, async () => (await introspect(restored, scene.api, here)).json['active'] === false)).toBe(true)
      expect(await sql(target.url, ranges)).toEqual(expect.arrayContaining([...gaps, { first_index: 10, last_index: 19 }]))
    } finally {
      await restored.stop()
    }
  })

  /** Goes on until the token is of a block that was leased later. */
  async function newBlock (token: string): Promise<string> {
    const [first] = await sql(source.databaseUrl, 'SELECT max(last_index) AS last FROM status_blocks')
    let later = token
    while (statusOf(later).idx <= Number(first?.['last'])) later = await tokenOf(source, scene.partner)
    return later
  }

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
    await sql(old.url, "INSERT INTO clients (id, organization_id, name, environment) VALUES ('cl_live_old', 'org_old', 'Old', 'live')")
    await sql(old.url, "INSERT INTO client_secrets (id, client_id, hash) VALUES ('old', 'cl_live_old', 'x')")
    expect((await old.signet('backup', join(folder, 'old.gz'))).exitCode).toBe(0)
    const [empty, current] = [await newTarget(), await newTarget(true)]
    expectRefusal(await current.signet('restore', join(folder, 'old.gz'), '--yes'), 3, /made before a migration/)
    expect((await empty.signet('restore', join(folder, 'old.gz'), '--yes')).exitCode).toBe(0)
    expect(await sql(empty.url, 'SELECT name, managed_by FROM organizations')).toEqual([{ name: 'Old', managed_by: null }])
    expect(await sql(empty.url, 'SELECT action, target_kind FROM audit_records')).toEqual([{ action: 'restored', target_kind: 'database' }])
    expect(await sql(empty.url, "SELECT credential, last_used_at, recorded_since > now() - interval '1 minute' AS anew FROM credential_usage")).toEqual([{ credential: 'secret:old', last_used_at: null, anew: true }])
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
      ["INSERT INTO revoked_tokens (jti, client_id, expires_at) VALUES ('x', 'x', now())", 'DELETE FROM revoked_tokens; ALTER TABLE audit_records DISABLE TRIGGER USER; DELETE FROM audit_records; ALTER TABLE audit_records ENABLE TRIGGER USER']
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
        url: target.url, backup, masterKey: parseMasterKey(masterKey, ''), revokeTokens: false, actor: 'operator test', clock: Date.now, progress: () => {}
      }))
      await expect(attempt, name).rejects.toThrow(sentence)
      await expect(attempt, name).rejects.toBeInstanceOf(OperatorError)
    }
    await writeFile(join(folder, 'cut.gz'), whole.subarray(0, whole.length - 20))
    expectRefusal(await target.signet('restore', join(folder, 'cut.gz'), '--yes'), 1, /cut\.gz is damaged: it ends early/)
    expect(await tablesOf(target.url)).toBe(0)
  })
})
