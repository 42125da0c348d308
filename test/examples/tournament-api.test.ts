/** The sample API as a process of its own, beside a Signet, over HTTP. What it refuses, any resource API should. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { compact, partsOf, rs256, signingKeyOf, type Part } from '../support/forged-tokens.ts'
import { known, revoke, send, tokenOf, within, type Answer } from '../support/requests.ts'
import { freePort, startTestServer, type TestServer } from '../support/server.ts'
import { projectFolder } from '../support/signet-process.ts'

let server: TestServer
let scene: Scene
let api: Api
const started: ChildProcess[] = []

interface Api {
  readonly call: (method: string, path: string, token?: string, headers?: Readonly<Record<string, string>>, body?: object) => Promise<Answer>
  readonly process: ChildProcess
}

beforeAll(async () => {
  server = await startTestServer()
  scene = await server.fixtures.scene()
  await known(server, scene.api)
  api = await startApi()
})
afterEach(() => { for (const child of started.splice(1)) child.kill() })
afterAll(async () => {
  for (const child of started) child.kill()
  await server.stop()
})

async function startApi (environment: Readonly<Record<string, string>> = {}): Promise<Api> {
  const port = await freePort()
  const child = spawn(process.execPath, [join(projectFolder, 'examples', 'tournament-api', 'server.js')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      PORT: String(port),
      ISSUER: server.issuer,
      AUDIENCE: scene.resource.identifier,
      INTROSPECTION_CLIENT_ID: scene.api.id,
      INTROSPECTION_CLIENT_SECRET: scene.api.secret,
      ...environment
    }
  })
  started.push(child)
  const origin = `http://127.0.0.1:${port}`
  const answers = async (): Promise<boolean> => await fetch(`${origin}/health`).then(({ ok }) => ok, () => false)
  expect(await within(15, answers)).toBe(true)
  return {
    process: child,
    call: (method, path, token, headers = {}, body) => send(origin + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }), ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
  }
}

function challengeOf ({ headers }: Answer): string {
  return headers.get('www-authenticate') ?? ''
}

describe('the tour of the sample API', () => {
  it('answers a good token, refuses too small a scope, and refuses a revoked token where it asks introspection', async () => {
    const reading = await tokenOf(server, scene.partner, 'tournaments:read')
    expect((await api.call('GET', '/tournaments', reading)).text).toContain('Spring Cup')
    const refused = await api.call('DELETE', '/tournaments/1', reading)
    expect(refused.status).toBe(403)
    expect(refused.json['error']).toBe('insufficient_scope')
    expect(challengeOf(refused)).toMatch(/^Bearer realm="tournament-api", error="insufficient_scope", .*scope="tournaments:write"$/)
    const writing = await tokenOf(server, scene.partner, 'tournaments:write')
    expect((await api.call('POST', '/tournaments', writing, {}, { name: 'Autumn Cup' })).status).toBe(201)
    expect((await api.call('DELETE', '/tournaments/1', writing)).status).toBe(204)
    expect((await revoke(server, scene.partner, writing)).status).toBe(200)
    const revoked = await api.call('DELETE', '/tournaments/2', writing)
    expect(revoked.status).toBe(401)
    expect(challengeOf(revoked)).toContain('error="invalid_token"')
    expect((await api.call('POST', '/tournaments', writing, {}, { name: 'Winter Cup' })).status, 'until the list is fetched again').toBe(201)
  })

  it('refuses a revoked token offline, wherever it is used, with a status list that it fetches after the revocation', async () => {
    const [revoked, good] = [await tokenOf(server, scene.partner, 'tournaments:write'), await tokenOf(server, scene.partner, 'tournaments:write')]
    expect((await revoke(server, scene.partner, revoked)).status).toBe(200)
    const fresh = await startApi({ INTROSPECTION_ENDPOINT: 'http://127.0.0.1:9/introspect' })
    const answer = await fresh.call('POST', '/tournaments', revoked, {}, { name: 'Winter Cup' })
    expect(answer.status).toBe(401)
    expect(answer.json).toEqual({ error: 'invalid_token', error_description: 'The access token was revoked: get another one.' })
    expect(challengeOf(answer)).toMatch(/^Bearer realm="tournament-api", error="invalid_token", /)
    expect((await fresh.call('POST', '/tournaments', good, {}, { name: 'Winter Cup' })).status).toBe(201)
  })

  it('shows an organization its own tournaments only', async () => {
    const other = await server.fixtures.client({ organizationId: (await server.fixtures.organization()).id, scopes: ['tournaments:read', 'tournaments:write'] })
    await known(server, other)
    await api.call('POST', '/tournaments', await tokenOf(server, other, 'tournaments:write'), {}, { name: 'Secret Cup' })
    expect((await api.call('GET', '/tournaments', await tokenOf(server, other))).text).toContain('Secret Cup')
    expect((await api.call('GET', '/tournaments', await tokenOf(server, scene.partner))).text).not.toContain('Secret Cup')
  })
})

describe('RFC 6750 §3 what the sample API refuses', () => {
  it.each([['no Authorization header', {}], ['another scheme', { Authorization: 'Basic YTpi' }]])('challenges a request with %s, and names no error', async (_, headers) => {
    const answer = await api.call('GET', '/tournaments', undefined, headers)
    expect(answer.status).toBe(401)
    expect(challengeOf(answer)).toBe('Bearer realm="tournament-api"')
  })

  it.each([['no token', 'Bearer '], ['two tokens', 'Bearer a b']])('answers 400 invalid_request to an Authorization header with %s', async (_, header) => {
    const answer = await api.call('GET', '/tournaments', undefined, { Authorization: header })
    expect(answer.status).toBe(400)
    expect(challengeOf(answer)).toContain('error="invalid_request"')
  })

  it.each([['garbage', 'Bearer garbage'], ['5 kB', `Bearer ${'a'.repeat(5_000)}`]])('answers 401 invalid_token to an Authorization header with %s', async (_, header) => {
    const answer = await api.call('GET', '/tournaments', undefined, { Authorization: header })
    expect(answer.status).toBe(401)
    expect(challengeOf(answer)).toContain('error="invalid_token"')
  })

  async function changed ({ header = {}, claims = {} }: { header?: Part, claims?: Part }): Promise<string> {
    const genuine = partsOf(await tokenOf(server, scene.partner, 'tournaments:read'))
    return compact({ ...genuine.header, ...header }, { ...genuine.claims, ...claims }, rs256(await signingKeyOf(server)))
  }

  it.each([
    ['another typ', { header: { typ: 'JWT' } }],
    ['another issuer', { claims: { iss: 'https://evil.example' } }],
    ['another audience', { claims: { aud: 'https://other.example' } }],
    ['an exp that is past', { claims: { exp: Math.floor(Date.now() / 1000) - 60 } }],
    ['no client_id', { claims: { client_id: undefined } }]
  ])('answers 401 invalid_token to a token, truly signed, with %s', async (_, change) => {
    expect((await api.call('GET', '/tournaments', await changed({}))).status, 'the unchanged one is good').toBe(200)
    const answer = await api.call('GET', '/tournaments', await changed(change))
    expect(answer.status).toBe(401)
    expect(answer.json['error']).toBe('invalid_token')
  })

  it('answers 401 to a token of the test issuer', async () => {
    const tester: RegisteredClient = await server.fixtures.client({ organizationId: scene.organization.id, environment: 'test' })
    await known(server, tester)
    expect((await api.call('GET', '/tournaments', await tokenOf(server, tester))).status).toBe(401)
  })

  it('wants X-Api-Key to be the client id of the token, on the route that takes it', async () => {
    const token = await tokenOf(server, scene.partner)
    expect((await api.call('GET', '/usage', token)).json['error']).toBe('invalid_request')
    expect((await api.call('GET', '/usage', token, { 'X-Api-Key': 'cl_live_other' })).json['error']).toBe('invalid_token')
    expect((await api.call('GET', '/usage', token, { 'X-Api-Key': scene.partner.id })).json['client']).toBe(scene.partner.id)
    expect((await api.call('GET', '/usage', undefined, { 'X-Api-Key': scene.partner.id })).status, 'the key alone is nothing').toBe(401)
  })
})

describe('the sample API while its authorization server is away', () => {
  it('answers 503 with Retry-After, which is no verdict on the token', async () => {
    const token = await tokenOf(server, scene.partner, 'tournaments:read')
    const writing = await tokenOf(server, scene.partner, 'tournaments:write')
    const down = await startApi({ SIGNET_ORIGIN: 'http://127.0.0.1:9' })
    const answer = await down.call('GET', '/tournaments', token)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('2')
    const half = await startApi({ INTROSPECTION_ENDPOINT: 'http://127.0.0.1:9/introspect' })
    expect((await half.call('GET', '/tournaments', token)).status, 'offline checks go on').toBe(200)
    expect((await half.call('DELETE', '/tournaments/1', writing)).status).toBe(503)
  })

  it('answers 503 while Signet answers 500 at its internal address, and then 200', async () => {
    let broken = true
    const proxy = createServer((request, response) => {
      if (broken) response.writeHead(500).end()
      else void send(server.origin + (request.url ?? '')).then(({ status, text }) => response.writeHead(status).end(text))
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const address = proxy.address()
    const apart = await startApi({ SIGNET_ORIGIN: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}` })
    const token = await tokenOf(server, scene.partner)
    expect((await apart.call('GET', '/tournaments', token)).status).toBe(503)
    broken = false
    expect(await within(5, async () => (await apart.call('GET', '/tournaments', token)).status === 200)).toBe(true)
    proxy.closeAllConnections()
    proxy.close()
  })

  it('answers 503, and says why in its log, when its own client is refused by introspection', async () => {
    const wrong = await startApi({ INTROSPECTION_CLIENT_SECRET: 'wrong' })
    let log = ''
    wrong.process.stderr?.on('data', (chunk: Buffer) => { log += chunk.toString() })
    expect((await wrong.call('DELETE', '/tournaments/1', await tokenOf(server, scene.partner, 'tournaments:write'))).status).toBe(503)
    expect(await within(2, async () => log.includes('introspection answered 401'))).toBe(true)
  })
})

describe('the process of the sample API', () => {
  it('says what is missing, and ends, without its credentials', async () => {
    const child = spawn(process.execPath, [join(projectFolder, 'examples', 'tournament-api', 'server.js')], { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'ignore', 'pipe'] })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString() })
    await once(child, 'close')
    expect(child.exitCode).toBe(1)
    expect(stderr).toBe('tournament-api: INTROSPECTION_CLIENT_ID is not set. It belongs to the resource client of this API.\n')
  })

  it('ends with 0 at SIGTERM', async () => {
    const extra = await startApi()
    const ended = once(extra.process, 'exit')
    extra.process.kill('SIGTERM')
    expect((await ended)[0]).toBe(0)
  })
})
