/** Where a backup may be written, and what becomes of what is there. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { lstat, mkdir, mkdtemp, open, readFile, readdir, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { createCli, type Cli, type CliRun } from './cli-process.ts'

const main = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'main.js')
const masterKey = 'b8'.repeat(32)
let folder: string
let database: TestDatabase
let cli: Cli

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-backup-file-'))
  database = await createTestDatabase()
  cli = await createCli({ DATABASE_URL: database.url, MASTER_KEY: masterKey })
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  // More than a small disk or a pipe takes, however it is compressed.
  await client.query("INSERT INTO revoked_tokens SELECT n::text, (SELECT string_agg(md5(n::text || m::text), '') FROM generate_series(1, 20) AS m), now(), now() FROM generate_series(1, 500) AS n")
  await client.end()
})
afterAll(async () => {
  await cli.remove()
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

function expectRefusal (run: CliRun, exitCode: number, sentence: RegExp): void {
  expect(run).toMatchObject({ exitCode, stdout: '', stderr: expect.stringMatching(sentence) as unknown })
  expect(run.stderr).toMatch(/^signet: [^\n]+\n$/)
}

async function unfinishedIn (path: string): Promise<string[]> {
  return (await readdir(path)).filter((name) => name.includes('unfinished'))
}

describe('signet backup FILE', { timeout: 60_000 }, () => {
  it('never takes the name of what is no file: with --yes too a device, a pipe, a folder and a link to nothing stay as they are', async () => {
    const [device, pipe, inner, dangling, linked] = ['device', 'pipe', 'inner', 'dangling', 'linked'].map((name) => join(folder, name)) as [string, string, string, string, string] // as many as names
    const hasDevice = spawnSync('mknod', [device, 'c', '1', '3']).status === 0 // root alone may make one
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0)
    await mkdir(inner)
    await symlink(join(folder, 'nowhere'), dangling)
    await symlink(pipe, linked)
    if (hasDevice) expectRefusal(await cli('backup', device, '--yes'), 1, /it is a device, .*signet backup -\.$/m)
    expectRefusal(await cli('backup', pipe, '--yes'), 1, /it is a device, a pipe or a socket, .*signet backup -\.$/m)
    expectRefusal(await cli('backup', linked, '--yes'), 1, /it is a device, a pipe or a socket/)
    expectRefusal(await cli('backup', inner, '--yes'), 1, /it is a folder\. Name a file\.$/m)
    expectRefusal(await cli('backup', dangling, '--yes'), 1, /it is a link that leads to no file/)
    if (hasDevice) expect((await lstat(device)).isCharacterDevice()).toBe(true)
    expect((await lstat(pipe)).isFIFO()).toBe(true)
    expect(await readlink(linked)).toBe(pipe)
    expect(await readlink(dangling)).toBe(join(folder, 'nowhere'))
    expect(await unfinishedIn(folder)).toEqual([])
  })

  it('follows a link to a file: that file is replaced, and the link goes on leading to it', async () => {
    const elsewhere = join(folder, 'elsewhere')
    await mkdir(elsewhere)
    await writeFile(join(elsewhere, 'real.gz'), 'old', { mode: 0o644 })
    await symlink(join(elsewhere, 'real.gz'), join(folder, 'latest.gz'))
    expectRefusal(await cli('backup', join(folder, 'latest.gz')), 2, /--yes/)
    expect((await cli('backup', join(folder, 'latest.gz'), '--yes')).exitCode).toBe(0)
    expect(await readlink(join(folder, 'latest.gz'))).toBe(join(elsewhere, 'real.gz'))
    expect(gunzipSync(await readFile(join(elsewhere, 'real.gz'))).toString('utf8')).toMatch(/^{"format":"signet backup"/)
    expect((await stat(join(elsewhere, 'real.gz'))).mode & 0o777).toBe(0o600)
    expect([...await unfinishedIn(folder), ...await unfinishedIn(elsewhere)]).toEqual([])
  })

  it('onto a disk that is full ends with exit code 1 and says so, and leaves nothing there', async (context) => {
    for (const size of ['8k', '64k']) {
      const disk = join(folder, size)
      await mkdir(disk)
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk]).status !== 0) context.skip('this user may not mount')
      try {
        expectRefusal(await cli('backup', join(disk, 'backup.gz')), 1, /backup\.gz: the disk is full\. Free some space, or name a file on another disk\.$/m)
        expect(await readdir(disk)).toEqual([])
      } finally {
        spawnSync('umount', [disk])
      }
    }
  })
})

describe('signet backup -', { timeout: 60_000 }, () => {
  it('says that the disk is full where standard output leads to such a one', async (context) => {
    const full = await open('/dev/full', 'w').catch(() => undefined)
    if (full === undefined) return context.skip('this system has no /dev/full')
    expect(await backUpTo(full.fd)).toEqual({ exitCode: 1, stderr: 'signet: The backup cannot be written to standard output: the disk is full. Free some space, or name a file on another disk.\n' })
    await full.close()
  })

  it('is no success when whoever reads it goes away in the middle', async () => {
    expect(await backUpTo('pipe')).toEqual({ exitCode: 1, stderr: 'signet: The backup cannot be written to standard output: whoever reads it went away. What was passed on is no whole backup.\n' })
  })
})

/** @param stdout a file, or a pipe that nobody reads */
async function backUpTo (stdout: number | 'pipe'): Promise<{ exitCode: number | null, stderr: string }> {
  const env = { PATH: process.env['PATH'], DATABASE_URL: database.url, MASTER_KEY: masterKey }
  const child = spawn(process.execPath, [main, 'backup', '-'], { env, cwd: folder, stdio: ['ignore', stdout, 'pipe'] })
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { stderr += text })
  child.stdout?.destroy()
  await once(child, 'close')
  return { exitCode: child.exitCode, stderr }
}
