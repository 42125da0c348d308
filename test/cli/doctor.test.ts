/** `signet doctor` on installations that are well, ill, and not there at all. */
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createSilentServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Finding } from '../../src/doctor/finding.ts'
import { createTestDatabase } from '../support/embedded.ts'
import { freePort, type TestServer } from '../support/server.ts'
import { createCli } from './cli-process.ts'
import { diagnose, masterKey, sql, startHealthy, states, type Variables } from './doctor-scene.ts'

let server: TestServer
let healthy: Variables

beforeAll(async () => { ({ server, healthy } = await startHealthy()) }, 60_000)
afterAll(async () => { await server.stop() })

describe('a Signet that is well', { timeout: 60_000 }, () => {
  it('gets a line a check, as text and as JSON, and exit code 0; nothing is changed', async () => {
    const cli = await createCli(healthy)
    const before = await sql(server.databaseUrl, 'SELECT max(id) AS last FROM changes')
    const [text, json] = await Promise.all([cli('doctor'), cli.record('doctor')])
    expect(text).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/^signet: nothing is wrong\n$/m) as string })
    expect(text.stdout.trimEnd().split('\n').filter((line) => !/^ok {7}\S/.test(line))).toEqual([])
    expect(json).toMatchObject({ problems: 0, warnings: 0 })
    expect((json['checks'] as Finding[]).map(({ check }) => check)).toEqual([ // as doctor writes it
      'node', 'configuration', '.env', 'master key', 'data folder', 'database', 'schema', 'master key opens', 'keys live', 'keys test', 'credentials in use',
      'clock of the database', 'server', 'issuer', 'metadata live', 'metadata test', 'clock of the server', 'client authentication', 'paths',
      'large bodies', 'caching', 'request ids', 'addresses in the log', 'jwks live', 'jwks test'
    ])
    expect(await sql(server.databaseUrl, 'SELECT max(id) AS last FROM changes')).toEqual(before)
    expect(server.logs.filter(({ msg, requestId }) => msg === 'request.completed' && !String(requestId).startsWith('doctor-'))).toEqual([])
    await cli.remove()
  })

  it('is told when the clocks of the database and of the server are not the one here', async () => {
    const [ahead, behind] = [await diagnose(healthy, () => Date.now() + 20_000), await diagnose(healthy, () => Date.now() - 86_400_000)]
    expect(states(ahead)).toMatchObject({ 'clock of the database': 'warning', 'clock of the server': 'warning' })
    expect(behind['clock of the database']).toMatchObject({ state: 'problem', found: expect.stringMatching(/8\d{4} s ahead of/) as string })
  })
})

describe('what is not there', { timeout: 60_000 }, () => {
  it('an empty folder: warnings and lines "not checked", and still an empty folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'signet-doctor-'))
    const cli = await createCli({ SIGNET_DATA_DIR: join(folder, 'data'), PORT: String(await freePort()) })
    const { exitCode, stdout } = await cli('doctor')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^warning {2}database +there is none yet in /m)
    expect(stdout).toMatch(/^- +schema +not checked: there is no database yet$/m)
    expect(stdout).toMatch(/^warning {2}server +nothing answers at .*\. Start it/m)
    expect(stdout).not.toMatch(/^problem/m)
    expect(await readdir(folder)).toEqual([])
    await Promise.all([rm(folder, { recursive: true }), cli.remove()])
  })

  it('a database without a schema stays without one', async () => {
    const database = await createTestDatabase({ migrated: false })
    const found = await diagnose({ ...healthy, DATABASE_URL: database.url })
    expect(states(found)).toMatchObject({ database: 'ok', schema: 'warning', 'keys live': 'not checked', 'jwks live': 'not checked' })
    expect(await sql(database.url, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")).toEqual([])
    await database.drop()
  })

  it('a database that is away is one problem, and what depends on it is not checked', async () => {
    const found = await diagnose({ ...healthy, DATABASE_URL: `postgresql://signet@127.0.0.1:${await freePort()}/signet` })
    expect(found['database']).toMatchObject({ state: 'problem', found: expect.stringContaining('refuses connections') as string })
    expect(Object.values(found).filter((finding) => finding?.state === 'problem')).toHaveLength(1)
    expect(found['keys live']).toMatchObject({ state: 'not checked' })
  })

  it('another program on the port is named as such, whether it speaks HTTP or not', async () => {
    const programs = [createServer((_, outgoing) => outgoing.writeHead(404).end('<h1>Not found</h1>')), createSilentServer((socket) => socket.on('error', () => {}).end('SSH-2.0-OpenSSH\r\n'))]
    for (const program of programs) {
      program.listen(0, '127.0.0.1')
      await once(program, 'listening')
      const port = String((program.address() as AddressInfo).port) // it listens on TCP
      const found = await diagnose({ ...healthy, PORT: port })
      expect(found['server']).toMatchObject({ state: 'problem', found: `something that is no Signet listens at http://127.0.0.1:${port}`, advice: expect.stringContaining('PORT') as string })
      expect(Object.values(found).filter((finding) => finding?.state === 'problem')).toHaveLength(1)
      const elsewhere = await diagnose({ ...healthy, PORT: port, ISSUER: server.issuer })
      expect(states(elsewhere)).toMatchObject({ server: 'warning', 'metadata live': 'ok' })
      program.close()
    }
  })

  it('neither a database nor a server that accepts and says nothing delays it past 15 seconds', async () => {
    const silent = createSilentServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const port = String((silent.address() as AddressInfo).port) // it listens on TCP
    const cli = await createCli({ DATABASE_URL: `postgresql://signet@127.0.0.1:${port}/signet`, MASTER_KEY: masterKey, PORT: port })
    const begin = performance.now()
    const { exitCode, stdout } = await cli('doctor')
    expect(performance.now() - begin).toBeLessThan(15_000)
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/^problem {2}database /m)
    expect(stdout).toMatch(/^warning {2}server +nothing answers at .*no answer within 3 s/m)
    silent.close()
    await cli.remove()
  })
})

