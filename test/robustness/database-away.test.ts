import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { doorOf, type DatabaseDoor } from '../support/database-door.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { introspect, known, requestToken, revoke, send, tokenOf, within, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const staleLimitSeconds = 5

describe('the database goes away, and comes back (F03)', () => {
  let server: TestServer
  let scene: Scene
  let other: RegisteredClient
  let token: string
  let door: DatabaseDoor

  beforeAll(async () => {
    server = await startTestServer({ environment: { STALE_LIMIT_SECONDS: String(staleLimitSeconds) } })
    scene = await server.fixtures.scene()
    other = await server.fixtures.client({ organizationId: scene.organization.id, scopes: ['tournaments:read'] })
    await known(server, scene.api)
    await known(server, other)
    token = await tokenOf(server, scene.partner)
    door = await doorOf(server.databaseUrl)
  })
  afterAll(async () => {
    await door.leave()
    await server.stop()
  })

  const ready = (): Promise<Answer> => send(`${server.origin}/health/ready`)

  it('goes on from memory: tokens, introspection, keys and metadata; readiness stays 200 and says that the database is away', async () => {
    expect((await ready()).json).toMatchObject({ ready: true, database: 'connected' })
    expect((await introspect(server, scene.api, token)).headers.get('Signet-Staleness')).toMatch(/^[01]$/)
    await tokenOf(server, other) // whoever got tokens lately has a block of indexes
    await door.close()
    expect(await within(2, async () => (await ready()).json['database'] === 'away')).toBe(true)
    const { status, json } = await ready()
    expect(status).toBe(200)
    expect(json).toMatchObject({ ready: true, database: 'away' })
    expect((await requestToken(server, scene.partner)).status).toBe(200)
    expect((await requestToken(server, other)).status).toBe(200)
    expect((await introspect(server, scene.api, token)).json).toMatchObject({ active: true })
    expect(await within(4, async () => Number((await introspect(server, scene.api, token)).headers.get('Signet-Staleness')) > 1), 'introspection says how old what it knows may be').toBe(true)
    expect(await server.metrics.getSingleMetricAsString('signet_staleness_seconds')).toMatch(/^signet_staleness_seconds [1-5]\./m)
    for (const path of ['/oauth/v2/jwks', '/.well-known/oauth-authorization-server', '/health/live']) expect((await send(server.origin + path)).status).toBe(200)
  })

  it('S42, R1: answers a revocation that cannot be stored with 503 and Retry-After, and the token stays active', async () => {
    const { status, json, headers } = await revoke(server, scene.partner, token)
    expect([status, json['error']]).toEqual([503, 'temporarily_unavailable'])
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await introspect(server, scene.api, token)).json).toMatchObject({ active: true })
    // What needs no storing is still answered.
    expect((await revoke(server, scene.partner, 'nothing we know')).status).toBe(200)
  })

  it('refuses wrong credentials and unknown clients as ever', async () => {
    expect((await requestToken(server, { ...scene.partner, secret: scene.api.secret })).status).toBe(401)
    expect((await requestToken(server, { ...scene.partner, id: 'cl_live_unknown' })).status).toBe(401)
  })

  it(`answers everything that reads memory with 503 once that is ${staleLimitSeconds} s old, and readiness with 503`, async () => {
    expect(await within(staleLimitSeconds + 2, async () => (await ready()).status === 503)).toBe(true)
    const readiness = await ready()
    expect(readiness.json).toMatchObject({ ready: false, database: 'away' })
    expect(readiness.headers.get('retry-after')).not.toBeNull()
    const answers = {
      token: await requestToken(server, scene.partner),
      introspection: await introspect(server, scene.api, token),
      revocation: await revoke(server, scene.partner, token),
      jwks: await send(`${server.issuer}/oauth/v2/jwks`),
      testJwks: await send(`${server.issuer}/test/oauth/v2/jwks`),
      metadata: await send(`${server.issuer}/.well-known/openid-configuration`)
    }
    for (const [endpoint, { status, json, headers }] of Object.entries(answers)) {
      expect([status, json['error']], endpoint).toEqual([503, 'temporarily_unavailable'])
      expect(Number(headers.get('retry-after')), endpoint).toBeGreaterThan(0)
      expect(headers.get('cache-control'), endpoint).toBe('no-store')
    }
    expect((await send(`${server.origin}/health/live`)).status).toBe(200)
  })

  it('works again within two seconds of the database\'s return, and knows what was changed meanwhile', async () => {
    await door.survivor.query('UPDATE clients SET disabled_at = CURRENT_TIMESTAMP WHERE id = $1', [other.id])
    await door.open()
    expect(await within(2, async () => (await ready()).status === 200)).toBe(true)
    expect((await ready()).json).toMatchObject({ ready: true, database: 'connected' })
    expect((await requestToken(server, other)).status).toBe(401)
    expect((await requestToken(server, scene.partner)).status).toBe(200)
    expect((await revoke(server, scene.partner, token)).status).toBe(200)
    expect((await introspect(server, scene.api, token)).text).toBe('{"active":false}')
  })

  it('hears of changes again as soon as they are made', async () => {
    await door.survivor.query('UPDATE clients SET disabled_at = NULL WHERE id = $1', [other.id])
    expect(await within(1, async () => (await requestToken(server, other)).status === 200)).toBe(true)
  })

  it('survives its connections being ended again and again while it works', async () => {
    for (let round = 0; round < 5; round += 1) {
      await door.shake()
      const fresh = await tokenOf(server, scene.partner)
      expect(await within(2, async () => (await revoke(server, scene.partner, fresh)).status === 200)).toBe(true)
      expect((await introspect(server, scene.api, fresh)).text).toBe('{"active":false}')
    }
    expect(await within(2, async () => (await ready()).json['database'] === 'connected')).toBe(true)
    expect(server.logs.filter(({ status }) => status === 500)).toEqual([])
  })
})
