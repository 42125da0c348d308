import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Pool } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { known, requestToken, send, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { formType, lastRequest, rawForm, rawRequest, talk, type Exchange } from '../support/raw-http.ts'

/**
 * What is guaranteed: from startDraining() on, readiness is 503 and every answer closes its connection, so that
 * clients and load balancers move on by themselves. close() then finishes each request whose head it has read,
 * body included, and ends idle connections. A request that is still on the wire to an idle connection in the
 * moment of close() is not answered: that is what the time between the two is for.
 */
describe('draining: a process that stops drops no request that reached it', { timeout: 60_000 }, () => {
  let first: TestServer
  let scene: Scene
  /** The process that stops; `first` stands for whatever takes over. */
  let server: TestServer

  beforeAll(async () => {
    first = await startTestServer()
    scene = await first.fixtures.scene()
    await known(first, scene.api)
  })
  beforeEach(async () => { server = await first.startSibling() })
  afterAll(async () => { await first.stop() })

  function tokenForm ({ id, secret }: RegisteredClient): string {
    return `client_id=${id}&client_secret=${secret}&scope=tournaments:read`
  }

  /** Resolves when the server has read the heads of so many requests. */
  function heads (count: number): Promise<void> {
    return new Promise((resolve) => {
      let seen = 0
      const onRequest = (): void => {
        seen += 1
        if (seen < count) return
        unsubscribe('http.server.request.start', onRequest)
        resolve()
      }
      subscribe('http.server.request.start', onRequest)
    })
  }

  it('answers readiness with 503, and everything else as before but with Connection: close', async () => {
    const before = await talk(server.origin, (write) => write(Buffer.concat([rawRequest('GET /health/ready'), lastRequest()])))
    expect(before.answers.map(({ status, headers }) => [status, headers.get('connection')])).toEqual([[200, 'keep-alive'], [200, 'close']])
    server.startDraining()
    const { status, json, headers } = await send(`${server.origin}/health/ready`)
    expect([status, json['ready'], json['reason']]).toEqual([503, false, 'this process is stopping'])
    expect(headers.get('retry-after')).not.toBeNull()
    for (const request of [rawForm('/oauth/v2/token', tokenForm(scene.partner)), rawRequest('GET /oauth/v2/jwks'), rawRequest('GET /health/live')]) {
      const { answers, closed } = await talk(server.origin, (write) => write(request))
      expect(answers.map((answer) => [answer.status, answer.headers.get('connection')])).toEqual([[200, 'close']])
      expect(closed).toBe(true)
    }
  })

  it('fails none of a steady stream of requests on kept-alive connections, whose senders stop when readiness tells them', async () => {
    const pool = new Pool(server.origin, { connections: 8 })
    const statuses: number[] = []
    const rotation = new AbortController()

    async function sender (): Promise<void> {
      while (!rotation.signal.aborted) {
        const { statusCode, body } = await pool.request({ method: 'POST', path: '/oauth/v2/token', body: tokenForm(scene.partner), headers: { 'content-type': 'application/x-www-form-urlencoded' } })
        await body.dump()
        statuses.push(statusCode)
      }
    }

    const senders = Array.from({ length: 8 }, sender)
    expect(await within(10, async () => statuses.length > 200)).toBe(true)
    const whileDraining = statuses.length
    server.startDraining()
    expect(await within(10, async () => statuses.length > whileDraining + 200)).toBe(true) // new connections, one a request
    if ((await send(`${server.origin}/health/ready`)).status === 503) rotation.abort()
    await Promise.all(senders)
    await server.stop()
    await pool.close()
    expect(new Set(statuses)).toEqual(new Set([200]))
  })

  it('finishes what it has begun when it closes: requests that wait for argon2, a body half sent, and pipelined ones', async () => {
    const { id: organizationId } = scene.organization
    const newcomers = await Promise.all(Array.from({ length: 8 }, () => first.fixtures.client({ organizationId, scopes: ['tournaments:read'] })))
    await known(server, await first.fixtures.client({ organizationId }))

    const begun = heads(newcomers.length + 2)
    let finish: () => void = () => {}
    const closing = new Promise<void>((resolve) => { finish = resolve })
    const half = tokenForm(scene.partner)
    const exchanges: Promise<Exchange>[] = [
      ...newcomers.map((client) => talk(server.origin, (write) => write(rawForm('/oauth/v2/token', tokenForm(client))))),
      talk(server.origin, async (write) => {
        await write(rawRequest('POST /oauth/v2/token', [formType, `Content-Length: ${half.length}`], half.slice(0, 20)))
        await closing
        await write(half.slice(20))
      }),
      talk(server.origin, (write) => write(Buffer.concat([rawForm('/oauth/v2/token', tokenForm(scene.partner)), rawRequest('GET /oauth/v2/jwks')])))
    ]
    await begun
    server.startDraining()
    const closed = server.stop()
    finish()
    const answers = await Promise.all(exchanges)
    await closed
    expect(answers.slice(0, -1).map(({ answers: [answer] }) => [answer?.status, answer?.headers.get('connection')])).toEqual(Array(newcomers.length + 1).fill([200, 'close']))
    expect(answers.at(-1)?.answers[0]?.status).toBe(200)
    expect(answers.every((each) => each.closed)).toBe(true)
  })

  it('ends idle connections and takes no new ones when it closes', async () => {
    const idle = connect({ host: '127.0.0.1', port: server.config.port })
    idle.write(rawRequest('GET /health/live'))
    await once(idle, 'data')
    const ended = once(idle.resume(), 'close')
    await server.stop()
    await ended
    await expect(send(`${server.origin}/health/live`)).rejects.toThrow()
  })

  it('is not held up by connections that never send a request, or never finish one: it closes before the supervisor would end it', async () => {
    const { shutdownTimeoutSeconds, drainSeconds } = server.config
    const beginnings = ['', 'GET /health/live HTTP/1.1\r\nX-Slow: ', 'POST /oauth/v2/token HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\na']
    const sockets = await Promise.all(beginnings.map(async (beginning) => {
      const socket = connect({ host: '127.0.0.1', port: server.config.port }).on('error', () => {})
      await once(socket, 'connect')
      if (beginning !== '') socket.write(beginning)
      return socket
    }))
    expect((await requestToken(server, scene.partner)).status).toBe(200) // by then the three were accepted
    let closed = false
    server.startDraining()
    const closing = server.stop().then(() => { closed = true })
    const inTime = await within(shutdownTimeoutSeconds - drainSeconds - 3, async () => closed)
    for (const socket of sockets) socket.destroy()
    await closing
    expect(inTime).toBe(true)
  })
})
