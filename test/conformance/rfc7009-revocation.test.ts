import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRevocations } from '../../src/access-tokens/revocations.ts'
import { createRevokedTokenStore } from '../../src/access-tokens/store.ts'
import { createStatusLists } from '../../src/status-lists/directory.ts'
import { createStatusListStore } from '../../src/status-lists/store.ts'
import type { Scene } from '../support/fixtures.ts'
import { compact, partsOf, rs256, signingKeyOf } from '../support/forged-tokens.ts'
import { basic, introspect, known, postForm, requestToken, revoke, send, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listIdOf, statusOf } from '../support/status.ts'

describe('RFC 7009 Token revocation', () => {
  let server: TestServer
  let scene: Scene
  let now = Date.now()

  beforeAll(async () => {
    server = await startTestServer({ clock: () => now })
    scene = await server.fixtures.scene()
    await known(server, scene.api)
  })
  afterAll(async () => { await server.stop() })

  async function stored (token: string): Promise<number> {
    return await server.database.revokedIndex.count({ where: { listId: listIdOf(token), firstIndex: statusOf(token).idx } })
  }

  async function isActive (token: string, at: TestServer = server): Promise<boolean> {
    return (await introspect({ ...at, issuer: at.origin }, scene.api, token)).json['active'] === true
  }

  it('§2.2 answers 200 with an empty body, and the token is dead at once', async () => {
    const token = await tokenOf(server, scene.partner)
    expect(await isActive(token)).toBe(true)
    const { status, text, headers } = await revoke(server, scene.partner, token)
    expect({ status, text }).toEqual({ status: 200, text: '' })
    expect(headers.get('Cache-Control')).toBe('no-store')
    expect(await isActive(token)).toBe(false)
  })

  it('§2.2 answers the same when it was revoked already, and stores it once', async () => {
    const token = await tokenOf(server, scene.partner)
    const answers = await Promise.all([1, 2, 3, 4].map(() => revoke(server, scene.partner, token)))
    answers.push(await revoke(server, scene.partner, token))
    expect(answers.map(({ status, text }) => `${status}${text}`)).toEqual(Array(5).fill('200'))
    expect(await stored(token)).toBe(1)
  })

  it('§2.2 answers the same to what is no token of this server', async () => {
    const before = await server.database.revokedIndex.count()
    for (const text of ['x', 'a.b.c', '0'.repeat(9_000), scene.partner.secret]) {
      const { status, text: body } = await revoke(server, scene.partner, text)
      expect({ status, body }).toEqual({ status: 200, body: '' })
    }
    expect(await server.database.revokedIndex.count()).toBe(before)
  })

  it('§2.2 answers the same to an expired token, and stores nothing', async () => {
    const token = await tokenOf(server, scene.partner)
    const before = now
    now = Number(partsOf(token).claims['exp']) * 1000
    expect((await revoke(server, scene.partner, token)).status).toBe(200)
    expect(await stored(token)).toBe(0)
    now = before
  })

  it('kills the one token only', async () => {
    const [one, other] = [await tokenOf(server, scene.partner), await tokenOf(server, scene.partner)]
    await revoke(server, scene.partner, one)
    expect(await isActive(other)).toBe(true)
    expect((await requestToken(server, scene.partner)).status).toBe(200)
  })

  it('S41 refuses to revoke another client\'s token with unauthorized_client, and it stays active', async () => {
    const token = await tokenOf(server, scene.partner)
    const { status, json } = await revoke(server, scene.api, token)
    expect({ status, error: json['error'] }).toEqual({ status: 400, error: 'unauthorized_client' })
    expect(await isActive(token)).toBe(true)
  })

  it('§2.1 answers 401 to no caller and to a wrong one, and the token stays active', async () => {
    const token = await tokenOf(server, scene.partner)
    const url = `${server.issuer}/oauth/v2/revoke`
    for (const answer of [await postForm(url, { token }), await postForm(url, { token, client_id: scene.partner.id }), await postForm(url, { token }, basic(scene.partner.id, 'x'))]) {
      expect({ status: answer.status, error: answer.json['error'] }).toEqual({ status: 401, error: 'invalid_client' })
      expect(answer.headers.get('WWW-Authenticate')).toContain('Basic')
    }
    expect(await isActive(token)).toBe(true)
  })

  it('§2.1 answers 400 when token is missing or there twice, and to a token in the query (S16)', async () => {
    const { id, secret } = scene.partner
    const token = await tokenOf(server, scene.partner)
    const attempts: [string, string][] = [['', ''], ['', 'token='], ['', `token=${token}&token=${token}`], [`?token=${token}`, ''], [`?access_token=${token}`, `token=${token}`]]
    for (const [query, body] of attempts) {
      const { status, json } = await send(`${server.issuer}/oauth/v2/revoke${query}`, {
        method: 'POST', body, headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...basic(id, secret) }
      })
      expect({ status, error: json['error'] }, query + body.slice(0, 12)).toEqual({ status: 400, error: 'invalid_request' })
    }
    expect(await isActive(token)).toBe(true)
  })

  it('§2.1 heeds no token_type_hint, known or not', async () => {
    for (const hint of ['access_token', 'refresh_token', 'nonsense']) {
      const token = await tokenOf(server, scene.partner)
      expect((await postForm(`${server.issuer}/oauth/v2/revoke`, { token, token_type_hint: hint }, basic(scene.partner.id, scene.partner.secret))).status).toBe(200)
      expect(await isActive(token), hint).toBe(false)
    }
  })

  it('S42 R1 answers 503 with Retry-After when the revocation cannot be stored, and the token stays active', async () => {
    const token = await tokenOf(server, scene.partner)
    await server.database.$executeRaw`ALTER TABLE revoked_indexes RENAME TO revoked_indexes_away`
    const { status, json, headers, text } = await revoke(server, scene.partner, token)
    await server.database.$executeRaw`ALTER TABLE revoked_indexes_away RENAME TO revoked_indexes`
    expect({ status, error: json['error'] }).toEqual({ status: 503, error: 'temporarily_unavailable' })
    expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0)
    expect(text).not.toMatch(/revoked_|prisma|sql/i)
    expect(await isActive(token)).toBe(true)
    expect((await revoke(server, scene.partner, token)).status).toBe(200)
    expect(await isActive(token)).toBe(false)
  })

  it('S43 is known to every process within a second, for every spelling of the token', async () => {
    const sibling = await server.startSibling()
    const token = await tokenOf(server, scene.partner)
    expect(await isActive(token, sibling)).toBe(true)
    await revoke(server, scene.partner, token)
    expect(await within(1, async () => !await isActive(token, sibling))).toBe(true)
    for (const spelling of [`${token}=`, ` ${token}`, `${token}\t`, `${token}.`]) expect(await isActive(spelling, sibling)).toBe(false)
  })

  it('S43 survives a start of the server', async () => {
    const token = await tokenOf(server, scene.partner)
    await revoke(server, scene.partner, token)
    expect(await isActive(token, await server.startSibling())).toBe(false)
  })

  it('S44 keeps a revocation until the token has expired, then forgets it, with the list', async () => {
    const token = await tokenOf(server, scene.partner)
    await revoke(server, scene.partner, token)
    const listId = listIdOf(token)
    const store = createStatusListStore(server.database)
    const [day, exp] = [86_400_000, Number(partsOf(token).claims['exp']) * 1000]
    const purgeAt = (time: number): Promise<number> => createStatusLists({ reading: store, writing: store, clock: () => time }).purgeExpired()
    const past = (days: number): Date => new Date(Date.now() - days * day)
    await purgeAt(exp + 10 * day)
    expect(await stored(token), 'our clock alone may be wrong').toBe(1)
    await server.database.statusBlock.updateMany({ where: { listId }, data: { expiresAt: past(1) } })
    await purgeAt(Date.now())
    expect(await stored(token), 'a list may be leased from for a day').toBe(1)
    await server.database.statusList.update({ where: { id: listId }, data: { createdAt: past(3) } })
    const [block] = await server.database.statusBlock.findMany({ where: { listId } })
    expect(block).toBeUndefined()
    await purgeAt(past(3).getTime())
    expect(await stored(token), 'not expired by our clock').toBe(1)
    await purgeAt(Date.now())
    expect(await stored(token)).toBe(0)
    expect(await within(1, async () => (await send(statusOf(token).uri)).status === 404)).toBe(true)
    expect(await isActive(token)).toBe(false)
    expect(await isActive(await tokenOf(server, scene.partner)), 'the process makes another list').toBe(true)
  })

  describe('a token of a version that had no status lists', () => {
    const old = async (): Promise<string> => {
      const { header, claims: { status, ...claims } } = partsOf(await tokenOf(server, scene.partner))
      expect(status).toBeDefined()
      return compact(header, { ...claims, jti: randomBytes(16).toString('base64url') }, rs256(await signingKeyOf(server)))
    }

    it('is revoked by its jti, in every process and after a start', async () => {
      const token = await old()
      expect(await isActive(token)).toBe(true)
      for (let times = 0; times < 2; times += 1) expect((await revoke(server, scene.partner, token)).status).toBe(200)
      expect(await isActive(token)).toBe(false)
      expect(await isActive(token, await server.startSibling())).toBe(false)
    })

    it('S44 keeps that until the token has expired, then forgets it', async () => {
      const tokens = [await old(), await old()]
      for (const token of tokens) await revoke(server, scene.partner, token)
      const jtis = tokens.map((token) => String(partsOf(token).claims['jti']))
      const expiresAt = Number(partsOf(tokens[0] ?? '').claims['exp']) * 1000
      const kept = (): Promise<number> => server.database.revokedToken.count({ where: { jti: { in: jtis } } })
      const store = createRevokedTokenStore(server.database)
      const purgeAt = (time: number): Promise<number> => createRevocations({ reading: store, writing: store, clock: () => time }).purgeExpired()
      await purgeAt(expiresAt + 86_400_000)
      expect(await kept(), 'our clock alone may be wrong').toBe(2)
      await server.database.revokedToken.updateMany({ where: { jti: { in: jtis } }, data: { expiresAt: new Date(Date.now() - 7_200_000) } })
      await purgeAt(Date.now() - 10_800_000)
      expect(await kept(), 'not expired by our clock').toBe(2)
      await purgeAt(Date.now())
      expect(await kept()).toBe(0)
    })
  })
})
