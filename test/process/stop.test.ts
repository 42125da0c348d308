import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openEmbedded } from '../../src/postgres/embedded.ts'
import { newDataFolder, until, type DataFolder } from '../support/data-folder.ts'
import { freePort, processesOf, requestToken, startSignet, type SignetProcess } from '../support/signet-process.ts'
import { makeStartedFolder, type StartedFolder } from '../support/started-folder.ts'

let template: StartedFolder
let folder: DataFolder
let signet: SignetProcess | undefined

beforeAll(async () => { template = await makeStartedFolder() })

afterAll(async () => { await template.remove() })

beforeEach(async () => {
  folder = await newDataFolder({ copyOf: template.dataDir })
  signet = undefined
})

afterEach(async () => {
  for (const pid of await processesOf(folder.dataDir)) process.kill(pid, 'SIGKILL')
  await folder.remove()
})

const twoWorkers = { WORKERS: '2' }

async function start (through: 'node' | 'npm' = 'node', environment: Readonly<Record<string, string>> = {}): Promise<SignetProcess> {
  signet = startSignet({ dataDir: folder.dataDir, port: await freePort(), through, environment })
  await signet.listening()
  return signet
}

async function expectNothingLeft (): Promise<void> {
  // A process whose parent ended first is taken down by the system a moment later.
  await until(async () => (await processesOf(folder.dataDir)).length === 0, 'every process is gone', 2)
}

describe('stopping', () => {
  it.each([
    ['node', 'SIGTERM'], ['node', 'SIGINT'], ['npm', 'SIGTERM'], ['npm', 'SIGINT']
  ] as const)('by a signal to %s, %s, ends every process, and the database, with exit code 0', async (through, signal) => {
    const running = await start(through, twoWorkers)
    expect((await processesOf(folder.dataDir)).length).toBeGreaterThanOrEqual(4)
    process.kill(running.pid, signal)
    expect(await running.ended).toEqual({ exitCode: 0, signal: null })
    await expectNothingLeft()
  }, 60_000)

  it.each(['node', 'npm'] as const)('by Ctrl-C, which reaches every process of the terminal, %s and its workers alike, is as clean', async (through) => {
    const running = await start(through, twoWorkers)
    process.kill(-running.pid, 'SIGINT')
    expect(await running.ended).toEqual({ exitCode: 0, signal: null })
    expect(running.stderr()).not.toContain('a worker ended')
    await expectNothingLeft()
  }, 60_000)

  it('when the terminal is closed, which also takes away its output, is as clean', async () => {
    const running = await start('node', twoWorkers)
    running.closeOutput()
    process.kill(-running.pid, 'SIGHUP')
    expect(await running.ended).toEqual({ exitCode: 0, signal: null })
    await expectNothingLeft()
  }, 60_000)

  it('lets requests that are under way finish', async () => {
    const running = await start('node', { ...twoWorkers, DRAIN_SECONDS: '1' })
    const requests: Promise<number>[] = []
    for (let index = 0; index < 40; index += 1) {
      if (index === 20) process.kill(running.pid, 'SIGTERM')
      requests.push(requestToken(running.origin, template.client))
      await pause(10)
    }
    expect(await Promise.all(requests)).toEqual(Array.from({ length: 40 }, () => 200))
    expect(await running.ended).toEqual({ exitCode: 0, signal: null })
  }, 60_000)

  it('is not forced by the same signal arriving twice, and is by one more after two seconds', async () => {
    const running = await start('node', { DRAIN_SECONDS: '60', SHUTDOWN_TIMEOUT_SECONDS: '60' })
    process.kill(running.pid, 'SIGINT')
    process.kill(running.pid, 'SIGINT')
    await pause(2_500)
    expect(running.hasEnded()).toBe(false)
    process.kill(running.pid, 'SIGINT')
    expect(await running.ended).toEqual({ exitCode: 1, signal: null })
    await expectNothingLeft()
  }, 60_000)

  it('takes no longer than SHUTDOWN_TIMEOUT_SECONDS and the end of the database', async () => {
    const running = await start('node', { DRAIN_SECONDS: '60', SHUTDOWN_TIMEOUT_SECONDS: '1' })
    const begin = performance.now()
    process.kill(running.pid, 'SIGTERM')
    expect(await running.ended).toEqual({ exitCode: 1, signal: null })
    expect(performance.now() - begin).toBeLessThan(10_000)
    await expectNothingLeft()
  }, 60_000)

  it.each([50, 400, 700, 1_000, 1_400, 1_900, 2_500])('%i ms into a first start leaves no process', async (delay) => {
    const fresh = await newDataFolder()
    try {
      const starting = startSignet({ dataDir: fresh.dataDir, port: await freePort() })
      await pause(delay)
      process.kill(starting.pid, 'SIGTERM')
      const { exitCode, signal } = await starting.ended
      expect([0, 143, signal === 'SIGTERM' ? null : 143]).toContain(exitCode)
      expect(starting.stderr()).not.toContain('    at ')
      await until(async () => (await processesOf(fresh.dataDir)).length === 0, 'every process is gone', 2)
    } finally {
      await fresh.remove()
    }
  }, 60_000)

  it('while a start waits for what another process holds takes no longer than SHUTDOWN_TIMEOUT_SECONDS, and leaves no database', async () => {
    const holder = await openEmbedded({ dataDir: folder.dataDir, postgresUser: undefined, progress: () => {} })
    const client = new pg.Client({ connectionString: holder.url })
    client.on('error', () => {}) // it is ended with the database
    await client.connect()
    await client.query('SELECT pg_advisory_lock(72707369)') // that of migrations
    const starting = startSignet({ dataDir: folder.dataDir, port: await freePort(), environment: { SHUTDOWN_TIMEOUT_SECONDS: '2' } })
    await until(async () => starting.stderr().includes('waiting for another process that migrates'), 'it waits', 30)
    expect(await holder.release()).toBe('left running') // the start is its last user from here on
    const begin = performance.now()
    process.kill(starting.pid, 'SIGTERM')
    expect(await starting.ended).toEqual({ exitCode: null, signal: 'SIGTERM' })
    expect(performance.now() - begin).toBeLessThan(10_000)
    expect(starting.stderr()).not.toContain('    at ')
    await expectNothingLeft()
  }, 60_000)
})
