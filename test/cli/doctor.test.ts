/** `signet doctor` on installations that are well, ill, and not there at all. */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createSilentServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { examine } from '../../src/doctor/doctor.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import { connectExternal } from '../../src/postgres/external.ts'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { freePort, startTestServer, type TestServer } from '../support/server.ts'
import { createCli } from './cli-process.ts'

const masterKey = 'd0'.repeat(32)
const hasOpenssl = spawnSync('openssl', ['version']).status === 0
type Variables = Readonly<Record<string, string>>
type Diagnosis = Readonly<Record<string, Finding | undefined>>

let server: TestServer
let healthy: Variables

beforeAll(async () => {
  server = await startTestServer({ environment: { MASTER_KEY: masterKey } })
  healthy = { DATABASE_URL: server.databaseUrl, MASTER_KEY: masterKey, PORT: String(server.config.port), WORKERS: '2' }
}, 60_000)
afterAll(async () => { await server.stop() })

/** In this process: a process for each question would take longer than the questions. */
async function diagnose (variables: Variables, clock = Date.now): Promise<Diagnosis> {
  const findings = await examine({
    variables,
    dotenvProblem: undefined,
    clock,
    async withDatabase ({ databaseUrl = '' }, work) {
      await connectExternal({ url: databaseUrl, waitSeconds: 1, progress: () => {} })
      await work(databaseUrl)
    }
  })
  for (const { found, advice } of findings) expect(`${found}${advice ?? ''}`).not.toMatch(/\n|node_modules|undefined|\[object/)
  // Of several lines of one check the worst counts here.
  return Object.fromEntries([...findings].sort((one) => one.state === 'problem' ? 1 : -1).map((finding) => [finding.check, finding]))
}

function states (diagnosis: Diagnosis): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(diagnosis).map(([check, finding]) => [check, finding?.state]))
}

async function sql (url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}

