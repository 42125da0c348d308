/** Whoever reads the results of a command may go away: head has seen enough, and an editor was closed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { createCli, type Cli } from './cli-process.ts'

const main = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'main.js')
const masterKey = 'b9'.repeat(32)
let database: TestDatabase
let cli: Cli
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-readers-'))
  database = await createTestDatabase()
  cli = await createCli({ DATABASE_URL: database.url, MASTER_KEY: masterKey })
})
afterAll(async () => {
  await cli.remove()
  await database.drop()
  await rm(folder, { recursive: true })
})

/** @param closed what nobody reads */
async function unread (closed: readonly ('stdout' | 'stderr')[], ...parameters: readonly string[]): Promise<{ exitCode: number | null, stderr: string }> {
  const child = spawn(process.execPath, [main, ...parameters], { cwd: folder, env: { PATH: process.env['PATH'], DATABASE_URL: database.url, MASTER_KEY: masterKey }, stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text })
  for (const name of closed) child[name].destroy()
  await once(child, 'close')
  return { exitCode: child.exitCode, stderr }
}

describe('a reader that went away', { timeout: 60_000 }, () => {
  it('is no failure: what was asked for is done, remarks go on, and the exit code is 0', async () => {
    await writeFile(join(folder, 'signet.yaml'), 'organizations:\n  org_unread:\n    name: Unread\n')
    expect(await unread(['stdout'], 'apply', 'signet.yaml')).toEqual({ exitCode: 0, stderr: expect.stringMatching(/^signet: applied: 1 created/m) as unknown })
    expect(await cli.json('organization', 'list')).toMatchObject([{ organization_id: 'org_unread' }])
    expect(await unread(['stdout'], 'organization', 'list')).toEqual({ exitCode: 0, stderr: '' })
    expect(await unread(['stdout'], 'completion', 'bash')).toEqual({ exitCode: 0, stderr: '' })
    expect(await unread(['stdout', 'stderr'], 'apply', 'signet.yaml')).toMatchObject({ exitCode: 0 })
    expect(await unread(['stdout', 'stderr'], 'client', 'show', 'cl_live_nobody')).toMatchObject({ exitCode: 3 })
  })

  it('is one where a secret was made that nobody saw, and the sentence says what to do', async () => {
    const run = await unread(['stdout'], 'client', 'create', '--name', 'Unseen')
    expect(run).toEqual({ exitCode: 1, stderr: expect.stringMatching(/^signet: The secret was made, and nobody read it: .+revoke it, and make another\.\n$/) as unknown })
    expect(await cli.json('client', 'list')).toMatchObject([{ name: 'Unseen' }])
  })
})
