import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { createDatabase, type Database } from '../../src/db.ts'
import { openEmbedded, type EmbeddedPostgres } from '../../src/postgres/embedded.ts'
import { prepare } from '../../src/setup/prepare.ts'
import { isAlive, newDataFolder, postmasterPid, until, type DataFolder } from '../support/data-folder.ts'
import { createFixtures, type RegisteredClient } from '../support/fixtures.ts'
import { basic, postForm, send, within, type Answer } from '../support/requests.ts'
import { freePort, startSignet, workersOf, type SignetProcess } from '../support/signet-process.ts'

/** 3 in the suite; `DATABASE_RESTARTS=20 npm test -- test/process/database-restarts` for a longer run. */
const restarts = Number(process.env['DATABASE_RESTARTS'] ?? 3)
const masterKey = '64'.repeat(32)

describe('F03 a PostgreSQL of the operator that is absent at the start, and is stopped at once and started again', () => {
  let folders: readonly DataFolder[]
  let postgres: EmbeddedPostgres
  let database: Database
  let signet: SignetProcess
  let partner: RegisteredClient
  let api: RegisteredClient

  const dataDir = (): string => String(folders[0]?.dataDir)

  beforeAll(async () => {
    folders = [await newDataFolder(), await newDataFolder()]
    postgres = await openEmbedded({ dataDir: dataDir(), postgresUser: undefined, progress: () => {} })
  })
  afterAll(async () => {
    if (!signet.hasEnded()) process.kill(signet.pid, 'SIGTERM')
    await signet.ended
    await database.$disconnect()
    await postgres.release()
    for (const folder of folders) await folder.remove()
  })

  it('is waited for at the start, and listened to as soon as it is there', async () => {
    const { url } = postgres
    await postgres.release()
    signet = startSignet({ dataDir: String(folders[1]?.dataDir), port: await freePort(), environment: { DATABASE_URL: url, DATABASE_WAIT_SECONDS: '60', MASTER_KEY: masterKey, WORKERS: '2' } })
    await until(async () => signet.stderr().includes('waiting up to 60 s for'), 'it says what it waits for')
    expect(signet.hasEnded()).toBe(false)
    postgres = await openEmbedded({ dataDir: dataDir(), postgresUser: undefined, progress: () => {} })
    await signet.listening()
    database = createDatabase({ url, applicationName: 'signet test', poolSize: 1 })
    const config = loadConfig({ MASTER_KEY: masterKey })
    const fixtures = createFixtures({ database, ...await prepare({ config, url, embedded: false, clock: Date.now, progress: () => {} }), clock: Date.now })
    const { id: organizationId } = await fixtures.organization()
    const { id: resourceId } = await fixtures.resource('https://api.example.com', { 'tournaments:read': true })
    partner = await fixtures.client({ organizationId })
    api = await fixtures.client({ organizationId, resourceId })
    expect(await within(2, async () => (await token()).status === 200)).toBe(true)
  }, 60_000)

  function token (): Promise<Answer> {
    return postForm(`${signet.origin}/oauth/v2/token`, { client_id: partner.id, client_secret: partner.secret })
  }

  async function stateOfDatabase (): Promise<unknown> {
    const { status, json } = await send(`${signet.origin}/health/ready`)
    expect(status, 'it goes on from memory').toBe(200)
    return json['database']
  }

  /** Of both workers: a connection of its own for each request leads to either. */
  async function everyWorkerSays (state: string): Promise<boolean> {
    const states = await Promise.all(Array.from({ length: 6 }, stateOfDatabase))
    return states.every((each) => each === state)
  }

  it(`${restarts} times: no process exits, tokens are issued all the time, every worker is back within a second, and what was revoked stays so`, async () => {
    const workers = await workersOf(signet.pid)
    expect(workers).toHaveLength(2)
    // Blocks of indexes grow with use, and what is left of them is what lasts while the database is away.
    for (let count = 0; count < 150; count += 1) await Promise.all(Array.from({ length: 8 }, token))
    const revoked: string[] = []
    for (let round = 0; round < restarts; round += 1) {
      const over = new AbortController()
      const statuses = new Set<number>()
      const load = (async () => {
        while (!over.signal.aborted) {
          statuses.add((await token()).status)
          await pause(10)
        }
      })()
      const pid = await postmasterPid(dataDir()) ?? NaN
      process.kill(pid, 'SIGQUIT') // PostgreSQL's immediate shutdown
      await until(async () => !isAlive(pid), 'PostgreSQL is gone')
      expect(await within(5, () => everyWorkerSays('away'))).toBe(true)
      const living = String((await token()).json['access_token'])
      expect((await postForm(`${signet.origin}/oauth/v2/revoke`, { token: living }, basic(partner.id, partner.secret))).status).toBe(503)
      await postgres.reopen()
      expect(await within(1, () => everyWorkerSays('connected')), 'ready within a second of the database').toBe(true)
      over.abort()
      await load
      expect([...statuses]).toEqual([200])
      expect((await postForm(`${signet.origin}/oauth/v2/revoke`, { token: living }, basic(partner.id, partner.secret))).status).toBe(200)
      revoked.push(living)
      for (const each of revoked) expect(await within(1, async () => (await postForm(`${signet.origin}/oauth/v2/introspect`, { token: each }, basic(api.id, api.secret))).text === '{"active":false}')).toBe(true)
      expect(await workersOf(signet.pid)).toEqual(workers)
      expect(signet.hasEnded()).toBe(false)
    }
    expect(signet.stderr()).not.toContain('a worker ended')
  }, 60_000 + restarts * 15_000)
})
