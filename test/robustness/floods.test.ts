import argon2 from 'argon2'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { known, requestToken, within, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const times = <Result>(count: number, make: (position: number) => Result): Result[] => Array.from({ length: count }, (_, position) => make(position))

/** A genuine secret with its last character changed: of the right form, and its tag is wrong. */
function forge (secret: string, position: number): string {
  const random = `${position}`.padStart(6, '0')
  return secret.slice(0, -6) + random
}

describe('floods of wrong secrets: known partners do not notice (F07)', { timeout: 60_000 }, () => {
  let server: TestServer
  let scene: Scene
  let argon2Calls: MockInstance<typeof argon2.verify>
  let running = 0
  let mostAtOnce = 0

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    await known(server, scene.api)
  })
  afterAll(async () => { await server.stop() })

  // The library itself, watched and not replaced: how often it is called is exactly what a flood costs.
  beforeEach(() => {
    mostAtOnce = 0
    const verify = argon2.verify
    argon2Calls = vi.spyOn(argon2, 'verify').mockImplementation(async (...given) => {
      running += 1
      mostAtOnce = Math.max(mostAtOnce, running)
      try {
        return await verify(...given)
      } finally {
        running -= 1
      }
    })
  })
  afterEach(() => { vi.restoreAllMocks() })

  function withSecret (client: RegisteredClient, secret: string): Promise<Answer> {
    return requestToken(server, { ...client, secret })
  }

  /** A client whose secret no process has verified yet; the server knows of it when this returns. */
  async function newClient (): Promise<RegisteredClient> {
    const client = await server.fixtures.client({ organizationId: scene.organization.id, scopes: ['tournaments:read'] })
    await known(server, await server.fixtures.client({ organizationId: scene.organization.id })) // changes arrive in their order
    return client
  }

  async function verifiersStored (client: RegisteredClient): Promise<number> {
    return await server.database.clientSecret.count({ where: { clientId: client.id, verifier: { not: null } } })
  }

  it('refuses 500 forged secrets without one argon2 computation, and answers every good request meanwhile', async () => {
    await requestToken(server, scene.partner)
    argon2Calls.mockClear()
    const forged = times(500, (position) => withSecret(scene.partner, forge(scene.partner.secret, position)))
    const good = await Promise.all(times(50, () => requestToken(server, scene.partner)))
    expect(good.map(({ status }) => status)).toEqual(Array(50).fill(200))
    const refusals = await Promise.all(forged)
    expect(new Set(refusals.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(refusals[0]).toMatchObject({ status: 401, json: { error: 'invalid_client' } })
    expect(argon2Calls).not.toHaveBeenCalled()
  })

  it('refuses 500 untagged secrets at once while no client has an imported one', async () => {
    const refusals = await Promise.all(times(500, (position) => withSecret(scene.partner, `guess-${position}`)))
    expect(new Set(refusals.map(({ status }) => status))).toEqual(new Set([401]))
    expect(argon2Calls).not.toHaveBeenCalled()
  })

  it('verifies 50 first requests of a new client with one argon2 computation and one statement', async () => {
    const client = await newClient()
    argon2Calls.mockClear()
    const statements = vi.spyOn(pg.Client.prototype, 'query')
    const answers = await Promise.all(times(50, () => requestToken(server, client)))
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
    expect(argon2Calls).toHaveBeenCalledTimes(1)

    expect(await within(2, async () => await verifiersStored(client) === 1)).toBe(true)
    const updates = statements.mock.calls.filter(([statement]) => /UPDATE .*client_secrets/.test(JSON.stringify(statement)))
    expect(updates).toHaveLength(1)
  })

  it('verifies 50 requests of a client with a stored verifier without argon2, in a process that has just started', async () => {
    const client = await newClient()
    expect((await requestToken(server, client)).status).toBe(200)
    expect(await within(2, async () => await verifiersStored(client) === 1)).toBe(true)
    const sibling = await server.startSibling()
    argon2Calls.mockClear()
    const answers = await Promise.all(times(50, () => requestToken(sibling, client)))
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
    expect(argon2Calls).not.toHaveBeenCalled()
  })

  it('shares a computation only between requests with the same secret (R52)', async () => {
    const [one, other] = [await newClient(), await newClient()]
    const { secret: second } = await server.fixtures.addSecret(one.id)
    expect(await within(2, async () => (await withSecret(one, second)).status === 200)).toBe(true)
    const answers = await Promise.all([one, other].flatMap((client) => times(10, async () => ({ id: client.id, answer: await requestToken(server, client) }))))
    for (const { id, answer } of answers) {
      const [, payload = ''] = String(answer.json['access_token']).split('.')
      expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ client_id: id })
    }
    expect((await withSecret(one, other.secret)).status).toBe(401)
  })

  describe('while an imported secret exists, so that untagged ones must be hashed', () => {
    const imported = 'an operator\'s own secret'
    let importing: RegisteredClient

    beforeAll(async () => {
      const client = await server.fixtures.client({ organizationId: scene.organization.id, scopes: ['tournaments:read'] })
      const hash = await argon2.hash(imported, { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 })
      await server.database.clientSecret.create({ data: { id: 'imported00000001', clientId: client.id, imported: true, hash } })
      importing = { ...client, secret: imported }
      expect(await within(2, async () => (await requestToken(server, importing)).status === 200)).toBe(true)
    })

    function flood (client: RegisteredClient): Promise<Answer>[] {
      return times(200, (position) => withSecret(client, `guess-${position}`))
    }

    it('hashes one of 200 wrong secrets at a time, a bounded number of them, and answers the rest 503 with Retry-After', async () => {
      argon2Calls.mockClear()
      const answers = await Promise.all(flood(scene.partner))
      const refused = answers.filter(({ status }) => status === 401)
      const postponed = answers.filter(({ status }) => status === 503)
      expect(refused.length + postponed.length).toBe(200)
      expect(postponed.length).toBeGreaterThan(0)
      expect(argon2Calls).toHaveBeenCalledTimes(refused.length)
      expect(mostAtOnce).toBe(1)
      for (const { json, headers } of postponed) {
        expect(json['error']).toBe('temporarily_unavailable')
        expect(headers.get('retry-after')).toBe('1')
      }
    })

    it('answers every client whose secret was verified before, generated and imported', async () => {
      const wrong = flood(scene.partner)
      const good = await Promise.all([...times(50, () => requestToken(server, scene.partner)), ...times(50, () => requestToken(server, importing))])
      expect(good.map(({ status }) => status)).toEqual(Array(100).fill(200))
      await Promise.all(wrong)
    })

    it('answers a new client\'s first request too: its genuine secret goes before the guesses', async () => {
      const client = await newClient()
      const wrong = flood(scene.partner)
      await within(5, async () => running > 0)
      expect((await requestToken(server, client)).status).toBe(200)
      await Promise.all(wrong)
    })

    it('gives an unknown client, a disabled one and one without an imported secret the same work', async () => {
      const disabled = await server.fixtures.client({ organizationId: scene.organization.id })
      await server.database.client.update({ where: { id: disabled.id }, data: { disabledAt: new Date() } })
      expect(await within(2, async () => (await requestToken(server, disabled)).status === 401)).toBe(true)
      for (const client of [{ ...scene.partner, id: 'cl_live_unknown' }, disabled, scene.partner, importing]) {
        argon2Calls.mockClear()
        expect((await withSecret(client, 'guess')).status).toBe(401)
        expect(argon2Calls).toHaveBeenCalledTimes(1)
      }
    })
  })
})
