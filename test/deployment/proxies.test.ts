/** Where a reverse proxy is not installed, its tests are skipped. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Agent } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/data-folder.ts'
import { createDeployment, type Deployment } from '../support/deployment.ts'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import type { Scene } from '../support/fixtures.ts'
import { freePort, startTestServer } from '../support/server.ts'
import { isInstalled, makeCertificate, proxyKinds, startProxy, type Proxy, type ProxyKind } from './proxy-process.ts'

interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

interface Request {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

const issuer = 'https://auth.example.com'
const masterKey = '5a'.repeat(32)
const callersOfEach = 4
const installed = proxyKinds.filter(isInstalled)

let scratch: string
let agent: Agent
let database: TestDatabase
let scene: Scene
let instances: readonly Deployment[] = []
const proxies = new Map<ProxyKind, Proxy>()

beforeAll(async () => {
  if (installed.length === 0) return
  scratch = realpathSync(mkdtempSync(join(tmpdir(), 'signet-proxies-')))
  chmodSync(scratch, 0o755) // nginx's workers are another user
  const ca = makeCertificate(scratch)
  // From an address that is the caller's alone. The public name leads to this machine.
  agent = new Agent({ localAddress: '127.0.0.9', connect: { ca, lookup: (_name, { all }, done) => { all === true ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4) } } })
  database = await createTestDatabase()
  const server = await startTestServer({ databaseUrl: database.url, environment: { MASTER_KEY: masterKey } })
  scene = await server.fixtures.scene()
  await server.stop()
  // As the files say; a shorter drain than they advise, for the sake of the test's time.
  const environment = { ISSUER: issuer, TRUST_PROXY: '127.0.0.1', DRAIN_SECONDS: '2', MASTER_KEY: masterKey, WORKERS: '1', DATABASE_URL: database.url }
  const ports = [await freePort(), await freePort()] as const
  instances = ports.map((port) => createDeployment({ dataDir: join(scratch, 'data'), port, environment }))
  await Promise.all(instances.map(async (instance) => { await instance.start() }))
  for (const kind of installed) proxies.set(kind, await startProxy(kind, { scratch, port: await freePort() }, ports))
}, 90_000)

afterAll(async () => {
  if (installed.length === 0) return
  await agent.destroy()
  await Promise.all([...proxies.values(), ...instances].map(async (each) => await each.stop()))
  await database.drop()
  rmSync(scratch, { recursive: true, force: true })
}, 60_000)

function proxyOf (kind: ProxyKind): Proxy {
  const proxy = proxies.get(kind)
  if (proxy === undefined) throw new Error(`${kind.name} is not installed`)
  return proxy
}

/** The path goes out as it stands; a URL would be normalized on the way. */
async function send ({ origin }: Proxy, path: string, { method = 'POST', headers = {}, body }: Request = {}): Promise<Answer> {
  const type = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
  const response = await agent.request({ origin, path, method, headers: { ...type, ...headers }, body: body ?? null })
  return { status: response.statusCode, body: await response.body.text(), headers: response.headers }
}

function askForToken (proxy: Proxy): Promise<Answer> {
  return send(proxy, '/oauth/v2/token', { body: `client_id=${scene.partner.id}&client_secret=${scene.partner.secret}` })
}

function basic (id: string, secret: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
}

function errorOf ({ body }: Answer): unknown {
  return (JSON.parse(body) as { error?: unknown }).error // an error of OAuth is an object
}

