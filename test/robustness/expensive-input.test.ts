import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Pool } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Scene } from '../support/fixtures.ts'
import { basic, introspect, known, requestToken, revoke, tokenOf, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url')

describe('input made to be expensive is refused cheaply', () => {
  let server: TestServer
  let scene: Scene
  let token: string

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    await known(server, scene.api)
    token = await tokenOf(server, scene.partner)
  })
  afterAll(async () => { await server.stop() })

  /** The least CPU that one of a few attempts took, client and server together: others share this machine. */
  async function cpuMillis (attempt: () => Promise<Answer>, check: (answer: Answer) => void): Promise<number> {
    const taken: number[] = []
    for (let round = 0; round < 8; round += 1) {
      const before = process.cpuUsage()
      const answer = await attempt()
      const { user, system } = process.cpuUsage(before)
      check(answer)
      taken.push((user + system) / 1000)
    }
    return Math.min(...taken)
  }

  const scopes: Readonly<Record<string, () => readonly [string, number, string]>> = {
    '8,000 items': () => [Array(8_000).fill('a').join(' '), 400, 'invalid_scope'],
    '101 items': () => [Array.from({ length: 101 }, (_, position) => `scope:${position}`).join(' '), 400, 'invalid_scope'],
    '16,000 spaces': () => [' '.repeat(15_000), 400, 'invalid_scope'],
    'one item of 15,000 characters': () => ['a'.repeat(15_000), 400, 'invalid_scope'],
    '100,000 items': () => [Array(100_000).fill('a').join(' '), 413, 'invalid_request']
  }
  for (const [name, make] of Object.entries(scopes)) {
    it(`R16: refuses a scope of ${name} within 20 ms of CPU`, async () => {
      const [scope, status, error] = make()
      const taken = await cpuMillis(() => requestToken(server, scene.partner, { scope }), (answer) => {
        expect([answer.status, answer.json['error']]).toEqual([status, error])
        expect(answer.text.length).toBeLessThan(500)
      })
      expect(taken).toBeLessThan(20)
    })
  }

  const bombs: Readonly<Record<string, () => string>> = {
    '8,000 dots': () => '.'.repeat(8_000),
    '8,000 dots between letters': () => 'a.'.repeat(4_000),
    'three parts of 8 KiB together': () => `${'a'.repeat(2_730)}.${'a'.repeat(2_730)}.${'a'.repeat(2_730)}`,
    'three parts of 15 KiB together': () => `${'a'.repeat(5_000)}.${'a'.repeat(5_000)}.${'a'.repeat(5_000)}`,
    'a good token and 8,000 more characters': () => token + 'A'.repeat(8_000),
    'a header nested 2,000 times': () => `${Buffer.from('['.repeat(2_000) + ']'.repeat(2_000)).toString('base64url')}.e30.AA`,
    'a JWE (RFC 7516)': () => `${encode({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.AA.AA.AA.AA`,
    'a JWE in three parts': () => `${encode({ alg: 'dir', enc: 'A256GCM' })}.AA.AA`,
    'a header with zip': () => changeHeader({ zip: 'DEF' }),
    'a header with p2c': () => changeHeader({ alg: 'PBES2-HS256+A128KW', p2c: 2_147_483_647, p2s: 'AA' }),
    'a header with b64 false': () => changeHeader({ b64: false, crit: ['b64'] }),
    'a kid of 4 KiB': () => changeHeader({ kid: 'k'.repeat(4_096) }),
    'a kid that is an object': () => changeHeader({ kid: { toString: 1 } }),
    'a kid named __proto__': () => changeHeader({ kid: '__proto__' }),
    'a kid that holds SQL': () => changeHeader({ kid: '\' OR 1=1 --\0' })
  }

  function changeHeader (members: object): string {
    const [header = '', payload, signature] = token.split('.')
    const before = JSON.parse(Buffer.from(header, 'base64url').toString()) as object // our own encoder wrote it
    return `${encode({ ...before, ...members })}.${payload}.${signature}`
  }

  for (const [name, make] of Object.entries(bombs)) {
    it(`R33, R36, S23: finds ${name} inactive, and nothing to revoke in it, within 20 ms of CPU`, async () => {
      const bomb = make()
      expect(await cpuMillis(() => introspect(server, scene.api, bomb), ({ status, text }) => {
        expect([status, text]).toEqual([200, '{"active":false}'])
      })).toBeLessThan(20)
      expect(await cpuMillis(() => revoke(server, scene.partner, bomb), ({ status, text }) => {
        expect([status, text]).toEqual([200, ''])
      })).toBeLessThan(20)
    })
  }

  it('R36: answers a token of a million dots with 413, at introspection and at revocation', async () => {
    for (const ask of [introspect, revoke]) {
      const { status, json } = await ask(server, scene.api, '.'.repeat(1_000_000))
      expect([status, json['error']]).toEqual([413, 'invalid_request'])
    }
    expect((await introspect(server, scene.api, token)).json).toMatchObject({ active: true })
  })

  it('R15: keeps nothing of client ids, secrets, scopes and kids that nobody ever registered', async () => {
    const pool = new Pool(server.origin, { connections: 4, pipelining: 8 })
    const [, payload] = token.split('.')

    async function post (path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<void> {
      const { statusCode, body } = await pool.request({
        method: 'POST', path, body: new URLSearchParams(form).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers }
      })
      await body.dump()
      if (statusCode >= 500) throw new Error(`${path} answered ${statusCode}`) // `expect` itself remembers every call
    }

    /** Some 16 KB that were never seen before, in every place that a cache could be keyed by. */
    async function round (): Promise<void> {
      const unique = (length: number): string => randomBytes(length).toString('hex').slice(0, length)
      const { id, secret } = scene.partner
      const forgery = `${encode({ alg: 'RS256', typ: 'at+jwt', kid: unique(4_000) })}.${payload}.${unique(200)}`
      await Promise.all([
        post('/oauth/v2/token', { client_id: `cl_live_${unique(100)}`, client_secret: unique(500) }, { 'x-request-id': unique(100) }),
        post('/oauth/v2/token', { client_id: id, client_secret: `sgs_live_${unique(16)}_${unique(43)}_${unique(22)}` }),
        post('/oauth/v2/token', { client_id: id, client_secret: secret, scope: unique(10_000) }),
        post('/oauth/v2/token', { client_id: id, client_secret: secret, resource: `https://${unique(60)}.example/` }),
        post('/oauth/v2/introspect', { token: forgery }, basic(scene.api.id, scene.api.secret)),
        post(`/oauth/v2/${unique(200)}`, { [unique(100)]: unique(100) }, { 'content-type': `text/${unique(100)}`, 'x-forwarded-for': unique(20) })
      ])
    }

    async function rounds (count: number): Promise<number> {
      for (let done = 0; done < count; done += 20) await Promise.all(Array.from({ length: 20 }, round))
      server.forgetLogs() // the test's own record would be the only thing that grows
      collectGarbage()
      return process.memoryUsage().heapUsed
    }

    const before = await rounds(300) // code is compiled, pools are filled
    const after = await rounds(400)
    await pool.close()
    // These 2,400 requests brought 6 MB of names with them.
    expect((after - before) / 1e6).toBeLessThan(1.5)
  }, 60_000)
})

function collectGarbage (): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void // what that flag provides
  for (let round = 0; round < 3; round += 1) collect()
}
