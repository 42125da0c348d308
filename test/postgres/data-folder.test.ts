import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isRoot, newDataFolder, postmasterPid } from '../support/data-folder.ts'
import { createDatabases, query } from '../support/databases.ts'
import { refusalOf } from '../support/refusal.ts'

const databases = createDatabases()

beforeAll(databases.prepare)
afterEach(databases.cleanUp)
afterAll(databases.remove)

describe('the data folder', () => {
  beforeEach(databases.useMadeFolder)

  it.each(['with a space', 'it\'s "quoted", and 100 %', 'ünïcödé'])('may be called %s', async (name) => {
    const awkward = await newDataFolder({ name, copyOf: databases.template() })
    try {
      const database = await databases.open(awkward.dataDir)
      expect(await query(database.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
      await database.release()
    } finally {
      await awkward.remove()
    }
  })

  it('may have a path too long for a socket, which then gets a private folder of its own that others find and that goes with the server', async () => {
    const long = await newDataFolder({ name: 'long'.repeat(40), copyOf: databases.template() })
    try {
      const first = await databases.open(long.dataDir)
      const socketFolder = new URL(first.url.replace('@/', '@localhost/')).searchParams.get('host') ?? ''
      expect(socketFolder).not.toContain(long.dataDir)
      expect((await stat(socketFolder)).mode & 0o777).toBe(0o700)
      const pid = await postmasterPid(long.dataDir)
      const second = await databases.open(long.dataDir)
      expect(second.url).toBe(first.url)
      await first.release()
      await second.release()
      await expect(stat(socketFolder)).rejects.toThrow('ENOENT')
      const third = await databases.open(long.dataDir)
      expect(await postmasterPid(long.dataDir)).not.toBe(pid)
      await third.release()
    } finally {
      await long.remove()
    }
  })

  it('keeps its socket where it was when the server was killed, however long its path', async () => {
    const long = await newDataFolder({ name: 'long'.repeat(40), copyOf: databases.template() })
    try {
      const database = await databases.open(long.dataDir)
      const { url } = database
      const lost = new Promise<void>((resolve) => { database.onLost(resolve) })
      process.kill(await postmasterPid(long.dataDir) ?? 0, 'SIGKILL')
      await lost
      await database.reopen()
      expect(database.url).toBe(url)
      await database.release()
    } finally {
      await long.remove()
    }
  })

  it('is not mistaken for another one: a server that was started for its old place is refused', async () => {
    const database = await databases.open()
    const moved = await newDataFolder()
    try {
      await rename(databases.dataDir, moved.dataDir)
      expect(await refusalOf(databases.open(moved.dataDir))).toContain('was started for another folder')
      await rename(moved.dataDir, databases.dataDir)
      expect(await database.release()).toBe('stopped')
    } finally {
      await moved.remove()
    }
  })

  it('is refused when PostgreSQL of another major version made it', async () => {
    await writeFile(join(databases.dataDir, 'postgres', 'PG_VERSION'), '15\n')
    expect(await refusalOf(databases.open())).toContain('made by PostgreSQL 15')
  })

  it('is refused when it holds something else', async () => {
    await rm(databases.dataDir, { recursive: true })
    await mkdir(join(databases.dataDir, 'postgres'), { recursive: true })
    await writeFile(join(databases.dataDir, 'postgres', 'notes.txt'), '')
    expect(await refusalOf(databases.open())).toContain('no PostgreSQL database')
  })

  it('is refused when a file is in its place', async () => {
    await rm(databases.dataDir, { recursive: true })
    await writeFile(databases.dataDir, '')
    expect(await refusalOf(databases.open())).toContain('a file is in its place')
  })

  it.skipIf(isRoot)('is refused when it cannot be written', async () => {
    await rm(databases.dataDir, { recursive: true })
    await mkdir(databases.dataDir, { mode: 0o500 })
    expect(await refusalOf(databases.open())).toContain('may not write')
  })

  it('is refused when its database is damaged, with the cause', async () => {
    await rm(join(databases.dataDir, 'postgres', 'global', 'pg_control'))
    expect(await refusalOf(databases.open())).toMatch(/could not start.*pg_control/)
  })
})
