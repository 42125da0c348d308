import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApp, type App } from '../../src/app.ts'
import { loadConfig, type Config } from '../../src/config.ts'
import { createDatabase, type Database } from '../../src/db.ts'
import { createLogger } from '../../src/logger.ts'
import { readMasterKeys } from '../../src/sealing/master-key.ts'
import { createRereadingSealer } from '../../src/sealing/rereading.ts'
import { prepare } from '../../src/setup/prepare.ts'
import { createCli, type Cli } from '../cli/cli-process.ts'
import { createTestDatabase, superuserUrl, type TestDatabase } from '../support/embedded.ts'
import { createFixtures, type RegisteredClient } from '../support/fixtures.ts'
import { postForm, within } from '../support/requests.ts'
import { freePort } from '../support/server.ts'

const [oldKey, newKey] = ['a1'.repeat(32), 'b2'.repeat(32)]

let test: TestDatabase
let database: Database
let folder: string
const apps: App[] = []
const clis: Cli[] = []

beforeEach(async () => {
  test = await createTestDatabase()
  database = createDatabase({ url: test.url, applicationName: 'signet test', poolSize: 2 })
  folder = await mkdtemp(join(tmpdir(), 'signet-master-key-'))
})
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()))
  await Promise.all(clis.splice(0).map((cli) => cli.remove()))
  await database.$disconnect()
  await test.drop()
  await rm(folder, { recursive: true, force: true })
})

type Variables = Readonly<Record<string, string>>

interface Running {
  readonly origin: string
  readonly config: Config
  readonly logs: () => string
}

async function configOf (variables: Variables): Promise<Config> {
  return loadConfig({ SIGNET_DATA_DIR: folder, PORT: String(await freePort()), DRAIN_SECONDS: '0', ISSUER: 'http://127.0.0.1:1', ...variables })
}

/** As a supervisor and a worker do. */
async function start (variables: Variables = {}): Promise<Running> {
  const config = await configOf(variables)
  await prepare({ config, url: test.url, embedded: false, clock: Date.now, progress: () => {} })
  const keys = await readMasterKeys(config)
  if (keys === undefined) throw new Error('no master key')
  const lines: string[] = []
  const logger = createLogger('warn', { write: (line: string) => { lines.push(line) } })
  const app = await createApp({ config, url: test.url, sealer: createRereadingSealer(keys, config), clock: Date.now, logger })
  apps.push(app)
  await app.listen()
  return { origin: `http://127.0.0.1:${config.port}`, config, logs: () => lines.join('') }
}

async function cliWith (variables: Variables = {}): Promise<Cli> {
  const cli = await createCli({ SIGNET_DATA_DIR: folder, DATABASE_URL: test.url, ...variables })
  clis.push(cli)
  return cli
}

/** A client with a generated secret, and one whose secret is kept sealed, for it signs assertions with it. */
async function register (variables: Variables = {}): Promise<readonly [RegisteredClient, RegisteredClient]> {
  const prepared = await prepare({ config: await configOf(variables), url: test.url, embedded: false, clock: Date.now, progress: () => {} })
  const fixtures = createFixtures({ database, ...prepared, clock: Date.now })
  const { organization, partner } = await fixtures.scene()
  return [partner, await fixtures.client({ organizationId: organization.id, authenticationMethods: ['client_secret_jwt'] })]
}

