import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isRoot, newDataFolder, until, type DataFolder } from '../support/data-folder.ts'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { freePort, processesOf, startSignet } from '../support/signet-process.ts'
import { makeStartedFolder, type StartedFolder } from '../support/started-folder.ts'

const anotherKey = { MASTER_KEY: '00'.repeat(32) }

let template: StartedFolder
let folder: DataFolder

beforeAll(async () => { template = await makeStartedFolder() })

afterAll(async () => { await template.remove() })

beforeEach(async () => { folder = await newDataFolder({ copyOf: template.dataDir }) })

afterEach(async () => {
  for (const pid of await processesOf(folder.dataDir)) process.kill(pid, 'SIGKILL')
  await folder.remove()
})

/** The last line that a start says before it ends with a code other than 0, leaving no process. */
async function refusal (environment: Readonly<Record<string, string>> = {}, port?: number): Promise<string> {
  const signet = startSignet({ dataDir: folder.dataDir, port: port ?? await freePort(), environment })
  const { exitCode } = await signet.ended
  expect(exitCode).toBe(1)
  expect(signet.stdout()).toBe('')
  expect(signet.stderr()).not.toContain('    at ') // no stack
  await until(async () => (await processesOf(folder.dataDir)).length === 0, 'every process is gone', 2)
  return signet.stderr().trimEnd().split('\n').at(-1) ?? ''
}

describe('a start that cannot succeed ends in one sentence', () => {
  it('when the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : undefined
    expect(await refusal({}, port)).toBe(`signet: Port ${String(port)} on 127.0.0.1 is taken by another program. Stop that program, or set PORT to a free one.`)
    other.close()
  })

  it('when HOST is no address of this machine', async () => {
    expect(await refusal({ HOST: '192.0.2.1' })).toMatch(/^signet: HOST is 192\.0\.2\.1, which is no address of this machine\. Set it to/)
  })

  it('when another supervisor serves from the same folder, which goes on undisturbed', async () => {
    const first = startSignet({ dataDir: folder.dataDir, port: await freePort() })
    await first.listening()
    const port = await freePort()
    const second = startSignet({ dataDir: folder.dataDir, port })
    expect((await second.ended).exitCode).toBe(1)
    expect(second.stderr()).toBe(`signet: Another Signet already serves from ${folder.dataDir}, on another port than ${port}. Use that one, stop it, or set SIGNET_DATA_DIR for a second one.\n`)
    expect((await fetch(`${first.origin}/health/ready`)).status).toBe(200)
    process.kill(first.pid, 'SIGTERM')
    expect((await first.ended).exitCode).toBe(0)
  }, 60_000)

  it('when the master key is not the one that the database was made with', async () => {
    expect(await refusal(anotherKey)).toMatch(/^signet: .*master key.*\. .*\.$/i)
  })

  it('when the master key is gone: it is not replaced by a new one', async () => {
    await rm(join(folder.dataDir, 'master.key'))
    expect(await refusal()).toMatch(/^signet: The master key of this database is missing/)
    await expect(rm(join(folder.dataDir, 'master.key'))).rejects.toThrow('ENOENT')
  })

  it('when a setting is wrong', async () => {
    expect(await refusal({ WORKERS: 'many' })).toMatch(/^signet: WORKERS is not usable/)
  })

  it('when a file is in the place of the data folder', async () => {
    await rm(folder.dataDir, { recursive: true })
    await writeFile(folder.dataDir, '')
    expect(await refusal()).toMatch(/^signet: .* cannot be used as a folder, because a file is in its place\. Move/)
  })

  it.skipIf(isRoot)('when the data folder cannot be written', async () => {
    await rm(folder.dataDir, { recursive: true })
    await mkdir(folder.dataDir, { mode: 0o500 })
    expect(await refusal()).toMatch(/^signet: Signet may not write in /)
  })
})

describe('a start with a DATABASE_URL that cannot be used ends in one sentence, without the password', () => {
  let database: TestDatabase

  beforeEach(async () => { database = await createTestDatabase() })

  afterEach(async () => { await database.drop() })

  async function databaseRefusal (url: string): Promise<string> {
    const sentence = await refusal({ DATABASE_URL: url, DATABASE_WAIT_SECONDS: '1', ...anotherKey })
    expect(sentence).not.toContain('confidential')
    return sentence
  }

  it('when nothing listens there', async () => {
    const port = await freePort()
    expect(await databaseRefusal(`postgresql://someone:confidential@127.0.0.1:${port}/signet`))
      .toBe(`signet: The PostgreSQL at 127.0.0.1:${port} (database signet, user someone) refuses connections (nothing listens there). Start it, or correct DATABASE_URL.`)
  })

  it('when its host is unknown', async () => {
    expect(await databaseRefusal('postgresql://someone:confidential@db.invalid/signet')).toMatch(/db\.invalid:5432 .* has a host name that cannot be resolved/)
  })

  it('when it accepts the connection and never answers', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const address = silent.address()
    const port = typeof address === 'object' ? address?.port : undefined
    expect(await databaseRefusal(`postgresql://someone:confidential@127.0.0.1:${String(port)}/signet`)).toContain('does not answer')
    silent.close()
  })

  it('when it has no such database', async () => {
    expect(await databaseRefusal(database.url.replace(/@\/\w+/, '@/nowhere'))).toContain('has no database of that name. Create it')
  })

  it('when it knows no such user', async () => {
    expect(await databaseRefusal(database.url.replace('//signet@', '//nobody:confidential@'))).toContain('does not let this user in')
  })

  it('when it has a migration marked breaking that this version does not know', async () => {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await client.query("INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('1', '', '29990101000000_newer_breaking', now())")
    await client.end()
    expect(await databaseRefusal(database.url)).toMatch(/^signet: The database has the migration 29990101000000_newer_breaking, .*\. Start the newer version/)
  })

  it('when another application lives in it', async () => {
    const empty = await createTestDatabase({ migrated: false })
    const client = new pg.Client({ connectionString: empty.url })
    await client.connect()
    await client.query('CREATE TABLE invoices (id int)')
    await client.end()
    expect(await databaseRefusal(empty.url)).toContain('holds tables of another application')
    await empty.drop()
  })
})
