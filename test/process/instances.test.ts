import { readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newDataFolder, until, type DataFolder } from '../support/data-folder.ts'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { freePort, startSignet, type SignetProcess } from '../support/signet-process.ts'

const migrations = join(import.meta.dirname, '../../prisma/migrations')
let database: TestDatabase
let folder: DataFolder
let instances: SignetProcess[] = []

beforeEach(async () => {
  database = await createTestDatabase({ migrated: false })
  folder = await newDataFolder()
  instances = []
})

afterEach(async () => {
  for (const { pid, hasEnded } of instances) if (!hasEnded()) process.kill(pid, 'SIGKILL')
  await Promise.all(instances.map(async ({ ended }) => await ended))
  await database.drop()
  await folder.remove()
})

async function startInstance (): Promise<SignetProcess> {
  const instance = startSignet({
    dataDir: folder.dataDir, port: await freePort(), environment: { DATABASE_URL: database.url, MASTER_KEY: '5a'.repeat(32), WORKERS: '1', ISSUER: 'https://auth.example.com' }
  })
  instances.push(instance)
  return instance
}

async function count (table: string): Promise<number> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    return (await client.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`)).rows[0]?.count ?? NaN
  } finally {
    await client.end()
  }
}

describe('instances that share a PostgreSQL of the operator (F13)', () => {
  it('all come up when five start at the same moment on an empty database, with each migration once, one first key and one next key an environment', async () => {
    for (let index = 0; index < 5; index += 1) await startInstance()
    await Promise.all(instances.map(async (instance) => { await instance.listening() }))
    expect(await count('_prisma_migrations')).toBe(readdirSync(migrations, { withFileTypes: true }).filter((entry) => entry.isDirectory()).length)
    expect(await count('signing_keys')).toBe(4)
    const keySets = await Promise.all(instances.map(async ({ origin }) => await (await fetch(`${origin}/oauth/v2/jwks`)).text()))
    expect(new Set(keySets).size).toBe(1)
    for (const { pid } of instances) process.kill(pid, 'SIGTERM')
    for (const { ended } of instances) expect(await ended).toEqual({ exitCode: 0, signal: null })
  }, 120_000)

  it('make no sample, no data folder and no database of their own', async () => {
    const instance = await startInstance()
    await instance.listening()
    expect(instance.stdout()).toBe('')
    expect(await count('clients')).toBe(0)
    await expect(rm(folder.dataDir, { recursive: true })).rejects.toThrow('ENOENT')
  }, 60_000)

  it('wait for a database that is not there yet', async () => {
    const port = await freePort()
    const waiting = startSignet({
      dataDir: folder.dataDir, port: await freePort(), environment: { DATABASE_URL: `postgresql://someone@127.0.0.1:${port}/signet`, DATABASE_WAIT_SECONDS: '3', MASTER_KEY: '5a'.repeat(32) }
    })
    instances.push(waiting)
    await until(async () => waiting.stderr().includes('waiting up to 3 s for The PostgreSQL at 127.0.0.1'), 'it says what it waits for')
    process.kill(waiting.pid, 'SIGTERM')
    expect((await waiting.ended).exitCode).toBe(143)
  }, 60_000)
})
