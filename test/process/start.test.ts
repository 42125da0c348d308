import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newDataFolder, type DataFolder } from '../support/data-folder.ts'
import { freePort, processesOf, requestToken, sampleOf, startSignet, workersOf, type SignetProcess, type StartOptions } from '../support/signet-process.ts'

let folders: DataFolder[] = []
let started: SignetProcess[] = []

beforeEach(() => {
  folders = []
  started = []
})

afterEach(async () => {
  for (const { pid, hasEnded } of started) if (!hasEnded()) process.kill(pid, 'SIGTERM')
  await Promise.all(started.map(async ({ ended }) => await ended))
  for (const folder of folders) await folder.remove()
})

async function newFolder (): Promise<string> {
  const folder = await newDataFolder()
  folders.push(folder)
  return folder.dataDir
}

async function start (options: StartOptions): Promise<SignetProcess> {
  const signet = startSignet(options)
  started.push(signet)
  await signet.listening()
  return signet
}

async function stop (signet: SignetProcess): Promise<void> {
  process.kill(signet.pid, 'SIGTERM')
  expect(await signet.ended).toEqual({ exitCode: 0, signal: null })
}

describe('npm start', () => {
  it('serves from a fresh folder and prints a sample once; later starts are quiet and keep everything', async () => {
    const dataDir = await newFolder()
    const first = await start({ dataDir, port: await freePort(), through: 'npm' })
    expect(first.stderr()).toContain(`signet: listening on ${first.origin} (issuer ${first.origin})`)
    const client = sampleOf(first.stdout())
    expect(await requestToken(first.origin, client)).toBe(200)
    expect((await stat(join(dataDir, 'master.key'))).mode & 0o777).toBe(0o600)
    await stop(first)

    const second = await start({ dataDir, port: await freePort() })
    expect(second.stderr()).toBe(`signet: listening on ${second.origin} (issuer ${second.origin})\n`)
    expect(second.stdout()).toBe('')
    expect(await requestToken(second.origin, client)).toBe(200)
    await stop(second)
    expect(await processesOf(dataDir)).toEqual([])
  }, 120_000)

  it('works twice side by side with different ports and data folders', async () => {
    const [one, other] = await Promise.all([newFolder(), newFolder()].map(async (dataDir) => await start({ dataDir: await dataDir, port: await freePort() }))) as [SignetProcess, SignetProcess] // two in, two out
    const client = sampleOf(one.stdout())
    expect(await requestToken(one.origin, client)).toBe(200)
    expect(await requestToken(other.origin, client)).toBe(401)
    await stop(one)
    expect(await requestToken(other.origin, sampleOf(other.stdout()))).toBe(200)
  }, 120_000)

  it('starts as many workers as WORKERS says', async () => {
    const signet = await start({ dataDir: await newFolder(), port: await freePort(), environment: { WORKERS: '2' } })
    expect(await workersOf(signet.pid)).toHaveLength(2)
  }, 60_000)

  it('works with NODE_ENV=production', async () => {
    const signet = await start({ dataDir: await newFolder(), port: await freePort(), environment: { NODE_ENV: 'production' } })
    expect(await requestToken(signet.origin, sampleOf(signet.stdout()))).toBe(200)
  }, 60_000)
})
