import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gzipSync } from 'node:zlib'
import type { Scene } from '../support/fixtures.ts'
import { basic, known, postForm, requestToken, send } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { exchange, formType, jsonOf, rawForm, rawRequest, type RawAnswer } from '../support/raw-http.ts'

const limit = 16 * 1024
const endpoint = '/oauth/v2/token'

describe('sizes: what is too large is refused, in JSON, and what just fits is served', () => {
  let server: TestServer
  let scene: Scene

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    await known(server, scene.api)
  })
  afterAll(async () => { await server.stop() })

  function tokenBody (bytes: number): string {
    const start = `client_id=${scene.partner.id}&client_secret=${scene.partner.secret}&scope=tournaments:read&padding=`
    return start + 'p'.repeat(bytes - start.length)
  }

  async function single (...pieces: readonly (string | Buffer)[]): Promise<RawAnswer> {
    const { answers, closed } = await exchange(server.origin, ...pieces)
    const [answer] = answers
    if (answer === undefined || answers.length > 1 || !closed) throw new Error(`${answers.length} answers, ${closed ? 'closed' : 'open'}`)
    return answer
  }

  const inChunks = (text: string): Buffer => rawRequest(`POST ${endpoint}`, [formType, 'Transfer-Encoding: chunked', 'Connection: close'],
    `${(text.match(/.{1,1000}/gs) ?? []).map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`)

  it('takes a body of exactly 16 KiB, with a Content-Length and in chunks', async () => {
    expect((await single(rawForm(endpoint, tokenBody(limit), ['Connection: close']))).status).toBe(200)
    expect((await single(inChunks(tokenBody(limit)))).status).toBe(200)
  })

  it('answers one byte more with 413 invalid_request, with a Content-Length and in chunks', async () => {
    for (const request of [rawForm(endpoint, tokenBody(limit + 1), ['Connection: close']), inChunks(tokenBody(limit + 1))]) {
      const answer = await single(request)
      expect(answer.status).toBe(413)
      expect(jsonOf(answer)).toMatchObject({ error: 'invalid_request', error_description: 'The body is larger than 16384 bytes.' })
    }
  })

  it('answers 413 before the body arrives when its Content-Length says enough', async () => {
    const answer = await single(rawRequest(`POST ${endpoint}`, [formType, 'Content-Length: 1000000000', 'Connection: close']))
    expect(answer.status).toBe(413)
  })

  for (const path of ['/oauth/v2/token', '/oauth/v2/introspect', '/oauth/v2/revoke']) {
    it(`gets a 413 through to an ordinary client that sends a megabyte to ${path}`, async () => {
      const { status, json } = await postForm(server.issuer + path, { token: 'a'.repeat(1_000_000) }, basic(scene.api.id, scene.api.secret))
      expect(status).toBe(413)
      expect(json).toMatchObject({ error: 'invalid_request' })
    })
  }

  it('answers a body that nobody asked for at other paths and methods with 4xx, however large', async () => {
    for (const [method, path] of [['PUT', endpoint], ['POST', '/nothing'], ['DELETE', '/oauth/v2/jwks'], ['PATCH', '/health/live']] as const) {
      const { status, headers } = await send(server.origin + path, { method, body: 'b'.repeat(300_000) })
      expect([404, 405, 413]).toContain(status)
      expect(headers.get('x-request-id')).not.toBeNull()
    }
  })

  for (const encoding of ['gzip', 'deflate', 'br', 'zstd', 'identity, gzip', 'unheard-of']) {
    it(`refuses a body with Content-Encoding ${encoding} without unpacking it`, async () => {
      const packed = gzipSync(tokenBody(limit)) // fits the limit, and would not unpacked a few times more
      const answer = await single(rawRequest(`POST ${endpoint}`, [formType, `Content-Encoding: ${encoding}`, `Content-Length: ${packed.length}`, 'Connection: close'], packed))
      expect(answer.status).toBe(400)
      expect(jsonOf(answer)).toMatchObject({ error: 'invalid_request', error_description: 'The body must not be compressed: send it without Content-Encoding.' })
    })
  }

  it('takes 64 parameters and refuses 65', async () => {
    const padding = (count: number): Record<string, string> => Object.fromEntries(Array.from({ length: count }, (_, position) => [`p${position}`, 'v']))
    const fields = { scope: 'tournaments:read' } // beside client_id and client_secret
    expect((await requestToken(server, scene.partner, { ...fields, ...padding(61) })).status).toBe(200)
    const { status, json } = await requestToken(server, scene.partner, { ...fields, ...padding(62) })
    expect(status).toBe(400)
    expect(json).toMatchObject({ error: 'invalid_request', error_description: 'A request may have at most 64 parameters.' })
  })

  it('refuses parameter bombs: 100,000 ampersands, and as many as fit', async () => {
    expect((await send(server.issuer + endpoint, { method: 'POST', body: '&'.repeat(100_000), headers: { 'Content-Type': 'application/x-www-form-urlencoded' } })).status).toBe(413)
    const { status, json } = await send(server.issuer + endpoint, { method: 'POST', body: '&'.repeat(limit), headers: { 'Content-Type': 'application/x-www-form-urlencoded' } })
    expect(status).toBe(400)
    expect(json).toMatchObject({ error_description: 'A request may have at most 64 parameters.' })
  })

  const heads: Readonly<Record<string, () => Buffer>> = {
    'an Authorization header of 64 KiB': () => rawForm(endpoint, 'scope=a', [`Authorization: Basic ${'A'.repeat(65_536)}`]),
    'a target of 64 KiB': () => rawRequest(`GET /oauth/v2/jwks?${'a'.repeat(65_536)}`),
    'a head of 100,000 headers': () => rawForm(endpoint, 'scope=a', Array.from({ length: 100_000 }, () => 'a:b')),
    'a header name of 64 KiB': () => rawForm(endpoint, 'scope=a', [`${'a'.repeat(65_536)}: b`]),
    'a head without an end': () => Buffer.from(`POST ${endpoint} HTTP/1.1\r\n${'a: b\r\n'.repeat(20_000)}`),
    'trailers of 64 KiB': () => rawRequest(`POST ${endpoint}`, [formType, 'Transfer-Encoding: chunked'], `1\r\na\r\n0\r\n${'a: b\r\n'.repeat(11_000)}\r\n`),
    'a chunk extension of 64 KiB': () => rawRequest(`POST ${endpoint}`, [formType, 'Transfer-Encoding: chunked'], `1;${'a'.repeat(65_536)}\r\na\r\n0\r\n\r\n`),
    'a method of 64 KiB': () => Buffer.from('A'.repeat(65_536))
  }
  for (const [name, request] of Object.entries(heads)) {
    it(`answers ${name} with 431 or 400 in JSON, and closes`, async () => {
      const answer = await single(request())
      expect([400, 431]).toContain(answer.status)
      expect(answer.headers.get('connection')).toBe('close')
      expect(answer.headers.get('x-request-id')).toBeDefined()
      expect(jsonOf(answer)).toMatchObject({ error: 'invalid_request' })
    })
  }

  it('overlooks no header, however many fit: not the only Authorization, and not a second one', async () => {
    const between = Array.from({ length: 2_500 }, () => 'a:b')
    const [own] = Object.entries(basic(scene.partner.id, scene.partner.secret)).map(([name, value]) => `${name}: ${value}`)
    const form = 'grant_type=client_credentials'
    expect((await single(rawForm(endpoint, form, ['Connection: close', ...between, own ?? '']))).status).toBe(200)
    expect((await single(rawForm(endpoint, form, ['Connection: close', own ?? '', ...between, own ?? '']))).status).toBe(400)
  })

  it('gets a 431 through to an ordinary client whose Authorization header is too large, on every endpoint', async () => {
    for (const path of ['/oauth/v2/token', '/oauth/v2/introspect', '/oauth/v2/revoke']) {
      const { status, json } = await postForm(server.issuer + path, { token: 'a' }, { Authorization: `Basic ${'A'.repeat(65_536)}` })
      expect(status).toBe(431)
      expect(json).toMatchObject({ error: 'invalid_request' })
    }
  })

  it('answers 401 to Basic credentials of 12 KiB, and to a client id as long as a body can carry (S10)', async () => {
    expect((await postForm(server.issuer + endpoint, { grant_type: 'client_credentials' }, basic('a'.repeat(6_000), 'b'.repeat(3_000)))).status).toBe(401)
    expect((await postForm(server.issuer + endpoint, { client_id: 'a'.repeat(16_000), client_secret: 'b' })).status).toBe(401)
    expect((await postForm(server.issuer + endpoint, { client_id: scene.partner.id, client_secret: 'b'.repeat(16_000) })).status).toBe(401)
  })

  it('answers a URL that is too long with 414 in JSON', async () => {
    const { status, json } = await send(`${server.issuer}/oauth/v2/${'a'.repeat(4_000)}`)
    expect(status).toBe(414)
    expect(json).toMatchObject({ error: 'invalid_request' })
  })

  it('serves other clients while megabytes are refused', async () => {
    const bombs = Array.from({ length: 20 }, () => postForm(server.issuer + endpoint, { client_id: 'b'.repeat(1_000_000) }))
    const good = await Promise.all(Array.from({ length: 20 }, () => requestToken(server, scene.partner)))
    expect(good.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect((await Promise.all(bombs)).map(({ status }) => status)).toEqual(Array(20).fill(413))
  })
})
