import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exchange, rawRequest, sendRaw } from '../support/raw-http.ts'
import { send, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const publicDocuments = [
  '/oauth/v2/jwks', '/.well-known/jwks.json', '/test/oauth/v2/jwks', '/.well-known/oauth-authorization-server', '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server/test', '/test/.well-known/openid-configuration', '/docs/openapi.json'
]
const protocolEndpoints = ['/oauth/v2/token', '/oauth/v2/introspect', '/oauth/v2/revoke']
const readable = [...publicDocuments, '/health/live', '/health/ready', '/docs', '/docs/errors']
const everywhere = [...protocolEndpoints, ...readable, '/nowhere', '/oauth/v2/token/']

let server: TestServer

beforeAll(async () => { server = await startTestServer() })
afterAll(async () => { await server.stop() })

function ask (path: string, init: RequestInit = {}): ReturnType<typeof send> {
  return send(server.origin + path, init)
}

describe('methods', () => {
  it.each(readable)('HEAD %s answers what GET does, without a body', async (path) => {
    const [get, head] = await Promise.all([ask(path), ask(path, { method: 'HEAD' })])
    expect({ status: head.status, text: head.text }).toEqual({ status: get.status, text: '' })
    for (const name of ['Content-Type', 'Cache-Control', 'ETag', 'Access-Control-Allow-Origin']) expect(head.headers.get(name), name).toBe(get.headers.get(name))
    if (!path.startsWith('/health')) expect(head.headers.get('Content-Length')).toBe(String(Buffer.byteLength(get.text)))
  })

  const wrongForPost = protocolEndpoints.flatMap((path) => ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'].map((method): [string, string, string] => [method, path, 'POST']))
  const wrongForGet = readable.flatMap((path) => ['POST', 'PUT', 'DELETE', 'OPTIONS'].map((method): [string, string, string] => [method, path, 'GET, HEAD']))
  it.each([...wrongForPost, ...wrongForGet])('%s %s answers 405 with Allow and a JSON body', async (method, path, allow) => {
    const { status, headers, json } = await ask(path, { method })
    expect({ status, allow: headers.get('Allow') }).toEqual({ status: 405, allow })
    if (method !== 'HEAD') expect(json['error']).toBe('invalid_request')
    expect(headers.get('Content-Type')).toContain('application/json')
  })

  it('405 comes whatever the query is', async () => {
    expect((await ask('/oauth/v2/token?a=b')).status).toBe(405)
  })

  it.each(['TRACE', 'CONNECT', 'BREW', 'get'])('refuses the method %s with 4xx, as JSON', async (method) => {
    const { answers: [answer] } = await exchange(server.origin, rawRequest(`${method} /oauth/v2/token`, ['Connection: close']))
    if (method === 'CONNECT' && answer === undefined) return // a proxy's method: the connection is closed without an answer
    expect(answer?.status).toBeGreaterThanOrEqual(400)
    expect(answer?.status).toBeLessThan(500)
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ error: 'invalid_request' })
  })
})

describe('paths', () => {
  const wrong = [
    '/', '/oauth', '/oauth/v2', '/oauth/v2/token/', '/oauth/v2/Token', '/OAuth/v2/token', '//oauth/v2/token', '/oauth//v2/token', '/oauth/v2/jwks/', '/oauth/v2/jwks.json', '/test/oauth/v2/token',
    '/.well-known', '/.well-known/', '/.WELL-KNOWN/jwks.json', '/health', '/health/ready/', '/docs/', '/docs/errors/', '/docs/openapi.yaml', '/test', '/live/oauth/v2/jwks', '/oauth/v2/token;x=y', '/oauth/v2/token%2f', '/oauth/v2/..%2ftoken',
    '/oauth/v2/token%00', '/favicon.ico', '/metrics'
  ]
  it.each(wrong)('match exactly: %s answers 404 as JSON', async (path) => {
    for (const method of ['GET', 'POST']) {
      const { status, json, headers } = await ask(path, { method })
      expect({ status, error: json['error'] }, method).toEqual({ status: 404, error: 'invalid_request' })
      expect(headers.get('Content-Type')).toContain('application/json')
    }
  })

  it.each(['/%', '/%zz', '/oauth/%c0%af', '/oauth/v2/token/%ff'])('that are no UTF-8 in percent-encoding, %s, are refused with 4xx as JSON', async (path) => {
    const { status, json } = await ask(path)
    expect([400, 404]).toContain(status)
    expect(json['error']).toBe('invalid_request')
  })

  it('that are too long are refused with 4xx as JSON', async () => {
    for (const length of [600, 3_000, 12_000]) {
      const { status, json } = await ask(`/${'x'.repeat(length)}`)
      expect([404, 414]).toContain(status)
      expect(json['error']).toBe('invalid_request')
    }
  })
})

