import { once } from 'node:events'
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openEmbedded } from '../../src/postgres/embedded.ts'
import { isAlive, isRoot, postmasterPid, until } from '../support/data-folder.ts'
import { createDatabases, query, says } from '../support/databases.ts'
import { superuserUrl } from '../support/embedded.ts'

const databases = createDatabases()

beforeAll(databases.prepare)
afterEach(databases.cleanUp)
afterAll(databases.remove)

describe('the first open', () => {
  beforeEach(databases.useNewFolder)

  it('makes a database that only a socket in a private folder reaches', async () => {
    const { url } = await databases.open()
    const rows = await query<{ setting: string }>(url, "SELECT current_setting('listen_addresses') AS setting")
    expect(rows).toEqual([{ setting: '' }])
    for (const name of ['postgres', 'run']) expect((await stat(join(databases.dataDir, name))).mode & 0o777, name).toBe(0o700)
    expect((await stat(join(databases.dataDir, 'postgres.log'))).mode & 0o777).toBe(0o600)
    expect((await stat(databases.dataDir)).mode & 0o077).toBe(isRoot ? 0o011 : 0)
    expect((await stat(join(databases.dataDir, 'run', '.s.PGSQL.5432'))).mode & 0o777).toBe(0o700)
  })

  it('makes a durable one, which no file in the data folder can undo', async () => {
    const { url } = await databases.open()
    await query(superuserUrl(url), 'ALTER SYSTEM SET fsync = off')
    await query(superuserUrl(url), 'SELECT pg_reload_conf()')
    const rows = await query(url, `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
      current_setting('full_page_writes') AS pages, current_setting('data_checksums') AS checksums`)
    expect(rows).toEqual([{ fsync: 'on', commit: 'on', pages: 'on', checksums: 'on' }])
  })

  it('gives Signet a role that owns its database and is no superuser', async () => {
    const { url } = await databases.open()
    const rows = await query(url, "SELECT current_user AS role, usesuper AS superuser, pg_get_userbyid(datdba) AS owner FROM pg_user, pg_database WHERE usename = current_user AND datname = 'signet'")
    expect(rows).toEqual([{ role: 'signet', superuser: false, owner: 'signet' }])
  })

  it('gives PostgreSQL neither our environment nor our groups', async () => {
    process.env['MASTER_KEY'] = 'a secret of ours'
    try {
      await databases.open()
    } finally {
      delete process.env['MASTER_KEY']
    }
    const pid = await postmasterPid(databases.dataDir)
    expect(await readFile(`/proc/${String(pid)}/environ`, 'utf8')).not.toContain('a secret of ours')
    if (!isRoot) return
    const status = await readFile(`/proc/${String(pid)}/status`, 'utf8')
    expect(status).toMatch(/^Groups:\s*$/m)
    expect(status).not.toMatch(/^[UG]id:.*\b0\b/m)
  })

  it('writes no statement and no row into the log of PostgreSQL', async () => {
    const { url } = await databases.open()
    await query(url, 'CREATE TABLE secrets (hash text PRIMARY KEY)')
    await query(url, "INSERT INTO secrets VALUES ('confidential')")
    await expect(query(url, "INSERT INTO secrets VALUES ('confidential')")).rejects.toThrow('duplicate key')
    await expect(query(url, "SELECT 'confidential'::int")).rejects.toThrow('invalid input')
    const log = await readFile(join(databases.dataDir, 'postgres.log'), 'utf8')
    expect(log).toContain('duplicate key')
    expect(log).not.toContain('INSERT')
    expect(log).not.toContain('Key (hash)')
  })

  it('leaves one good cluster when three of them happen at the same moment', async () => {
    const one = databases.spawnUser()
    const two = databases.spawnUser()
    const { url } = await databases.open()
    expect(await Promise.all([says(one), says(two)])).toEqual(['open', 'open'])
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect((await readdir(databases.dataDir)).sort()).toEqual(['postgres', 'postgres.log', 'run'])
  })

  it('leaves nothing in the way of the next one when it is killed half way', async () => {
    for (const delay of [150, 400, 700]) {
      const child = databases.spawnUser()
      await pause(delay)
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    const { url } = await databases.open()
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect((await readdir(databases.dataDir)).filter((name) => name.startsWith('unfinished'))).toEqual([])
  })

  it('ends early when it is told to stop', async () => {
    const controller = new AbortController()
    const opening = openEmbedded({ dataDir: databases.dataDir, postgresUser: undefined, progress: () => {}, signal: controller.signal })
    setTimeout(() => { controller.abort() }, 300)
    await expect(opening).rejects.toThrow('aborted')
    expect(await readdir(databases.dataDir)).toEqual([])
  })
})

describe('who stops the server', () => {
  beforeEach(databases.useMadeFolder)

  it('is whoever leaves last', async () => {
    const first = await databases.open()
    const pid = await postmasterPid(databases.dataDir) ?? 0
    const second = await databases.open()
    expect(await postmasterPid(databases.dataDir)).toBe(pid)
    expect(await first.release()).toBe('left running')
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(await second.release()).toBe('stopped')
    await until(async () => !isAlive(pid), 'the server is gone')
  })

  it('does not matter to those who come at that moment: they get a server', async () => {
    const first = await databases.open()
    await Promise.all(Array.from({ length: 4 }, async () => {
      for (let round = 0; round < 6; round += 1) {
        const database = await openEmbedded({ dataDir: databases.dataDir, postgresUser: undefined, progress: () => {} })
        expect(await query(database.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
        await database.release()
      }
      await first.release() // from here on the server stops and starts under the others
    }))
    expect(await postmasterPid(databases.dataDir)).toBeUndefined()
  }, 60_000)

  it('is never a second supervisor, which is told that there is one', async () => {
    const first = await databases.open()
    const second = await databases.open()
    expect(await first.holdSupervisorLock()).toBe(true)
    expect(await second.holdSupervisorLock()).toBe(false)
    await first.release()
    expect(await second.holdSupervisorLock()).toBe(true)
  })
})
