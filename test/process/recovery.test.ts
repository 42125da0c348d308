import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isAlive, killAndWait, newDataFolder, postmasterPid, until, type DataFolder } from '../support/data-folder.ts'
import { freePort, processesOf, requestToken, startSignet, workersOf, type SignetProcess } from '../support/signet-process.ts'
import { statusOf } from '../support/status.ts'
import { makeStartedFolder, type StartedFolder } from '../support/started-folder.ts'

let template: StartedFolder
let folder: DataFolder

beforeAll(async () => { template = await makeStartedFolder() })

afterAll(async () => { await template.remove() })

beforeEach(async () => { folder = await newDataFolder({ copyOf: template.dataDir }) })

afterEach(async () => {
  for (const pid of await processesOf(folder.dataDir)) process.kill(pid, 'SIGKILL')
  await folder.remove()
})

async function start (workers = 2): Promise<SignetProcess> {
  const signet = startSignet({ dataDir: folder.dataDir, port: await freePort(), environment: { WORKERS: String(workers) } })
  await signet.listening()
  return signet
}

async function expectServing ({ origin }: SignetProcess): Promise<void> {
  for (let index = 0; index < 10; index += 1) expect(await requestToken(origin, template.client)).toBe(200)
}

async function listOfToken ({ origin }: SignetProcess): Promise<string> {
  const { clientId, clientSecret } = template.client
  const answer = await fetch(`${origin}/oauth/v2/token`, { method: 'POST', body: new URLSearchParams({ client_id: clientId, client_secret: clientSecret }), headers: { connection: 'close' } })
  return statusOf(String((await answer.json() as { access_token: unknown }).access_token)).uri // a good request has one
}

async function expectCleanStop (signet: SignetProcess): Promise<void> {
  process.kill(signet.pid, 'SIGTERM')
  expect(await signet.ended).toEqual({ exitCode: 0, signal: null })
  await until(async () => (await processesOf(folder.dataDir)).length === 0, 'every process is gone', 2)
}

async function databaseState ({ origin }: SignetProcess): Promise<unknown> {
  const answer: unknown = await (await fetch(`${origin}/health/ready`)).json()
  return typeof answer === 'object' && answer !== null && 'database' in answer ? answer.database : undefined
}

describe('after kill -9', () => {
  it('of a worker the others serve, and another one takes its place', async () => {
    const signet = await start()
    const [victim = 0, survivor = 0] = await workersOf(signet.pid)
    await killAndWait(victim)
    expect(await requestToken(signet.origin, template.client)).toBe(200)
    await until(async () => (await workersOf(signet.pid)).length === 2, 'there are two workers again', 5)
    expect(await workersOf(signet.pid)).toContain(survivor)
    expect(signet.stderr()).toContain(`a worker ended with SIGKILL (process ${victim}); starting another`)
    await expectServing(signet)
    await expectCleanStop(signet)
  }, 60_000)

  it('of all workers, again and again, new ones serve', async () => {
    const signet = await start()
    for (let round = 0; round < 3; round += 1) {
      await Promise.all((await workersOf(signet.pid)).map(killAndWait))
      await until(async () => await requestToken(signet.origin, template.client) === 200, 'a new worker serves')
    }
    await expectCleanStop(signet)
  }, 60_000)

  it('of the supervisor its workers end, and the next start adopts its database', async () => {
    const signet = await start()
    const workers = await workersOf(signet.pid)
    const database = await postmasterPid(folder.dataDir) ?? 0
    process.kill(signet.pid, 'SIGKILL')
    await signet.ended
    await until(async () => !workers.some(isAlive), 'its workers are gone', 5)
    expect(await processesOf(folder.dataDir)).toEqual([database])
    const next = await start(1)
    expect(await postmasterPid(folder.dataDir)).toBe(database)
    await expectServing(next)
    await expectCleanStop(next)
  }, 60_000)

  it('of the database tokens go on being issued, and it is back within seconds', async () => {
    const signet = await start()
    const database = await postmasterPid(folder.dataDir) ?? 0
    // Each worker has a list of its own, and leases a block of it for a client that another one knows.
    const lists = new Set<string>()
    await until(async () => lists.add(await listOfToken(signet)).size === 2, 'each worker has a block', 10)
    await killAndWait(database)
    await expectServing(signet)
    await until(async () => signet.stderr().includes('the database is back'), 'the database is back', 10)
    expect(await postmasterPid(folder.dataDir)).not.toBe(database)
    await until(async () => await databaseState(signet) === 'connected', 'the workers found it', 10)
    await expectServing(signet)

    const second = startSignet({ dataDir: folder.dataDir, port: await freePort() })
    expect((await second.ended).exitCode).toBe(1)
    expect(second.stderr()).toContain('Another Signet already serves')
    await expectCleanStop(signet)
  }, 60_000)

  it('of everything at once the next start serves', async () => {
    const signet = await start()
    for (const pid of await processesOf(folder.dataDir)) process.kill(pid, 'SIGKILL')
    await signet.ended
    const next = await start(1)
    await expectServing(next)
    await expectCleanStop(next)
  }, 60_000)
})