describe('headers of every answer', () => {
  it.each(everywhere)('%s carries an X-Request-Id of its own and keeps a sane one that it is sent', async (path) => {
    for (const method of ['GET', 'POST']) {
      const [one, other] = await Promise.all([ask(path, { method }), ask(path, { method })])
      expect(one.headers.get('X-Request-Id')).toMatch(/^[\w-]{16,}$/)
      expect(one.headers.get('X-Request-Id')).not.toBe(other.headers.get('X-Request-Id'))
      const kept = await ask(path, { method, headers: { 'X-Request-Id': 'trace:4bf92f35.77b34-da6' } })
      expect(kept.headers.get('X-Request-Id')).toBe('trace:4bf92f35.77b34-da6')
    }
  })

  it.each(['short', 'x'.repeat(129), 'with a space', '<script>12345', 'quote"12345678', '../../../etc', 'a,b,c,d,e,f,g', 'ünïcode-id-123'])('an insane X-Request-Id, %j, is replaced', async (id) => {
    const { header } = await sendRaw(server.origin, ['GET /health/live HTTP/1.1', 'Host: x', `X-Request-Id: ${id}`, 'Connection: close'])
    expect(header('X-Request-Id')).toMatch(/^[\w-]{16,}$/)
    expect(header('X-Request-Id')).not.toBe(id)
  })

  it('the request id of an answer is that of its log line', async () => {
    const { headers } = await ask('/oauth/v2/token', { method: 'POST' })
    const find = (): Record<string, unknown> | undefined => server.logs.find(({ requestId }) => requestId === headers.get('X-Request-Id'))
    await within(0.5, async () => find() !== undefined)
    const line = find()
    expect(line).toMatchObject({ method: 'POST', path: '/oauth/v2/token', status: 400, outcome: 'invalid_request' })
    expect(typeof line?.['durationMillis']).toBe('number')
  })

  it('every request leaves one line in the log: refused, not found and with an unreadable path', async () => {
    for (const path of ['/oauth/v2/jwks', '/nowhere', '/%zz']) {
      const { headers } = await ask(path)
      const lines = (): unknown[] => server.logs.filter(({ requestId }) => requestId === headers.get('X-Request-Id'))
      expect(await within(0.5, async () => lines().length === 1), path).toBe(true)
    }
  })

  it('what node itself refuses carries an X-Request-Id and a JSON body too', async () => {
    const requests = [
      ['GET /health/live HTTP/1.1', 'Connection: close'], // no Host
      ['POST /oauth/v2/token HTTP/1.1', 'Host: x', 'Expect: the-unexpected', 'Content-Length: 0', 'Connection: close'], // 417, or not heeded: RFC 9110 §10.1.1
      ['GET /health/live HTTP/1.1', 'Host: x', 'Bad Header: x', 'Connection: close'],
      ['nonsense']
    ]
    for (const lines of requests) {
      const { status, header, body } = await sendRaw(server.origin, lines)
      expect(status, lines.join(' | ')).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(500)
      expect(header('X-Request-Id'), lines.join(' | ')).toMatch(/^[\w-]{16,}$/)
      expect(JSON.parse(body)).toMatchObject({ error: 'invalid_request' })
    }
  })

  it('an Expect header that nobody knows does not put its answer before that to an earlier request on the connection', async () => {
    const body = 'grant_type=client_credentials&client_id=x&client_secret=y'
    const first = ['POST /oauth/v2/token HTTP/1.1', 'Host: x', 'Content-Type: application/x-www-form-urlencoded', `Content-Length: ${body.length}`]
    const { answers } = await exchange(server.origin, `${[...first, ''].join('\r\n')}\r\n${body}`, rawRequest('GET /health/live', ['Expect: the-unexpected', 'Connection: close']))
    expect(answers[0]?.status).toBe(401)
    expect([200, 417]).toContain(answers[1]?.status)
  })

  it.each([...protocolEndpoints, '/nowhere', '/health/live', '/health/ready'])('%s is never cached', async (path) => {
    for (const method of ['GET', 'POST']) {
      const { headers } = await ask(path, { method })
      expect(headers.get('Cache-Control')).toBe('no-store')
      expect(headers.get('Pragma')).toBe('no-cache')
    }
  })

  it.each(everywhere)('%s says nosniff, and nothing about what the server is made of', async (path) => {
    const { headers } = await ask(path)
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
    expect([headers.get('Server'), headers.get('X-Powered-By'), headers.get('Via')]).toEqual([null, null, null])
    expect(headers.getSetCookie()).toEqual([])
  })

  it('answers any origin on public documents and none elsewhere', async () => {
    const headers = { Origin: 'https://evil.example' }
    for (const path of publicDocuments) expect((await ask(path, { headers })).headers.get('Access-Control-Allow-Origin'), path).toBe('*')
    for (const path of [...protocolEndpoints, '/nowhere', '/health/live', '/health/ready']) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const answer = await ask(path, { method, headers: { ...headers, 'Access-Control-Request-Method': 'POST' } })
        expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-')), `${method} ${path}`).toEqual([])
      }
    }
  })

  it('is JSON below /oauth/ whatever Accept says', async () => {
    for (const path of ['/oauth/v2/token', '/oauth/v2/jwks', '/oauth/nowhere', '/oauth/v2/introspect']) {
      for (const method of ['GET', 'POST']) {
        const { headers } = await ask(path, { method, headers: { Accept: 'text/html' } })
        expect(headers.get('Content-Type'), `${method} ${path}`).toContain('application/json')
      }
    }
  })
})

