/** What `signet doctor` finds wrong with configuration, files and proxies. */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Finding } from '../../src/doctor/finding.ts'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import type { RegisteredClient } from '../support/fixtures.ts'
import { freePort, startTestServer, type TestServer } from '../support/server.ts'
import { createCli } from './cli-process.ts'
import { diagnose, diagnoseAll, masterKey, sql, startHealthy, states, type Variables, type Diagnosis } from './doctor-scene.ts'

let server: TestServer
let healthy: Variables

beforeAll(async () => { ({ server, healthy } = await startHealthy()) }, 60_000)
afterAll(async () => { await server.stop() })

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

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

  it('another master key, a damaged key row, an overdue rotation, no next key, a migration that is unknown', async () => {
    expect((await diagnose({ ...healthy, MASTER_KEY: randomBytes(32).toString('hex') }))['master key opens'])
      .toMatchObject({ state: 'problem', found: expect.stringContaining('not the one of this database') as string })
    const database = await copyOf(server.databaseUrl)
    await sql(database.url, "UPDATE signing_keys SET sealed_private_key = overlay(sealed_private_key placing 'AAAAAAAA' from 60) WHERE environment = 'test'")
    await sql(database.url, "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'x', '20991231000000_later_breaking', now())")
    const found = await diagnose({ ...healthy, DATABASE_URL: database.url })
    expect(states(found)).toMatchObject({ schema: 'problem', 'master key opens': 'ok', 'keys live': 'ok', 'keys test': 'problem' })
    await sql(database.url, "UPDATE signing_keys SET activates_at = now() - interval '32 days' WHERE environment = 'live' AND activates_at < now()")
    expect((await diagnose({ ...healthy, DATABASE_URL: database.url }))['keys live']).toMatchObject({ state: 'warning', found: expect.stringContaining('was to be replaced after 30 days') as string })
    expect((await diagnose({ ...healthy, DATABASE_URL: database.url, KEY_ROTATION_DAYS: '0' }))['keys live']).toMatchObject({ state: 'ok', found: expect.stringContaining('a next one waits') as string })
    await sql(database.url, "DELETE FROM signing_keys WHERE environment = 'live' AND activates_at > now()")
    expect((await diagnose({ ...healthy, DATABASE_URL: database.url, KEY_ROTATION_DAYS: '0' }))['keys live']).toMatchObject({ state: 'warning', found: expect.stringContaining('no key waits') as string })
    await sql(database.url, 'TRUNCATE signing_keys')
    expect((await diagnose({ ...healthy, DATABASE_URL: database.url }))['jwks live']).toMatchObject({ state: 'problem', advice: expect.stringContaining('another database') as string })
    await database.drop()
  })
})

describe('secrets and keys that clients use', { timeout: 60_000 }, () => {
  it('that expire within 14 days, or have expired and left their client with nothing, are warnings that name them', async () => {
    const check = async (): Promise<Finding[]> => (await diagnoseAll(healthy)).filter(({ check }) => check === 'credentials in use')
    expect(await check()).toMatchObject([{ state: 'ok', found: 'none that was used within 30 days expires within 14 days' }])
    const { id: organizationId } = await server.fixtures.organization()
    const [soon, gone, moved, idle] = [await server.fixtures.client({ organizationId }), await server.fixtures.client({ organizationId }), await server.fixtures.client({ organizationId }), await server.fixtures.client({ organizationId })]
    const expire = async ({ id, client }: RegisteredClient, days: number, usedDaysAgo: number): Promise<string> => {
      const [secretId = ''] = client.secrets.keys()
      await sql(server.databaseUrl, `UPDATE client_secrets SET expires_at = now() + interval '${days} days' WHERE id = '${secretId}'`)
      await sql(server.databaseUrl, `INSERT INTO credential_usage (client_id, credential, secret_id, last_used_at) VALUES ('${id}', 'secret:${secretId}', '${secretId}', now() - interval '${usedDaysAgo} days')`)
      return secretId
    }
    const secretIds = [await expire(soon, 13, 1), await expire(gone, -2, 2), await expire(moved, -2, 2), await expire(idle, 13, 31)]
    await sql(server.databaseUrl, `INSERT INTO credential_usage (client_id, credential, last_used_at) VALUES ('${moved.id}', 'certificate', now())`)
    await sql(server.databaseUrl, `INSERT INTO client_keys (client_id, kid, algorithm, jwk, expires_at) VALUES ('${soon.id}', 'k1', 'ES256', '{}', now() + interval '12 days')`)
    await sql(server.databaseUrl, `INSERT INTO credential_usage (client_id, credential, kid, last_used_at) VALUES ('${soon.id}', 'key:k1', 'k1', now())`)
    const [expired, ending, ...others] = await check()
    expect(others).toEqual([])
    expect(expired).toMatchObject({ state: 'warning', found: expect.stringMatching(new RegExp(`^1 has expired, and its client has used nothing else since: secret ${secretIds[1] ?? ''} of ${gone.id} on \\d{4}-\\d\\d-\\d\\d$`)) as string })
    expect(ending).toMatchObject({
      state: 'warning',
      found: expect.stringMatching(new RegExp(`^2 expire within 14 days: key k1 of ${soon.id} on .{10}, secret ${secretIds[0] ?? ''} of ${soon.id} on .{10}$`)) as string,
      advice: expect.stringContaining('signet secret add') as string
    })
    await sql(server.databaseUrl, `UPDATE clients SET disabled_at = now() WHERE id IN ('${soon.id}', '${gone.id}')`)
    expect(await check()).toMatchObject([{ state: 'ok' }])
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
