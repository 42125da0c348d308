import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'
import { exchange, formType, jsonOf, lastRequest, rawForm, rawRequest } from '../support/raw-http.ts'

const endpoint = '/oauth/v2/token'
const body = 'client_id=a&client_secret=b'
const length = `Content-Length: ${body.length}`
const chunked = 'Transfer-Encoding: chunked'
const chunkSize = body.length.toString(16)
const chunks = `${chunkSize}\r\n${body}\r\n0\r\n\r\n`

function post (headers: readonly string[], payload: string = body): Buffer {
  return rawRequest(`POST ${endpoint}`, [formType, ...headers], payload)
}

/** Each is understood in two ways by some pair of HTTP implementations. */
const ambiguous: Readonly<Record<string, Buffer>> = {
  'two different Content-Lengths': post([length, 'Content-Length: 5']),
  'the same Content-Length twice': post([length, length]),
  'a list as Content-Length': post([`${length}, ${body.length}`]),
  'a signed Content-Length': post([`Content-Length: +${body.length}`]),
  'a negative Content-Length': post(['Content-Length: -1']),
  'a hexadecimal Content-Length': post(['Content-Length: 0x1b']),
  'a Content-Length beyond 64 bits': post(['Content-Length: 99999999999999999999']),
  'an empty Content-Length': post(['Content-Length: ']),
  'a Content-Length with a space inside': post(['Content-Length: 2 7']),
  'Content-Length, then Transfer-Encoding': post([length, chunked], chunks),
  'Transfer-Encoding, then Content-Length': post([chunked, length], chunks),
  'chunked that is not the last coding': post(['Transfer-Encoding: chunked, identity'], chunks),
  'chunked twice': post([chunked, chunked], chunks),
  'a coding that only looks like chunked': post(['Transfer-Encoding: xchunked'], chunks),
  'a vertical tab before chunked': post(['Transfer-Encoding: \x0bchunked'], chunks),
  'the coding identity': post(['Transfer-Encoding: identity', length]),
  'a space before the colon of Transfer-Encoding': post(['Transfer-Encoding : chunked'], chunks),
  'a space before the colon of another header': post([length, 'X-A : b']),
  'a folded header': post([length, 'X-A: b\r\n c']),
  'a folded Transfer-Encoding': post([length, 'Transfer-Encoding:\r\n chunked'], chunks),
  'a first header that is indented': Buffer.from(`POST ${endpoint} HTTP/1.1\r\n Host: a\r\n${length}\r\n\r\n${body}`),
  'a header without a colon': post([length, 'X-A']),
  'a header without a name': post([length, ': b']),
  'bare line feeds': Buffer.from(`POST ${endpoint} HTTP/1.1\nHost: a\n${formType}\n${length}\n\n${body}`),
  'a bare line feed inside a header': post([length, `X-A: b\n${chunked}`], chunks),
  'a bare carriage return inside a header': post([length, `X-A: b\r${chunked}`], chunks),
  'a head that ends in \\r\\n\\rX': Buffer.from(`POST ${endpoint} HTTP/1.1\r\nHost: a\r\n${length}\r\n\rX${body}`),
  'NUL in a header value': post([length, 'X-A: b\0c']),
  'NUL in a header name': post([length, 'X\0A: b']),
  'a control character in a header value': post([length, 'X-A: b\x01c']),
  'a chunk size that is no number': post([chunked], `zz\r\n${body}\r\n0\r\n\r\n`),
  'a negative chunk size': post([chunked], `-1\r\n${body}\r\n0\r\n\r\n`),
  'a chunk size with 0x': post([chunked], `0x${chunks}`),
  'a chunk size beyond 64 bits': post([chunked], `FFFFFFFFFFFFFFFFF\r\n${body}\r\n0\r\n\r\n`),
  'an indented chunk size': post([chunked], ` ${chunks}`),
  'a chunk longer than it says': post([chunked], `${chunkSize}\r\n${body}XX\r\n0\r\n\r\n`),
  'chunks that end in bare line feeds': post([chunked], chunks.replaceAll('\r\n', '\n')),
  'a bare line feed in a chunk extension': post([chunked], `${chunkSize};a\nb\r\n${body}\r\n0\r\n\r\n`),
  'no version': rawRequest('PRI * HTTP/2.0\r\n\r\nSM'),
  'a version that does not exist': Buffer.from(`POST ${endpoint} HTTP/9.9\r\nHost: a\r\n${length}\r\n\r\n${body}`),
  'a request line in lower case': Buffer.from(`post ${endpoint} http/1.1\r\nHost: a\r\n${length}\r\n\r\n${body}`),
  'a TLS greeting': Buffer.from('160301020001000001fc0303', 'hex'),
  'a relative target': rawRequest('GET oauth/v2/jwks'),
  'an authority as the target of a GET': rawRequest('GET signet.example:80'),
  'a space inside the target': rawRequest('GET /oauth/v2/jwks jwks'),
  'a control character inside the target': rawRequest('GET /oauth/v2/jwks\x01'),
  'raw bytes beyond ASCII inside the target': rawRequest('GET /oauth/v2/jwks\xff')
}

