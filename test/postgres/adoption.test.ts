import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isAlive, killAndWait, postmasterPid, until } from '../support/data-folder.ts'
import { createDatabases, query, says } from '../support/databases.ts'

const databases = createDatabases()

beforeAll(databases.prepare)
afterEach(databases.cleanUp)
afterAll(databases.remove)

describe('after kill -9', () => {
  beforeEach(databases.useMadeFolder)

  it('of its only user, the server is adopted by the next one, which then stops it', async () => {
    const child = databases.spawnUser()
    expect(await says(child)).toBe('open')
    const pid = await postmasterPid(databases.dataDir) ?? 0
    child.kill('SIGKILL')
    await once(child, 'exit')
    const adopter = await databases.open()
    expect(await postmasterPid(databases.dataDir)).toBe(pid)
    expect(await adopter.release()).toBe('stopped')
    await until(async () => !isAlive(pid), 'the server is gone')
  })

  it('of the server, a user hears of it and opens it again, with all that was committed and its locks', async () => {
    const database = await databases.open()
    expect(await database.holdSupervisorLock()).toBe(true)
    await query(database.url, 'CREATE TABLE facts AS SELECT 42 AS answer')
    const lost = new Promise<void>((resolve) => { database.onLost(resolve) })
    process.kill(await postmasterPid(databases.dataDir) ?? 0, 'SIGKILL')
    await lost
    await database.reopen()
    expect(await query(database.url, 'SELECT answer FROM facts')).toEqual([{ answer: 42 }])
    expect(await (await databases.open()).holdSupervisorLock()).toBe(false)
  })

  it('of the server, a stale postmaster.pid whose number another program got does not keep the next one from starting', async () => {
    await (await databases.open()).release() // makes its run/
    const { uid, gid } = await stat(join(databases.dataDir, 'postgres'))
    const other = spawn('sleep', ['60'], { stdio: 'ignore', uid, gid })
    databases.children.push(other)
    for (const path of [join('postgres', 'postmaster.pid'), join('run', '.s.PGSQL.5432.lock')].map((name) => join(databases.dataDir, name))) {
      await writeFile(path, `${String(other.pid)}\n${databases.dataDir}/postgres\n1\n5432\n${databases.dataDir}/run\n\n`, { mode: 0o600 })
      await chown(path, uid, gid)
    }
    expect(await query((await databases.open()).url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(other.exitCode).toBeNull()
  })

  it('of a server that had just made its lock file and not written it yet, the next one starts', async () => {
    await (await databases.open()).release()
    const { uid, gid } = await stat(join(databases.dataDir, 'postgres'))
    const path = join(databases.dataDir, 'postgres', 'postmaster.pid')
    await writeFile(path, '', { mode: 0o600 })
    await chown(path, uid, gid)
    expect(await query((await databases.open()).url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})

describe('a server that is slow to end', () => {
  beforeEach(databases.useMadeFolder)

  it('is waited for: old processes of a killed server keep a new one out until they are gone', async () => {
    const database = await databases.open()
    const busy = new pg.Client({ connectionString: database.url })
    busy.on('error', () => {})
    await busy.connect()
    const { rows: [backend] } = await busy.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const backendPid = backend?.pid ?? 0
    process.kill(backendPid, 'SIGSTOP') // it cannot notice that its server died
    const lost = new Promise<void>((resolve) => { database.onLost(resolve) })
    await killAndWait(await postmasterPid(databases.dataDir) ?? 0)
    await lost
    setTimeout(() => { process.kill(backendPid, 'SIGCONT') }, 2_000)
    const begin = performance.now()
    await database.reopen()
    expect(performance.now() - begin).toBeGreaterThan(1_500)
    await until(async () => !isAlive(backendPid), 'the old process is gone')
    await busy.end().catch(() => {})
  })
})