/** Whether both get a token. @returns the refusals */
async function refusals ({ origin, config }: Running, [plain, signing]: readonly [RegisteredClient, RegisteredClient]): Promise<string[]> {
  const assertion = await new SignJWT({ jti: randomBytes(16).toString('hex') }).setProtectedHeader({ alg: 'HS256' })
    .setIssuer(signing.id).setSubject(signing.id).setAudience(config.issuer).setIssuedAt().setExpirationTime('1m').sign(Buffer.from(signing.secret))
  const answers = await Promise.all([
    postForm(`${origin}/oauth/v2/token`, { client_id: plain.id, client_secret: plain.secret }),
    postForm(`${origin}/oauth/v2/token`, { grant_type: 'client_credentials', client_assertion: assertion, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' })
  ])
  return answers.filter(({ status }) => status !== 200).map(({ text }) => text)
}

/** The ids of master keys that envelopes name. */
async function sealedUnder (): Promise<string[]> {
  const rows = await database.$queryRaw<{ id: string }[]>`SELECT DISTINCT split_part(envelope, '.', 2) AS id FROM (
    SELECT envelope FROM sealed_values UNION ALL SELECT sealed_private_key FROM signing_keys UNION ALL SELECT sealed_secret FROM client_secrets WHERE sealed_secret IS NOT NULL) AS all_of_them`
  return rows.map(({ id }) => id)
}

describe('rotation of the master key', { timeout: 60_000 }, () => {
  it('seals everything anew, servers that have both keys refuse nothing while it runs, and the old key is needed no more', async () => {
    const clients = await register({ MASTER_KEY: oldKey })
    const [before] = await sealedUnder()
    const servers = [await start({ MASTER_KEY: newKey, PREVIOUS_MASTER_KEY: oldKey }), await start({ MASTER_KEY: oldKey, PREVIOUS_MASTER_KEY: newKey })]
    for (const server of servers) expect(await within(2, async () => (await refusals(server, clients)).length === 0)).toBe(true)
    const over = new AbortController()
    const refused: string[] = []
    const load = servers.map(async (server) => { while (!over.signal.aborted) refused.push(...await refusals(server, clients)) })

    const cli = await cliWith({ MASTER_KEY: newKey, PREVIOUS_MASTER_KEY: oldKey })
    expect((await cli.record('doctor'))['checks']).toContainEqual(expect.objectContaining({ check: 'master key opens', state: 'warning' }))
    const rotated = await cli.record('master-key', 'rotate', '--yes')
    expect(rotated).toMatchObject({ changed: true, previous_master_key_id: before, signing_keys: 2, client_secrets: 1, server_keys: 2 })
    for (const server of servers) await within(2, async () => { refused.push(...await refusals(server, clients)); return true })
    over.abort()
    await Promise.all(load)
    expect(refused).toEqual([])
    expect(await sealedUnder()).toEqual([rotated['master_key_id']])
    expect(await cli.record('master-key', 'rotate', '--yes')).toMatchObject({ changed: false })

    expect(await refusals(await start({ MASTER_KEY: newKey }), clients)).toEqual([])
    await expect(start({ MASTER_KEY: oldKey })).rejects.toThrow(/The master key is not the one of this database/)
    for (const server of servers) expect(server.logs()).not.toContain('key.unreadable')
  })

  it('a server that has the old key only goes on with the keys that it has opened, says so, and does not start again', async () => {
    const clients = await register({ MASTER_KEY: oldKey })
    const server = await start({ MASTER_KEY: oldKey })
    expect(await within(2, async () => (await refusals(server, clients)).length === 0)).toBe(true)
    await (await cliWith({ MASTER_KEY: newKey, PREVIOUS_MASTER_KEY: oldKey })).record('master-key', 'rotate', '--yes')
    expect(await within(2, async () => server.logs().includes('key.unreadable'))).toBe(true)
    expect(server.logs()).toContain('"goesOnFromMemory":true')
    const after = await refusals(server, clients)
    expect(after).toHaveLength(1)
    expect(after[0]).toContain('invalid_client')
  })

  it('refuses to begin without a second key, with a wrong one, and with a row that does not open: nothing is changed', async () => {
    await register({ MASTER_KEY: oldKey })
    const before = await sealedUnder()
    const refuse = async (variables: Variables): Promise<readonly [number | null, string]> => {
      const { exitCode, stderr } = await (await cliWith(variables))('master-key', 'rotate', '--yes')
      return [exitCode, stderr]
    }
    expect(await refuse({ MASTER_KEY: oldKey })).toEqual([3, expect.stringContaining('PREVIOUS_MASTER_KEY')])
    expect(await refuse({ MASTER_KEY: newKey })).toEqual([1, expect.stringContaining('The master key is not the one of this database')])
    expect(await refuse({ MASTER_KEY: newKey, PREVIOUS_MASTER_KEY: 'c3'.repeat(32) })).toEqual([1, expect.stringContaining('None of the master keys is the one of this database')])
    expect(await refuse({ MASTER_KEY: newKey, PREVIOUS_MASTER_KEY: oldKey, PREVIOUS_MASTER_KEY_FILE: 'x' })).toEqual([1, expect.stringContaining('both set')])
    await database.$executeRaw`UPDATE client_secrets SET sealed_secret = left(sealed_secret, -8) || 'AAAAAAAA' WHERE sealed_secret IS NOT NULL`
    expect(await refuse({ MASTER_KEY: newKey, PREVIOUS_MASTER_KEY: oldKey })).toEqual([1, expect.stringContaining('does not open: it was altered or damaged')])
    expect(await sealedUnder()).toEqual(before)
  })

  it('nothing can be stored that is sealed under another key than everything else', async () => {
    await register({ MASTER_KEY: oldKey })
    await expect(database.$executeRaw`UPDATE signing_keys SET sealed_private_key = 'v1.somebodyElse.nonce.text'`).rejects.toThrow(/sealed under the master key somebodyElse/)
    await expect(database.$executeRaw`UPDATE client_secrets SET sealed_secret = 'v1.somebodyElse.nonce.text'`).rejects.toThrow(/sealed under the master key somebodyElse/)
  })
})

describe('F15 rotation of a master key that Signet keeps itself, killed half way', { timeout: 120_000 }, () => {
  async function kill (at: 'waiting for the lock' | 'in the middle' | 'committing'): Promise<void> {
    const superuser = new pg.Client({ connectionString: superuserUrl(test.url) })
    await superuser.connect()
    // Whoever seals waits there until we let go.
    await superuser.query('SELECT pg_advisory_lock(77), pg_advisory_lock(7367600, 1)')
    if (at !== 'waiting for the lock') {
      await superuser.query(`CREATE OR REPLACE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_lock(77); PERFORM pg_advisory_unlock(77); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER wait_for_the_test AFTER UPDATE ON signing_keys DEFERRABLE INITIALLY ${at === 'committing' ? 'DEFERRED' : 'IMMEDIATE'} FOR EACH ROW EXECUTE FUNCTION wait_for_the_test()`)
      await superuser.query('SELECT pg_advisory_unlock(7367600, 1)')
    }
    const cli = await cliWith()
    const { exitCode } = await cli.during(async (send) => {
      const isWaiting = async (): Promise<boolean> => {
        const { rows } = await superuser.query<{ waiting: boolean }>("SELECT count(*) > 0 AS waiting FROM pg_stat_activity WHERE application_name = 'signet cli' AND wait_event_type = 'Lock'")
        return rows[0]?.waiting === true
      }
      expect(await within(20, isWaiting)).toBe(true)
      send('SIGKILL')
    }, 'master-key', 'rotate', '--yes')
    expect(exitCode).toBeNull()
    await superuser.query('SELECT pg_advisory_unlock_all()')
    // The server finishes or forgets what it was told, and then notices that nobody is there any more.
    expect(await within(10, async () => (await superuser.query("SELECT FROM pg_stat_activity WHERE application_name = 'signet cli'")).rowCount === 0)).toBe(true)
    await superuser.query('DROP TRIGGER IF EXISTS wait_for_the_test ON signing_keys')
    await superuser.end()
  }

  it.each([['waiting for the lock', 'old'], ['in the middle', 'old'], ['committing', 'new']] as const)('%s: everything opens, with the %s key, and the command can be given again', async (at, expected) => {
    const clients = await register()
    const [before] = await sealedUnder()
    const text = await readFile(join(folder, 'master.key'), 'utf8')
    await kill(at)
    const ids = await sealedUnder()
    expect(ids).toHaveLength(1)
    expect(ids[0] === before).toBe(expected === 'old')
    expect(await readFile(join(folder, 'master.key'), 'utf8')).toBe(text)

    expect(await refusals(await start(), clients)).toEqual([])
    // What a backup of the folder copies is what the database is sealed under.
    expect((await readMasterKeys(await configOf({})))?.current.id).toBe(ids[0])
    const cli = await cliWith()
    const again = await cli.record('master-key', 'rotate', '--yes')
    expect(again).toMatchObject({ changed: true, previous_master_key_id: ids[0] })
    expect(await sealedUnder()).toEqual([again['master_key_id']])
    const files = (await readdir(folder)).sort()
    expect(files).toEqual(expect.arrayContaining(['master.key', `master.key.${String(ids[0])}`]))
    expect(files).not.toContain('master.key.next')
    for (const file of files) expect((await stat(join(folder, file))).mode & 0o077, file).toBe(0)
    expect(await refusals(await start(), clients)).toEqual([])
  })

  it('a running server learns the new key from the folder, and refuses nothing', async () => {
    const clients = await register()
    const server = await start()
    expect(await within(2, async () => (await refusals(server, clients)).length === 0)).toBe(true)
    const over = new AbortController()
    const refused: string[] = []
    const load = (async () => { while (!over.signal.aborted) refused.push(...await refusals(server, clients)) })()
    const cli = await cliWith()
    for (let round = 0; round < 2; round += 1) expect(await cli.record('master-key', 'rotate', '--yes')).toMatchObject({ changed: true })
    expect(await refusals(server, clients)).toEqual([])
    over.abort()
    await load
    expect(refused).toEqual([])
    expect(server.logs()).not.toContain('key.unreadable')
    await cli.record('key', 'rotate', '--now', '--yes')
    expect(await within(2, async () => (await refusals(server, clients)).length === 0)).toBe(true)
  })

  it('a key file that is replaced by somebody else is not lost sight of: a wrong one is refused, the right one found again', async () => {
    await register()
    const right = await readFile(join(folder, 'master.key'), 'utf8')
    await writeFile(join(folder, 'master.key'), newKey)
    await expect(start()).rejects.toThrow(/The master key is not the one of this database/)
    await writeFile(join(folder, 'master.key.next'), right)
    await start()
    expect(await readFile(join(folder, 'master.key'), 'utf8')).toBe(right)
  })
})