describe('R42 request smuggling (RFC 9112 §11.2)', () => {
  let server: TestServer

  beforeAll(async () => { server = await startTestServer() })
  afterAll(async () => { await server.stop() })

  for (const [name, attack] of Object.entries(ambiguous)) {
    it(`answers ${name} with one 400 in JSON, closes, and reads nothing that follows`, async () => {
      const { answers, closed, rest } = await exchange(server.origin, Buffer.concat([attack, lastRequest()]))
      expect(answers.map(({ status }) => status)).toEqual([400])
      expect({ closed, rest }).toEqual({ closed: true, rest: '' })
      const [answer] = answers
      expect(answer?.headers.get('connection')).toBe('close')
      expect(answer?.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/)
      expect(answer && jsonOf(answer)).toMatchObject({ error: 'invalid_request' })
    })
  }

  // RFC 9112 §3.2: no Host, more than one or an invalid one MUST be answered 400.
  const hosts = { 'without a Host': '', 'with two Hosts': 'Host: a\r\nHost: b\r\n', 'with an invalid Host': 'Host: a b/<c>\r\n' }
  for (const [name, lines] of Object.entries(hosts)) {
    it(`answers a request ${name} with 400 in JSON and a request id`, async () => {
      const request = `POST ${endpoint} HTTP/1.1\r\n${lines}${formType}\r\n${length}\r\nConnection: close\r\n\r\n${body}`
      const { answers: [answer] } = await exchange(server.origin, request)
      expect(answer?.status).toBe(400)
      expect(answer?.headers.get('x-request-id')).toBeDefined()
      expect(answer && jsonOf(answer)).toMatchObject({ error: 'invalid_request' })
    })
  }

  it('answers an expectation that nobody has heard of in JSON and with a request id (RFC 9110 §10.1.1)', async () => {
    const { answers: [answer] } = await exchange(server.origin, post([length, 'Expect: miracles', 'Connection: close']))
    expect(answer?.status).toBeGreaterThanOrEqual(400)
    expect(answer?.status).toBeLessThan(500)
    expect(answer?.headers.get('x-request-id')).toBeDefined()
    expect(answer && jsonOf(answer)).toHaveProperty('error')
  })

  it('keeps the order of pipelined answers when one request expects what nobody has heard of', async () => {
    const { answers: [first, second] } = await exchange(server.origin, Buffer.concat([
      rawForm(endpoint, body, ['X-Request-Id: pipelined-1']), post([length, 'Expect: miracles', 'X-Request-Id: pipelined-2']), lastRequest()
    ]))
    expect([first?.status, first?.headers.get('x-request-id')]).toEqual([401, 'pipelined-1'])
    expect(second?.headers.get('x-request-id')).toBe('pipelined-2')
  })

  it('invites the body of a client that expects 100-continue, then answers', async () => {
    const { answers } = await exchange(server.origin, post([length, 'Expect: 100-continue', 'Connection: close']))
    expect(answers.map(({ status }) => status)).toEqual([100, 401])
  })

  it('understands an absolute-form target, whatever host it names, like the path in it (RFC 9112 §3.2.2)', async () => {
    const { answers: [jwks] } = await exchange(server.origin, rawRequest('GET http://evil.example/oauth/v2/jwks', ['Connection: close']))
    expect(jwks?.status).toBe(200)
    const metadata = rawRequest('GET https://evil.example/.well-known/oauth-authorization-server', ['Connection: close', 'X-Forwarded-Host: evil.example'])
    const { answers: [document] } = await exchange(server.origin, metadata)
    expect(document?.body).not.toContain('evil.example')
    const { answers: [refusal] } = await exchange(server.origin, rawRequest(`GET http://evil.example${endpoint}`, ['Connection: close']))
    expect(refusal?.status).toBe(405)
    expect(refusal?.headers.get('allow')).toBe('POST')
  })

  it('refuses a target with a fragment, which could carry a secret into a log (RFC 9112 §3.2)', async () => {
    const { answers: [answer] } = await exchange(server.origin, rawForm(`${endpoint}#client_secret=b`, body, ['Connection: close']))
    expect(answer?.status).toBe(400)
  })

  const elsewhere = ['//oauth/v2/jwks', '/oauth/v2/../v2/jwks', '/oauth/v2/./jwks', '/oauth%2fv2%2fjwks', '/oauth/v2/jwks/', '/OAUTH/v2/jwks', '/oauth/v2/jwks;x=1', '/oauth/v2/jwks%00', '*', 'ftp://evil.example/oauth/v2/jwks']
  for (const target of elsewhere) {
    it(`finds nothing at ${target}`, async () => {
      const { answers: [answer] } = await exchange(server.origin, rawRequest(`GET ${target}`, ['Connection: close']))
      expect(answer?.status).toBe(404)
      expect(answer && jsonOf(answer)).toMatchObject({ error: 'invalid_request' })
    })
  }

  for (const target of ['/oauth/v2/%zz', '/oauth/v2/%ff%fe', '/oauth/v2/%']) {
    it(`answers the malformed percent-encoding of ${target} with 400`, async () => {
      const { answers: [answer] } = await exchange(server.origin, rawRequest(`GET ${target}`, ['Connection: close']))
      expect(answer?.status).toBe(400)
      expect(answer?.headers.get('x-request-id')).toBeDefined()
      expect(answer && jsonOf(answer)).toMatchObject({ error: 'invalid_request' })
    })
  }

  it('answers HTTP/1.0, with and without a body, and closes', async () => {
    for (const request of ['GET /oauth/v2/jwks HTTP/1.0\r\n\r\n', `POST ${endpoint} HTTP/1.0\r\n${formType}\r\n${length}\r\n\r\n${body}`]) {
      const { answers, closed } = await exchange(server.origin, request)
      expect(answers).toHaveLength(1)
      expect([200, 401]).toContain(answers[0]?.status)
      expect(closed).toBe(true)
    }
  })

  it('answers pipelined requests in their order, each under its own request id', async () => {
    const ids = Array.from({ length: 10 }, (_, position) => `pipelined-${position}`)
    const requests = ids.map((id, position) => position % 2 === 0
      ? rawForm(endpoint, body, [`X-Request-Id: ${id}`])
      : rawRequest('GET /oauth/v2/jwks', [`X-Request-Id: ${id}`]))
    const { answers } = await exchange(server.origin, Buffer.concat([...requests, lastRequest()]))
    expect(answers.slice(0, 10).map(({ headers }) => headers.get('x-request-id'))).toEqual(ids)
    expect(answers.map(({ status }) => status)).toEqual([401, 200, 401, 200, 401, 200, 401, 200, 401, 200, 200])
  })

  it('overlooks the line end that some old clients send after a body (RFC 9112 §2.2)', async () => {
    const { answers } = await exchange(server.origin, Buffer.concat([rawForm(endpoint, body), Buffer.from('\r\n'), lastRequest()]))
    expect(answers.map(({ status }) => status)).toEqual([401, 200])
  })

  it('drops a CONNECT, and serves an Upgrade as the plain request that it also is', async () => {
    expect(await exchange(server.origin, rawRequest('CONNECT signet.example:443'))).toMatchObject({ answers: [], closed: true })
    const { answers } = await exchange(server.origin, rawRequest('GET /oauth/v2/jwks', ['Connection: Upgrade, close', 'Upgrade: websocket']))
    expect(answers.map(({ status }) => status)).toEqual([200])
  })
})