describe.each(proxyKinds)('$file', (kind) => {
  describe.skipIf(!isInstalled(kind))(`driven by ${kind.name}`, () => {
    it('passes Basic authentication, and the request id both ways', async () => {
      const requestId = `through-${kind.name}-1`
      const { status, headers, body } = await send(proxyOf(kind), '/oauth/v2/token', { headers: { ...basic(scene.partner.id, scene.partner.secret), 'x-request-id': requestId }, body: 'grant_type=client_credentials' })
      expect({ status, id: headers['x-request-id'] }).toEqual({ status: 200, id: requestId })
      expect(JSON.parse(body)).toMatchObject({ token_type: 'Bearer' })
      await until(async () => proxyOf(kind).log().includes('/oauth/v2/token') && proxyOf(kind).log().includes(requestId), 'the log of the proxy has both')
    })

    it('names the caller in the log of Signet, whatever the caller claims', async () => {
      const requestId = `forwarded-${kind.name}-1`
      await send(proxyOf(kind), '/oauth/v2/token', { headers: { 'x-forwarded-for': '203.0.113.9', 'x-request-id': requestId }, body: '' })
      const logged = (): string[] => instances.flatMap((instance) => instance.output().split('\n')).filter((line) => line.includes(requestId))
      await until(async () => logged().length > 0, 'the log has it')
      expect(logged().map((line) => (JSON.parse(line) as { address: string }).address)).toEqual(['127.0.0.9']) // pino writes objects
    })

    it('leaves refusals as Signet made them: 401 with its challenge, 405, 413', async () => {
      const refused = await send(proxyOf(kind), '/oauth/v2/token', { headers: basic(scene.partner.id, 'wrong'), body: 'grant_type=client_credentials' })
      expect(refused).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Basic realm="signet", charset="UTF-8"', 'content-type': expect.stringMatching(/^application\/json/) as unknown, 'cache-control': 'no-store' } })
      expect(JSON.parse(refused.body)).toMatchObject({ error: 'invalid_client', error_uri: expect.stringContaining(issuer) as unknown })
      expect(await send(proxyOf(kind), '/oauth/v2/token', { method: 'GET' })).toMatchObject({ status: 405, headers: { allow: 'POST' } })
      const large = await send(proxyOf(kind), '/oauth/v2/token', { body: `client_id=${'x'.repeat(20_000)}` })
      expect({ status: large.status, error: errorOf(large) }).toEqual({ status: 413, error: 'invalid_request' })
    })

    it.each(['//oauth/v2/token', '/oauth/v2/token/', '/oauth//v2/token', '/oauth/v2/%74oken%2F', '/x/../oauth/v2/token', '/oauth/v2/./token'])('passes the path %s on as it is', async (path) => {
      expect((await send(proxyOf(kind), path, { body: '' })).status).toBe(404)
    })

    it('writes no secret into its log that somebody put into a query', async () => {
      const requestId = `query-${kind.name}-1`
      await send(proxyOf(kind), `/oauth/v2/token?client_secret=${scene.partner.secret}`, { headers: { 'x-request-id': requestId }, body: '' })
      await until(async () => proxyOf(kind).log().includes(requestId), 'the log of the proxy has it')
      expect(proxyOf(kind).log()).not.toContain(scene.partner.secret)
    })
  })
})

describe.skipIf(installed.length === 0)('a rolling restart of two instances (F20)', () => {
  it('refuses no request, whichever proxy is in front of them', { timeout: 120_000 }, async () => {
    const restarted = new AbortController()
    const outcomes = new Map(installed.map((kind) => [kind, new Map<string, number>()]))
    async function keepAsking (kind: ProxyKind): Promise<void> {
      const counts = outcomes.get(kind)
      while (!restarted.signal.aborted) {
        const outcome = await askForToken(proxyOf(kind)).then(({ status }) => String(status), (error: unknown) => String(error))
        counts?.set(outcome, (counts.get(outcome) ?? 0) + 1)
      }
    }
    const callers = installed.flatMap((kind) => Array.from({ length: callersOfEach }, () => keepAsking(kind)))
    for (const instance of instances) {
      expect(await instance.stop()).toBe(0)
      await instance.start()
      await pause(2_000) // as the systemd units do, for the proxy to notice
    }
    restarted.abort()
    await Promise.all(callers)
    const counted = [...outcomes].map(([kind, counts]) => ({ name: kind.name, ...Object.fromEntries(counts) }))
    console.log(JSON.stringify(counted))
    expect(counted).toEqual(installed.map(({ name }) => ({ name, 200: expect.any(Number) as unknown })))
    for (const counts of outcomes.values()) expect(counts.get('200')).toBeGreaterThan(100)
  })
})

describe('a reverse proxy whose instances are all away', () => {
  it.each(installed)('$name answers 503 in JSON, with Retry-After', { timeout: 30_000 }, async (kind) => {
    const own = join(scratch, 'alone')
    mkdirSync(own, { recursive: true })
    makeCertificate(own)
    const proxy = await startProxy(kind, { scratch: own, port: await freePort() }, [await freePort(), await freePort()])
    const trusting = new Agent({ connect: { rejectUnauthorized: false, servername: 'auth.example.com' } })
    try {
      const { statusCode, headers, body } = await trusting.request({ origin: proxy.origin.replace('auth.example.com', '127.0.0.1'), path: '/oauth/v2/jwks', method: 'GET', headers: { host: new URL(proxy.origin).host } })
      expect({ statusCode, body: await body.json(), retryAfter: headers['retry-after'] }).toMatchObject({ statusCode: 503, body: { error: 'temporarily_unavailable' }, retryAfter: '2' })
    } finally {
      await trusting.destroy()
      await proxy.stop()
    }
  })
})
