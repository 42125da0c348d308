import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { createDatabase, type Database } from '../../src/db.ts'
import { prepare, type Prepared } from '../../src/setup/prepare.ts'
import { createResourceStore } from '../../src/resources/store.ts'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { createFixtures } from '../support/fixtures.ts'

describe('F14 damaged or missing keys', () => {
  let test: TestDatabase
  let database: Database
  let folder: string

  beforeEach(async () => {
    test = await createTestDatabase()
    database = createDatabase({ url: test.url, applicationName: 'signet test', poolSize: 1 })
    folder = await mkdtemp(join(tmpdir(), 'signet-damage-'))
  })
  afterEach(async () => {
    await database.$disconnect()
    await test.drop()
    await rm(folder, { recursive: true, force: true })
  })

  function start (environment: Readonly<Record<string, string>> = {}): Promise<Prepared> {
    const config = loadConfig({ SIGNET_DATA_DIR: folder, ...environment })
    return prepare({ config, url: test.url, embedded: false, clock: Date.now, progress: () => {} })
  }

  async function kids (): Promise<string[]> {
    return (await database.signingKey.findMany({ orderBy: { kid: 'asc' } })).map(({ kid }) => kid)
  }

  it('makes a master key of mode 0600 and one signing key for each environment at the first start, and keeps them', async () => {
    await start()
    const first = await kids()
    expect((await stat(join(folder, 'master.key'))).mode & 0o777).toBe(0o600)
    expect(first).toHaveLength(2)
    await start()
    expect(await kids()).toEqual(first)
  })

  it('refuses a missing master key with the cause, and makes no new one', async () => {
    await start()
    await rm(join(folder, 'master.key'))
    await expect(start()).rejects.toThrow(/The master key of this database is missing/)
    await expect(stat(join(folder, 'master.key'))).rejects.toThrow('ENOENT')
    expect(await kids()).toHaveLength(2)
  })

  it('refuses another master key with the cause, and changes nothing', async () => {
    await start()
    const before = await kids()
    await expect(start({ MASTER_KEY: randomBytes(32).toString('hex') })).rejects.toThrow(/The master key is not the one of this database/)
    expect(await kids()).toEqual(before)
  })

  it.each([
    ['truncated', (key: string) => key.slice(0, 20)],
    ['empty', () => ''],
    ['of another alphabet', (key: string) => `!${key.slice(1)}`]
  ])('refuses a master key file that is %s', async (_, damage) => {
    await start()
    const path = join(folder, 'master.key')
    await writeFile(path, damage(await readFile(path, 'utf8')))
    await expect(start()).rejects.toThrow(/holds no master key/)
  })

  it('refuses both MASTER_KEY and MASTER_KEY_FILE at once, and a named file that is not there', async () => {
    const path = join(folder, 'elsewhere.key')
    await expect(start({ MASTER_KEY_FILE: path })).rejects.toThrow(/cannot be read from .*elsewhere\.key \(ENOENT\)/)
    await expect(start({ MASTER_KEY_FILE: path, MASTER_KEY: randomBytes(32).toString('hex') })).rejects.toThrow(/both set/)
  })

  it('refuses a signing key whose row was damaged, and makes no new one', async () => {
    await start()
    const [kid = ''] = await kids()
    await database.$executeRaw`UPDATE signing_keys SET sealed_private_key = left(sealed_private_key, -8) || 'AAAAAAAA' WHERE kid = ${kid}`
    await expect(start()).rejects.toThrow(`The row of signing-key ${kid} does not open`)
    expect(await kids()).toHaveLength(2)
  })

  it('refuses a signing key that was moved to the other environment', async () => {
    await start()
    await database.$executeRaw`UPDATE signing_keys SET environment = 'test' WHERE environment = 'live'`
    await expect(start()).rejects.toThrow(/does not open: it was altered or damaged/)
  })

  it('refuses one signing key in the row of another', async () => {
    await start()
    await database.$executeRaw`UPDATE signing_keys SET sealed_private_key = (SELECT sealed_private_key FROM signing_keys WHERE environment = 'live') WHERE environment = 'test'`
    await expect(start()).rejects.toThrow(/does not open/)
  })

  it('refuses a lost key of the server\'s own beside clients that need it, and makes no new one', async () => {
    await registerClient(await start())
    await database.$executeRaw`DELETE FROM sealed_values WHERE purpose = 'secret-tag-key'`
    await expect(start()).rejects.toThrow('The database has no secret-tag-key')
    await database.$executeRaw`DELETE FROM sealed_values`
    await expect(start()).rejects.toThrow('The database has no secret-tag-key')
  })

  it('refuses a database with clients whose signing keys are gone, and makes no new ones', async () => {
    await registerClient(await start())
    await database.$executeRaw`DELETE FROM signing_keys WHERE environment = 'live'`
    await expect(start()).rejects.toThrow('The signing keys of the live environment are gone from a database that has clients')
    expect(await kids()).toHaveLength(1)
  })

  it('makes a new signing key where every one was withdrawn', async () => {
    await registerClient(await start())
    await database.$executeRaw`UPDATE signing_keys SET withdrawn_at = now()`
    await start()
    expect(await kids()).toHaveLength(4)
  })

  it('works in the schema public though the role has a schema of its own', async () => {
    await database.$executeRaw`CREATE SCHEMA signet AUTHORIZATION signet`
    await database.$executeRaw`DROP SCHEMA public CASCADE`
    await database.$executeRaw`CREATE SCHEMA public`
    await registerClient(await start())
    expect(await kids()).toHaveLength(2)
  })

  it('makes the sample in an empty database only, all of it or nothing', async () => {
    const sampleOf = async (): Promise<boolean> => (await prepare({
      config: loadConfig({ SIGNET_DATA_DIR: folder }), url: test.url, embedded: true, clock: Date.now, progress: () => {}
    })).sample !== undefined
    await createResourceStore(database).create({ identifier: 'https://api.example.com', name: 'Ours' })
    expect(await sampleOf()).toBe(false)
    await database.resource.deleteMany()
    expect(await sampleOf()).toBe(true)
    expect(await sampleOf()).toBe(false)
  })

  async function registerClient ({ sealer, serverKeys }: Prepared): Promise<void> {
    const fixtures = createFixtures({ database, sealer, serverKeys, clock: Date.now })
    await fixtures.client({ organizationId: (await fixtures.organization()).id })
  }

  it('gives processes that start together one master key, one pair of signing keys and no error (F13)', async () => {
    const prepared = await Promise.all(Array.from({ length: 5 }, () => start()))
    expect(new Set(prepared.map(({ masterKey }) => masterKey.id)).size).toBe(1)
    expect(await kids()).toHaveLength(2)
  })
})
