import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEmbedded } from '../../src/postgres/embedded.ts'
import { isAlive, newDataFolder, postmasterPid, type DataFolder } from '../support/data-folder.ts'
import { createCli, type Cli } from './cli-process.ts'
import { whileWritesWait } from './waiting-writes.ts'

let folder: DataFolder
let cli: Cli

beforeEach(async () => {
  folder = await newDataFolder()
  cli = await createCli({ SIGNET_DATA_DIR: folder.dataDir })
})
afterEach(async () => {
  await cli.remove()
  await folder.remove()
})

describe('the embedded database', () => {
  it('is made by a command before the very first start, without a sample, and stopped again', { timeout: 120_000 }, async () => {
    const name = `Organization ${randomBytes(4).toString('hex')}`
    const { exitCode, stdout, stderr } = await cli('organization', 'create', '--name', name, '--json')
    expect({ exitCode, result: JSON.parse(stdout) as unknown }).toMatchObject({ exitCode: 0, result: { name } })
    expect(stderr).toMatch(/^signet: creating a PostgreSQL database in /m)
    expect(await postmasterPid(folder.dataDir)).toBeUndefined()

    const [failed, organizations] = [await cli('client', 'show', 'cl_live_nobody'), await cli.json('organization', 'list')]
    expect(failed.exitCode).toBe(3)
    expect(organizations).toMatchObject([{ name }])
    expect(await postmasterPid(folder.dataDir)).toBeUndefined()
  })

  it('that runs and says nothing is given up after DATABASE_WAIT_SECONDS with exit code 4, and goes on when it wakes up', { timeout: 120_000 }, async () => {
    const holder = await openEmbedded({ dataDir: folder.dataDir, postgresUser: undefined, progress: () => {} })
    const pid = await postmasterPid(folder.dataDir) ?? 0
    const impatient = await createCli({ SIGNET_DATA_DIR: folder.dataDir, DATABASE_WAIT_SECONDS: '1' })
    process.kill(pid, 'SIGSTOP')
    const begin = performance.now()
    try {
      expect(await impatient('key', 'list')).toMatchObject({ exitCode: 4, stdout: '', stderr: expect.stringMatching(/cannot be opened: its server does not answer\. .+ process \d+/) as unknown })
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    expect(performance.now() - begin).toBeLessThan(45_000) // by itself it would wait for 90 seconds
    expect((await cli('key', 'list')).exitCode).toBe(0)
    expect(await holder.release()).toBe('stopped')
    await impatient.remove()
  })

  it('goes on running after a command while somebody else uses it, and is stopped by an interrupted command that is its last user', { timeout: 120_000 }, async () => {
    const holder = await openEmbedded({ dataDir: folder.dataDir, postgresUser: undefined, progress: () => {} })
    const pid = await postmasterPid(folder.dataDir) ?? 0
    expect((await cli('key', 'list')).exitCode).toBe(0)
    expect(isAlive(pid)).toBe(true)

    const interrupted = await whileWritesWait(holder.url, (waiting) => cli.during(async (kill) => {
      await waiting()
      expect(await holder.release()).toBe('left running')
      kill('SIGTERM')
    }, 'organization', 'create', '--name', 'Interrupted'))
    expect(interrupted).toMatchObject({ exitCode: 143, stdout: '' })
    expect(isAlive(pid)).toBe(false)
  })
})
