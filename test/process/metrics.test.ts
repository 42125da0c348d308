import { createServer } from 'node:net'
import { once } from 'node:events'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newDataFolder, until, type DataFolder } from '../support/data-folder.ts'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { freePort, startSignet, type SignetProcess } from '../support/signet-process.ts'

let database: TestDatabase
let folder: DataFolder
let client: pg.Client
let instance: SignetProcess
let port: number

beforeAll(async () => {
  database = await createTestDatabase()
  folder = await newDataFolder()
  port = await freePort()
  instance = await start({ METRICS_PORT: String(port) })
  await instance.listening()
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
}, 60_000)

afterAll(async () => {
  if (!instance.hasEnded()) process.kill(instance.pid, 'SIGKILL')
  await instance.ended
  await client.end()
  await database.drop()
  await folder.remove()
})

async function start (environment: Readonly<Record<string, string>>): Promise<SignetProcess> {
  return startSignet({ dataDir: folder.dataDir, port: await freePort(), environment: { DATABASE_URL: database.url, MASTER_KEY: '5a'.repeat(32), WORKERS: '2', ...environment } })
}

async function value (name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1])
}

async function rowsOf<Row extends object> (sql: string): Promise<Row[]> {
  return (await client.query<Row>(sql)).rows
}

describe('metrics, for Prometheus', () => {
  it('are those of all workers together, on an address of their own', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`)
    expect(answer.headers.get('Content-Type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(await value('signet_staleness_seconds')).toBeLessThan(5)
    expect((await fetch(`http://127.0.0.1:${port}/oauth/v2/jwks`)).status).toBe(404)
    expect((await fetch(`${instance.origin}/metrics`)).status).toBe(404)
  })

  it('tell how long a revocation took to be in force in each worker', async () => {
    expect(await value('signet_revocation_propagation_seconds_count')).toBe(0)
    await client.query('INSERT INTO status_lists (id, environment) VALUES ($1, $2)', ['0'.repeat(22), 'live'])
    await client.query('INSERT INTO revoked_indexes (list_id, first_index, last_index) SELECT $1, index, index FROM generate_series(0, 9) AS index', ['0'.repeat(22)])
    await until(async () => await value('signet_revocation_propagation_seconds_count') === 2, 'both workers have it, each counted once', 5)
    expect(await value('signet_revocation_propagation_seconds_sum')).toBeLessThan(2)
  })

  it('are refused at the start on a port that is taken or is the server\'s own, by the name of their variable', async () => {
    const taken = createServer().listen(await freePort(), '127.0.0.1')
    await once(taken, 'listening')
    const address = taken.address()
    const other = await start({ METRICS_PORT: String(typeof address === 'object' ? address?.port : '') })
    expect((await other.ended).exitCode).toBe(1)
    expect(other.stderr()).toContain('or set METRICS_PORT to a free one')
    taken.close()
    const shared = String(await freePort())
    const one = await start({ PORT: shared, METRICS_PORT: shared })
    expect((await one.ended).exitCode).toBe(1)
    expect(one.stderr()).toContain('METRICS_PORT is PORT.')
  })
})

describe('the processes that serve', () => {
  it('say so, and how far they have read the change feed; one that stops says farewell', async () => {
    const read = async (): Promise<{ pid: number, position: string }[]> => await rowsOf('SELECT pid, position::text FROM processes ORDER BY pid')
    expect(new Set((await read()).map(({ pid }) => pid)).size).toBe(2)
    await client.query('UPDATE signing_keys SET created_at = created_at')
    const [newest] = await rowsOf<{ id: string }>('SELECT max(id)::text AS id FROM changes')
    await until(async () => (await read()).every(({ position }) => position === newest?.id), 'both have read on', 5)
    process.kill(instance.pid, 'SIGTERM')
    expect(await instance.ended).toEqual({ exitCode: 0, signal: null })
    expect(await read()).toEqual([])
  })
})