describe('a Signet that is well', { timeout: 60_000 }, () => {
  it('gets a line a check, as text and as JSON, and exit code 0; nothing is changed', async () => {
    const cli = await createCli(healthy)
    const before = await sql(server.databaseUrl, 'SELECT max(id) AS last FROM changes')
    const [text, json] = await Promise.all([cli('doctor'), cli.record('doctor')])
    expect(text).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/^signet: nothing is wrong\n$/m) as string })
    expect(text.stdout.trimEnd().split('\n').filter((line) => !/^ok {7}\S/.test(line))).toEqual([])
    expect(json).toMatchObject({ problems: 0, warnings: 0 })
    expect((json['checks'] as Finding[]).map(({ check }) => check)).toEqual([ // as doctor writes it
      'node', 'configuration', '.env', 'master key', 'data folder', 'database', 'schema', 'master key opens', 'keys live', 'keys test',
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

describe('what is wrong with configuration and files', { timeout: 60_000 }, () => {
  it('names every variable that cannot be used, and what a misspelt one means', async () => {
    const cli = await createCli({ PORT: 'http', WORKERS: '0', DATABASE_ULR: 'x', SIGNET_COLOUR: 'blue', LOG_LEVEL: 'info' }, { dotenv: `MASTER_KEY=${masterKey}\nMASTER_KEY_FILE=key\n` })
    const { exitCode, stdout, stderr } = await cli('doctor')
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(/^signet: \d problems and \d warnings: the lines above say what to do\.\n$/) as string })
    expect(stdout).toMatch(/^problem {2}configuration +PORT is not usable: /m)
    expect(stdout).toMatch(/^problem {2}configuration +WORKERS is not usable: /m)
    expect(stdout).toMatch(/^problem {2}configuration +MASTER_KEY and MASTER_KEY_FILE are both set/m)
    expect(stdout).toMatch(/^warning {2}configuration +DATABASE_ULR is no variable of Signet\. Did you mean DATABASE_URL\?$/m)
    expect(stdout).toMatch(/^warning {2}configuration +SIGNET_COLOUR is no variable of Signet\./m)
    expect(stdout).toMatch(/^- +issuer +not checked: PORT cannot be used$/m)
    expect(stdout).toMatch(/^problem {2}\.env +others may read or write /m)
    expect(stdout).not.toContain(masterKey)
    await cli.remove()
  })

  it('a password file belongs to DATABASE_URL, and is for its owner alone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'signet-doctor-'))
    const file = join(folder, 'password')
    await writeFile(file, 'secret', { mode: 0o644 })
    expect((await diagnose({ ...healthy, DATABASE_URL: 'postgresql://signet@127.0.0.1:1/signet', DATABASE_PASSWORD_FILE: file }))['password file']).toMatchObject({ state: 'warning' })
    const alone = await diagnose({ MASTER_KEY: masterKey, PORT: healthy['PORT'] ?? '', DATABASE_PASSWORD_FILE: file })
    expect(alone['configuration']).toMatchObject({ state: 'problem', found: 'DATABASE_PASSWORD_FILE is set and DATABASE_URL is not' })
    expect(alone['database']).toMatchObject({ state: 'not checked' })
    const misspelt = await diagnose({ ...healthy, DATABASE_URL: 'mysql://nowhere', DATABASE_PASSWORD_FILE: file })
    expect(misspelt['configuration']).toMatchObject({ state: 'problem', found: 'DATABASE_URL is not a PostgreSQL URL' })
    await rm(folder, { recursive: true })
  })

  it('a key that others can read, that git tracks, that git does not ignore, or that is no key', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'signet-doctor-'))
    const file = join(folder, 'data', 'master.key')
    const masterKeyOf = async (): Promise<Finding | undefined> => (await diagnose({ ...healthy, MASTER_KEY: '', SIGNET_DATA_DIR: join(folder, 'data') }))['master key']
    const git = (...parameters: readonly string[]): void => { execFileSync('git', parameters, { cwd: join(folder, 'data'), stdio: 'ignore' }) }
    await mkdir(join(folder, 'data'), { mode: 0o700 })
    await writeFile(file, masterKey, { mode: 0o600 })
    expect(await masterKeyOf()).toMatchObject({ state: 'ok' })
    await chmod(file, 0o640)
    expect(await masterKeyOf()).toMatchObject({ state: 'problem', found: expect.stringContaining('mode 0640') as string, advice: `Run: chmod 600 ${file}` })
    await chmod(file, 0o600)
    git('init', '--quiet')
    expect(await masterKeyOf()).toMatchObject({ state: 'warning', found: expect.stringContaining('does not ignore it') as string })
    git('add', 'master.key')
    expect(await masterKeyOf()).toMatchObject({ state: 'problem', found: expect.stringContaining('git tracks') as string })
    await writeFile(file, 'no key')
    expect(await masterKeyOf()).toMatchObject({ state: 'problem', found: expect.stringContaining('holds no master key') as string })
    await rm(folder, { recursive: true })
  })

  it('another master key, a damaged key row, a migration that is unknown', async () => {
    expect((await diagnose({ ...healthy, MASTER_KEY: randomBytes(32).toString('hex') }))['master key opens'])
      .toMatchObject({ state: 'problem', found: expect.stringContaining('not the one of this database') as string })
    const database = await copyOf(server.databaseUrl)
    await sql(database.url, "UPDATE signing_keys SET sealed_private_key = overlay(sealed_private_key placing 'AAAAAAAA' from 60) WHERE environment = 'test'")
    await sql(database.url, "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'x', '20991231000000_later_breaking', now())")
    const found = await diagnose({ ...healthy, DATABASE_URL: database.url })
    expect(states(found)).toMatchObject({ schema: 'problem', 'master key opens': 'ok', 'keys live': 'ok', 'keys test': 'problem' })
    await sql(database.url, 'TRUNCATE signing_keys')
    expect((await diagnose({ ...healthy, DATABASE_URL: database.url }))['jwks live']).toMatchObject({ state: 'problem', advice: expect.stringContaining('another database') as string })
    await database.drop()
  })
})

/** A database with the same schema and keys, on which nobody works. */
async function copyOf (url: string): Promise<TestDatabase> {
  const database = await createTestDatabase()
  for (const table of ['signing_keys', 'sealed_values']) {
    const [row] = await sql(url, `SELECT json_agg(t)::text AS rows FROM ${table} AS t`)
    await sql(database.url, `INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, '${String(row?.['rows'])}')`)
  }
  return database
}

