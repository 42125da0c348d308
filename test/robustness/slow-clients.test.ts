import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createHttpServer, httpLimits } from '../../src/http/server.ts'
import { send, within } from '../support/requests.ts'
import { freePort, startTestServer } from '../support/server.ts'
import { formType, jsonOf, rawForm, rawRequest, talk } from '../support/raw-http.ts'

/** The `node:http` server behind an origin, as it is: Node publishes it with each request. */
async function nodeServerOf (origin: string): Promise<Server> {
  let found: Server | undefined
  const onRequest = (message: unknown): void => {
    if (typeof message === 'object' && message !== null && 'server' in message && message.server instanceof Server) found = message.server
  }
  subscribe('http.server.request.start', onRequest)
  await send(`${origin}/health/live`)
  unsubscribe('http.server.request.start', onRequest)
  if (found === undefined) throw new Error('no request was seen')
  return found
}

describe('F09 slow clients: the limits of the server as it is run', () => {
  it('has the time-outs that httpLimits states, and checks them often enough to end a slow client within 30 s', async () => {
    const server = await startTestServer()
    try {
      const node = await nodeServerOf(server.origin)
      expect(node).toMatchObject({
        headersTimeout: httpLimits.headersTimeoutMillis,
        requestTimeout: httpLimits.requestTimeoutMillis,
        keepAliveTimeout: httpLimits.keepAliveTimeoutMillis,
        maxConnections: httpLimits.connections
      })
      const interval = 'connectionsCheckingInterval' in node ? Number(node.connectionsCheckingInterval) : Infinity
      expect(Math.max(node.headersTimeout, node.requestTimeout) + interval).toBeLessThanOrEqual(30_000)
    } finally {
      await server.stop()
    }
  })
})

describe('F09 slow clients: what they see, with the time-outs a fiftieth of the real ones', () => {
  const opened: Socket[] = []
  const limits = { headersTimeout: httpLimits.headersTimeoutMillis / 50, requestTimeout: httpLimits.requestTimeoutMillis / 50, connectionsCheckingInterval: 20 }
  let origin: string
  let server: ReturnType<typeof createHttpServer>

  beforeAll(async () => {
    const port = await freePort()
    origin = `http://127.0.0.1:${port}`
    server = createHttpServer({ config: { issuer: origin, trustProxy: [], clientCertificateHeader: undefined }, tls: undefined, logger: pino({ level: 'silent' }), isDraining: () => false })
    server.post('/form', (request, reply) => reply.type('application/json').send(JSON.stringify({ bytes: request.body instanceof Buffer ? request.body.length : 0 })))
    server.get('/large', (_request, reply) => reply.type('application/json').send(JSON.stringify('x'.repeat(100_000))))
    Object.assign(server.server, limits, { timeout: server.server.timeout / 50 }) // Node reads them when it starts to listen and while it runs
    await server.listen({ port, host: '127.0.0.1' })
  })
  afterEach(async () => {
    for (const socket of opened.splice(0)) socket.destroy()
    expect(await within(5, async () => await connections() === 0)).toBe(true)
  })
  afterAll(async () => {
    server.server.closeAllConnections()
    await server.close()
  })

  const trickles: Readonly<Record<string, readonly [Buffer, string]>> = {
    'says nothing': [Buffer.alloc(0), ''],
    'sends its head byte by byte': [Buffer.from('POST /form HTTP/1.1\r\nHost: a\r\n'), 'X-Slow: slow\r\n'],
    'sends its body byte by byte': [rawRequest('POST /form', [formType, 'Content-Length: 10000']), 'a'],
    'sends its chunks one by one': [rawRequest('POST /form', [formType, 'Transfer-Encoding: chunked']), '1\r\na\r\n'],
    'sends the body of a path that is not there byte by byte': [rawRequest('POST /nothing', [formType, 'Content-Length: 10000']), 'a']
  }
  for (const [name, [start, drop]] of Object.entries(trickles)) {
    it(`answers one that ${name} with 408 in JSON, and closes`, async () => {
      const startedAt = performance.now()
      const { answers, closed } = await talk(origin, async (write, isOver) => {
        await write(start)
        for (let position = 0; !isOver(); position += 1) {
          await write(drop.charAt(position % drop.length))
          await pause(5)
        }
      })
      expect(closed).toBe(true)
      expect(performance.now() - startedAt).toBeGreaterThan(limits.headersTimeout - 20)
      expect(answers.map(({ status }) => status)).toEqual([408])
      expect(answers[0]?.headers.get('x-request-id')).toBeDefined()
      expect(answers[0] && jsonOf(answers[0])).toMatchObject({ error: 'invalid_request', error_description: 'The request took too long to arrive.' })
    })
  }

  it('ends one that sends request after request and never reads an answer', async () => {
    const socket = open().pause()
    socket.write(Buffer.concat(Array<Buffer>(1_000).fill(rawRequest('GET /large')))) // read at once, 100 MB of answers
    expect(await within(5, async () => await connections() === 1)).toBe(true)
    expect(await within(5, async () => await connections() === 0)).toBe(true)
  })

  it('serves others at once while two hundred dawdle, and is rid of those soon', async () => {
    for (let count = 0; count < 200; count += 1) open().write('POST /form HTTP/1.1\r\nHost: a\r\nX-Slow: ')
    const { answers } = await talk(origin, (write) => write(rawForm('/form', 'a=b', ['Connection: close'])))
    expect(answers.map(({ status }) => status)).toEqual([200])
    expect(await within(10, async () => await connections() === 0)).toBe(true)
  })

  function open (): Socket {
    const { hostname, port } = new URL(origin)
    const socket = connect({ host: hostname, port: Number(port) }).on('error', () => {})
    opened.push(socket)
    return socket
  }

  function connections (): Promise<number> {
    return new Promise((resolve, reject) => {
      server.server.getConnections((error, count) => { if (error === null) resolve(count); else reject(error) })
    })
  }
})