describe('the configuration file of SIGNET_CONFIG', { timeout: 60_000 }, () => {
  const secret = 'imported-secret-of-a-partner-0123456789'
  let folder: string
  let path: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signet-doctor-'))
    path = join(folder, 'signet.yaml')
  })
  afterAll(async () => { await rm(folder, { recursive: true }) })

  async function fileFinding (text: string, variables: Variables = {}): Promise<Finding | undefined> {
    await writeFile(path, text)
    const before = await sql(server.databaseUrl, 'SELECT max(id) AS last FROM changes')
    const found = (await diagnose({ ...healthy, ...variables, SIGNET_CONFIG: path }))['configuration file']
    expect(await sql(server.databaseUrl, 'SELECT max(id) AS last FROM changes')).toEqual(before)
    expect(JSON.stringify(found)).not.toContain(secret)
    return found
  }

  it('that is missing or has mistakes is a problem, as a start would refuse it: how many, the first, and how to see all', async () => {
    expect((await diagnose({ ...healthy, SIGNET_CONFIG: join(folder, 'none.yaml') }))['configuration file'])
      .toMatchObject({ state: 'problem', found: expect.stringMatching(/none\.yaml cannot be read/) as string })
    const wrong = `organizations:\n  org_a:\n    nam: A\nclients:\n  cl_live_a:\n    organization: org_a\n    name: A\n    secret:\n      value: ${secret}\n    scopes: [nowhere:read]\n`
    const advice = `See all: signet apply ${path} --dry-run`
    expect(await fileFinding(wrong)).toMatchObject({ state: 'problem', found: expect.stringMatching(/^There are \d mistakes in .+signet\.yaml, the first at .+signet\.yaml:\d+:\d+: /) as string, advice })
    expect(await fileFinding(wrong, { DATABASE_URL: `postgresql://signet@127.0.0.1:${await freePort()}/signet` })).toMatchObject({ state: 'problem', advice })
    // Only the database knows that there is no such resource.
    expect(await fileFinding('clients:\n  cl_live_a:\n    organization: org_nobody\n    name: A\n')).toMatchObject({ state: 'problem', found: expect.stringMatching(/^There is a mistake in .+org_nobody/) as string, advice })
  })

  it('that the next start would apply is a warning, one that it has applied is well, and without a database it is read all the same', async () => {
    const text = `organizations:\n  org_doctor:\n    name: Doctor\nclients:\n  cl_live_doctor:\n    organization: org_doctor\n    name: Doctor\n    secret:\n      value: ${secret}\n`
    expect(await fileFinding(text)).toMatchObject({ state: 'warning', found: expect.stringMatching(/the next start changes it \(3 created, 0 changed, 0 removed\)$/) as string, advice: `See what: signet apply ${path} --dry-run` })
    expect(await fileFinding('{}')).toMatchObject({ state: 'ok', found: `the database is as ${path} says` })
    expect(await fileFinding(text, { DATABASE_URL: `postgresql://signet@127.0.0.1:${await freePort()}/signet` })).toMatchObject({ state: 'ok', found: `${path} has no mistakes; the database was not compared with it` })
  })
})