describe('RFC 9110 §13.1.2 If-None-Match', () => {
  it.each(publicDocuments)('%s has a strong ETag that stays while the document does, and answers 304 to it', async (path) => {
    const first = await ask(path)
    const etag = first.headers.get('ETag') ?? ''
    expect(etag).toMatch(/^"[\x21\x23-\x7e]+"$/)
    expect((await ask(path)).headers.get('ETag')).toBe(etag)
    const matching = [etag, `W/${etag}`, `"a", ${etag}`, `"a",${etag},"b"`, `W/"a" , W/${etag}`, '*', ` ${etag} `]
    for (const tags of matching) {
      for (const method of ['GET', 'HEAD']) {
        const { status, text, headers } = await ask(path, { method, headers: { 'If-None-Match': tags } })
        expect({ status, text }, tags).toEqual({ status: 304, text: '' })
        expect(headers.get('ETag')).toBe(etag)
        expect(headers.get('Cache-Control')).toBe(first.headers.get('Cache-Control'))
        expect(headers.get('Access-Control-Allow-Origin')).toBe('*')
      }
    }
    const others = ['"a"', 'W/"a"', etag.slice(1, -1), '"*"', '""', `"a", "b", ${etag.slice(0, -1)}`, '']
    for (const tags of others) expect((await ask(path, { headers: { 'If-None-Match': tags } })).status, tags).toBe(200)
  })

  it('gives different documents different tags', async () => {
    const tags = await Promise.all(['/oauth/v2/jwks', '/test/oauth/v2/jwks', '/.well-known/oauth-authorization-server', '/.well-known/oauth-authorization-server/test'].map(async (path) => (await ask(path)).headers.get('ETag')))
    expect(new Set(tags).size).toBe(4)
  })
})

describe('health', () => {
  it('/health/live says that the process lives', async () => {
    expect(await ask('/health/live')).toMatchObject({ status: 200, json: { live: true } })
  })

  it('/health/ready says that it may be sent requests and how old its memory is, and turns 503 when it stops', async () => {
    const sibling = await server.startSibling()
    const ready = await send(`${sibling.origin}/health/ready`)
    expect(ready).toMatchObject({ status: 200, json: { ready: true, database: 'connected' } })
    expect(Number(ready.json['stalenessSeconds'])).toBeLessThan(2)
    sibling.startDraining()
    const draining = await send(`${sibling.origin}/health/ready`)
    expect(draining).toMatchObject({ status: 503, json: { ready: false } })
    expect(Number(draining.headers.get('Retry-After'))).toBeGreaterThan(0)
    expect((await send(`${sibling.origin}/health/live`)).status).toBe(200)
    expect((await send(`${sibling.origin}/oauth/v2/jwks`)).status).toBe(200)
  })
})