describe('what proxies do', { timeout: 60_000 }, () => {
  let proxy: Server | undefined
  let behind: TestServer | undefined

  afterEach(async () => {
    proxy?.close()
    await behind?.stop()
  })

  /** Signet behind a proxy of ours, which may meddle. @param path of the issuer */
  async function through (meddle: (incoming: IncomingMessage, outgoing: ServerResponse) => boolean, path = '', after: (outgoing: ServerResponse) => void = () => {}): Promise<Diagnosis> {
    const port = await freePort()
    const issuer = `http://127.0.0.1:${port}${path}`
    const signet = behind = await startTestServer({ databaseUrl: server.databaseUrl, environment: { MASTER_KEY: masterKey, ISSUER: issuer } })
    proxy = createServer((incoming, outgoing) => {
      if (meddle(incoming, outgoing)) return
      const passed = request(signet.origin + (incoming.url ?? ''), { method: incoming.method, headers: incoming.headers }, (answer) => {
        for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined) outgoing.setHeader(name, value)
        after(outgoing)
        outgoing.writeHead(answer.statusCode ?? 502)
        answer.pipe(outgoing)
      })
      incoming.pipe(passed)
    }).listen(port, '127.0.0.1')
    return await diagnose({ ...healthy, PORT: String(signet.config.port), ISSUER: issuer })
  }

  it('nothing, when they pass everything on: an issuer with a path is well at both well-known addresses', async () => {
    const found = await through(() => false, '/auth')
    expect(Object.values(found).filter((finding) => finding?.state !== 'ok')).toEqual([])
    expect(found['metadata test']?.found).toContain('/.well-known/oauth-authorization-server/auth/test and /auth/test/.well-known/openid-configuration')
  })

  it('drop credentials and request ids, add slashes, cache, answer for Signet: each is a line of its own', async () => {
    const found = await through((incoming, outgoing) => {
      delete incoming.headers.authorization
      delete incoming.headers['x-request-id']
      const isLarge = Number(incoming.headers['content-length'] ?? 0) > 16_384
      if (isLarge) outgoing.writeHead(413, { 'content-type': 'text/html' }).end('<h1>Too large</h1>')
      else if (incoming.url === '/oauth/v2/token/') outgoing.writeHead(301, { location: '/oauth/v2/token' }).end()
      return isLarge || incoming.url === '/oauth/v2/token/'
    }, '', (outgoing) => outgoing.setHeader('cache-control', 'max-age=60'))
    expect(states(found)).toMatchObject({
      issuer: 'ok', 'client authentication': 'problem', paths: 'warning', 'large bodies': 'warning', caching: 'problem', 'request ids': 'warning', 'jwks live': 'ok'
    })
    expect(found['client authentication']?.found).toBe('the Authorization header does not arrive')
  })

  it.skipIf(!hasOpenssl)('terminate TLS: a certificate that is not trusted is a problem, one that ends soon a warning, and so is TRUST_PROXY unset', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'signet-doctor-'))
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '10', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'], { stdio: 'ignore' })
    const port = await freePort()
    const issuer = `https://localhost:${port}`
    const signet = behind = await startTestServer({ databaseUrl: server.databaseUrl, environment: { MASTER_KEY: masterKey, ISSUER: issuer } })
    proxy = createTlsServer({ key: await readFile(key), cert: await readFile(certificate) }, (incoming, outgoing) => {
      incoming.pipe(request(signet.origin + (incoming.url ?? ''), { method: incoming.method, headers: incoming.headers }, (answer) => {
        answer.pipe(outgoing.writeHead(answer.statusCode ?? 502, answer.headers))
      }))
    }).listen(port, 'localhost')
    const variables = { ...healthy, ISSUER: issuer, PORT: String(signet.config.port) }
    expect((await diagnose(variables))['issuer']).toMatchObject({ state: 'problem', advice: expect.stringContaining('NODE_EXTRA_CA_CERTS') as string })
    const cli = await createCli({ ...variables, NODE_EXTRA_CA_CERTS: certificate })
    const { exitCode, stdout } = await cli('doctor')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^warning {2}certificate +ends on \d{4}-\d\d-\d\d, in (9|10) days\. Renew it/m)
    expect(stdout).toMatch(/^warning {2}addresses in the log .*TRUST_PROXY/m)
    expect(stdout).toMatch(/^ok {7}client authentication /m)
    await Promise.all([cli.remove(), rm(folder, { recursive: true })])
  })

  it('redirect, pass on one well-known address only, lead to something else, or do not answer', async () => {
    const redirected = await through((incoming, outgoing) => {
      outgoing.writeHead(308, { location: `https://elsewhere.example${incoming.url ?? ''}` }).end()
      return true
    })
    expect(redirected['metadata live']?.found).toContain('redirects to https://elsewhere.example/')
    proxy?.close()
    await behind?.stop()
    const partial = await through((incoming, outgoing) => {
      const isRoot = incoming.url?.startsWith('/.well-known/') === true
      if (isRoot) outgoing.writeHead(404).end()
      return isRoot
    }, '/auth')
    expect(partial['metadata live']).toMatchObject({ state: 'problem', found: expect.stringMatching(/oauth-authorization-server\/auth answers 404$/) as string })
    const foreign = await diagnose({ ...healthy, ISSUER: server.issuer, PORT: String(behind?.config.port) })
    expect(states(foreign)).toMatchObject({ server: 'ok', issuer: 'ok' })
    const unreachable = await diagnose({ ...healthy, ISSUER: `http://127.0.0.1:${await freePort()}` })
    expect(unreachable['issuer']).toMatchObject({ state: 'problem', found: expect.stringContaining('and the server at') as string })
    expect((await diagnose({ ...healthy, ISSUER: 'https://auth.example.invalid' }))['issuer']?.advice).toMatch(/name cannot be resolved/)
  })
})
