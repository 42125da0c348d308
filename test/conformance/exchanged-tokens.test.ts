import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createExchangedTokens } from '../../src/exchanged-tokens/directory.ts'
import { createExchangedTokenStore } from '../../src/exchanged-tokens/store.ts'
import { createClientStore } from '../../src/clients/store.ts'
import { createOrganizationStore } from '../../src/organizations/store.ts'
import { tokenExchangeGrant } from '../../src/oauth/grant-types.ts'
import { assertionBy, assertionClaims, newPair, withAssertion } from '../support/assertions.ts'
import { accessTokenOf, accessTokenType, exchange, exchanged, exchangeScene, gatewayOf, playerToken, type ExchangeScene } from '../support/exchange.ts'
import type { RegisteredClient } from '../support/fixtures.ts'
import { compact, partsOf, rs256, signingKeyOf } from '../support/forged-tokens.ts'
import { introspect, known, requestToken, revoke, tokenOf, within, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listIdOf, statusOf } from '../support/status.ts'

let server: TestServer
let sibling: TestServer
let scene: ExchangeScene

beforeAll(async () => {
  server = await startTestServer()
  sibling = await server.startSibling()
  scene = await exchangeScene(server)
  await known(sibling, scene.statistics)
})
afterAll(async () => { await server.stop() })

const forStats = { resource: 'https://stats.example.com' }
const atStats = async (): Promise<string> => await exchanged(server, scene.gateway, await tokenOf(server, scene.partner), forStats)

async function isActive (token: string, where = server, caller = scene.statistics): Promise<boolean> {
  return (await introspect(where, caller, token)).json['active'] === true
}

async function expectDeadEverywhere (tokens: readonly string[]): Promise<void> {
  for (const where of [server, sibling]) {
    for (const token of tokens) expect(await within(1, async () => !await isActive(token, where)), `${where.origin} ${JSON.stringify(decodeJwt(token))}`).toBe(true)
  }
}

async function newPartner (organizationId?: string): Promise<RegisteredClient> {
  const owner = organizationId ?? (await server.fixtures.organization()).id
  const client = await server.fixtures.client({ organizationId: owner, scopes: ['tournaments:read'] })
  for (const where of [server, sibling]) await known(where, client)
  return client
}

describe('an exchanged token dies with its subject token, on every server within a second', () => {
  /** One that was exchanged, and one that was exchanged for that one. */
  async function family (subject: string): Promise<string[]> {
    const child = await exchanged(server, scene.gateway, subject)
    return [await exchanged(server, scene.gateway, subject, forStats), await exchanged(server, scene.gateway, child, forStats)]
  }

  it('is active on another server at once, before any news of it has come there', async () => {
    for (let round = 0; round < 20; round += 1) expect(await isActive(await atStats(), sibling)).toBe(true)
  })

  it('revoked', async () => {
    const subject = await tokenOf(server, scene.partner)
    const tokens = await family(subject)
    await revoke(sibling, scene.partner, subject)
    await expectDeadEverywhere(tokens)
  })

  const kills: [string, (partner: RegisteredClient) => Promise<unknown>, ((partner: RegisteredClient) => Promise<unknown>)?][] = [
    ['its client disabled, and enabled again', ({ id }) => createClientStore(server.database).update(id, { disabledAt: new Date() }), ({ id }) => createClientStore(server.database).update(id, { disabledAt: null })],
    ['its organization disabled, and enabled again',
      ({ client }) => createOrganizationStore(server.database).update(client.organizationId, { disabledAt: new Date() }),
      ({ client }) => createOrganizationStore(server.database).update(client.organizationId, { disabledAt: null })],
    ['its client deleted, with its organization', async ({ id, client }) => {
      await createClientStore(server.database).remove(id)
      await createOrganizationStore(server.database).remove(client.organizationId)
    }],
    ['its client moved to another organization', ({ id }) => createClientStore(server.database).update(id, { organizationId: scene.platform.id })],
    ['the tokens of its client cut off', ({ id }) => server.database.client.update({ where: { id }, data: { tokensRevokedBefore: new Date() } })],
    ['the tokens of its organization cut off', ({ client }) => server.database.organization.update({ where: { id: client.organizationId }, data: { tokensRevokedBefore: new Date() } })]
  ]
  it.each(kills)('R6, R21 %s', async (_, kill, undo) => {
    const partner = await newPartner()
    const tokens = await family(await tokenOf(server, partner))
    for (const token of tokens) expect(await isActive(token, sibling)).toBe(true)
    await kill(partner)
    await expectDeadEverywhere(tokens)
    if (undo === undefined) return
    await undo(partner)
    for (const where of [server, sibling]) await known(where, partner)
    await expectDeadEverywhere(tokens)
    expect(await isActive(await exchanged(server, scene.gateway, await tokenOf(server, partner), forStats))).toBe(true)
  })

  it('of a player: with the tokens of that client, and no other player\'s', async () => {
    const [one, other] = await Promise.all(['player-1', 'player-2'].map((player) => playerToken(server, scene.login, player)))
    const [ones, others] = await Promise.all([one, other].map((token) => exchanged(server, scene.gateway, token ?? '', forStats)))
    await revoke(server, scene.login, one ?? '')
    await expectDeadEverywhere([ones ?? ''])
    expect(await isActive(others ?? '')).toBe(true)
  })

  it('the resource that it was exchanged at disabled: not longer than that', async () => {
    const token = await atStats()
    const set = (disabledAt: Date | null): Promise<unknown> => server.database.resource.update({ where: { id: scene.api.id }, data: { disabledAt } })
    await set(new Date())
    await expectDeadEverywhere([token])
    const { status, json } = await exchange(server, scene.gateway, await atStatsSubject(), forStats)
    expect({ status, error: json['error'] }, 'R9').toEqual({ status: 400, error: 'invalid_request' })
    await set(null)
    expect(await within(1, async () => await isActive(token) && await isActive(token, sibling))).toBe(true)
  })

  async function atStatsSubject (): Promise<string> {
    return accessTokenOf(await requestToken(server, scene.partner, { scope: 'stats:read' }))
  }

  it('with its own end, too: revoked by the client that exchanged it and by no other, and its subject token lives on', async () => {
    const subject = await tokenOf(server, scene.partner)
    const token = await exchanged(server, scene.gateway, subject, forStats)
    expect((await revoke(server, scene.partner, token)).json['error']).toBe('unauthorized_client')
    expect((await revoke(server, scene.gateway, token)).status).toBe(200)
    await expectDeadEverywhere([token])
    expect(await isActive(subject, server, scene.gateway)).toBe(true)
  })

  it('with the client that exchanged it', async () => {
    const gateway = await server.fixtures.client(gatewayOf(scene))
    await known(server, gateway)
    const token = await exchanged(server, gateway, await tokenOf(server, scene.partner), forStats)
    await createClientStore(server.database).update(gateway.id, { disabledAt: new Date() })
    await expectDeadEverywhere([token])
  })

  it('R20 a dead token is no subject token and no actor token: revoked, of a disabled client, exchanged for a dead one', async () => {
    const partner = await newPartner()
    const [revoked, alive] = [await tokenOf(server, scene.partner), await tokenOf(server, scene.partner)]
    const [disabled, ours] = [await tokenOf(server, partner), await tokenOf(server, scene.gateway)]
    const child = await exchanged(server, scene.gateway, revoked)
    await revoke(server, scene.partner, revoked)
    await revoke(server, scene.gateway, ours)
    await createClientStore(server.database).update(partner.id, { disabledAt: new Date() })
    for (const subject of [revoked, disabled, child]) {
      expect(await within(1, async () => (await exchange(server, scene.gateway, subject)).json['error'] === 'invalid_request')).toBe(true)
    }
    for (const actor of [ours, disabled]) {
      const { json } = await exchange(server, scene.gateway, alive, { actor_token: actor, actor_token_type: accessTokenType })
      expect(json['error']).toBe('invalid_request')
      expect(String(json['error_description'])).toMatch(/^The actor_token is not acceptable/)
    }
  })
})

describe('an exchange and the death of its subject token at the same moment', () => {
  it('gives no token once the revocation is stored, though this process has not heard of it', async () => {
    const subject = await tokenOf(server, scene.partner)
    const grandparent = await tokenOf(server, scene.partner)
    const child = await exchanged(server, scene.gateway, grandparent)
    await server.database.$executeRaw`ALTER TABLE revoked_tokens DISABLE TRIGGER feed_append`
    for (const token of [subject, grandparent]) {
      await server.database.revokedToken.create({ data: { jti: String(decodeJwt(token).jti), clientId: scene.partner.id, expiresAt: new Date(Date.now() + 90_000_000) } })
    }
    await server.database.$executeRaw`ALTER TABLE revoked_tokens ENABLE TRIGGER feed_append`
    const before = await server.database.exchangedToken.count()
    for (const token of [subject, child]) {
      const { status, json, headers } = await exchange(server, scene.gateway, token)
      expect({ status, error: json['error'] }).toEqual({ status: 400, error: 'invalid_request' })
      expect(server.logs.find(({ requestId }) => requestId === headers.get('X-Request-Id'))?.['cause']).toBe('the subject token was revoked meanwhile')
    }
    expect(await server.database.exchangedToken.count()).toBe(before)
  })

  it('R20 gives no token for an actor token that was revoked, nor to a key that was, while storing the exchange waited for the database', async () => {
    const pair = newPair()
    const service = await server.fixtures.signingClient({ ...gatewayOf(scene), keys: [pair] })
    const [subject, actor] = [await tokenOf(server, scene.partner), await tokenOf(server, scene.gateway)]
    const byKey = (subjectToken: string): Promise<Answer> => withAssertion(server, assertionBy(pair, assertionClaims(server.issuer, service.id, Date.now())), { grant_type: tokenExchangeGrant, subject_token: subjectToken, subject_token_type: accessTokenType })
    expect(await within(2, async () => (await byKey(subject)).status === 200)).toBe(true)
    const asked = await server.database.$transaction(async (session) => {
      await session.$executeRaw`LOCK TABLE exchanged_tokens IN SHARE MODE` // a revocation reads it
      const answers = [exchange(server, scene.gateway, subject, { actor_token: actor, actor_token_type: accessTokenType }), byKey(subject)]
      const isWaiting = async (): Promise<boolean> => (await session.$queryRaw<unknown[]>`SELECT FROM pg_locks WHERE relation = 'exchanged_tokens'::regclass AND NOT granted`).length === answers.length
      expect(await within(1, isWaiting)).toBe(true)
      await revoke(server, scene.gateway, actor)
      await server.database.clientKey.updateMany({ where: { clientId: service.id }, data: { revokedAt: new Date() } })
      expect(await within(1, async () => (await byKey('none')).status === 401)).toBe(true)
      return answers.map((answer) => [answer]) // promises alone would be waited for here
    })
    const answers = await Promise.all(asked.map(async ([answer]) => await answer))
    expect(answers.map((answer) => [answer?.status, answer?.json['error']])).toEqual([[400, 'invalid_request'], [503, 'temporarily_unavailable']])
  })

  it('leaves no live token, whoever comes first: 40 revocations against 40 exchanges, on two servers', async () => {
    const subjects: string[] = []
    for (let round = 0; round < 40; round += 1) subjects.push(await tokenOf(server, scene.partner))
    const outcomes = await Promise.all(subjects.map(async (subject, round) => {
      const [one, other] = round % 2 === 0 ? [server, sibling] : [sibling, server]
      const [{ json }, { status }] = await Promise.all([exchange(one, scene.gateway, subject, forStats), revoke(other, scene.partner, subject)])
      expect(status).toBe(200)
      return json['access_token']
    }))
    await expectDeadEverywhere(outcomes.filter((token) => typeof token === 'string'))
  })
})

function listColumns (token: string, listId: string, index: string): object {
  return { [listId]: listIdOf(token), [index]: statusOf(token).idx }
}

describe('the link to the subject token', () => {
  it('is durable before the token leaves: 503 with Retry-After when it cannot be stored', async () => {
    const subject = await tokenOf(server, scene.partner)
    await server.database.$executeRaw`ALTER TABLE exchanged_tokens RENAME TO exchanged_tokens_away`
    const { status, json, headers, text } = await exchange(server, scene.gateway, subject)
    await server.database.$executeRaw`ALTER TABLE exchanged_tokens_away RENAME TO exchanged_tokens`
    expect({ status, error: json['error'] }).toEqual({ status: 503, error: 'temporarily_unavailable' })
    expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0)
    expect(text).not.toMatch(/exchanged_tokens|prisma|sql|access_token"/i)
    const token = await exchanged(server, scene.gateway, subject)
    const claims = decodeJwt(token)
    expect(await server.database.exchangedToken.findUnique({ where: { jti: String(claims.jti) } })).toEqual({
      jti: claims.jti,
      subjectJti: decodeJwt(subject).jti,
      clientId: scene.partner.id,
      organizationId: scene.organization.id,
      issuedAt: new Date(Number(decodeJwt(subject).iat) * 1000),
      kid: partsOf(subject).header['kid'],
      resourceId: scene.api.id,
      expiresAt: new Date(Number(claims.exp) * 1000),
      ...listColumns(token, 'listId', 'listIndex'),
      ...listColumns(subject, 'subjectListId', 'subjectIndex')
    })
  })

  it('decides: a token that says that it was exchanged is inactive without it, truly signed or not, and so is one that looks so', async () => {
    const signer = rs256(await signingKeyOf(server))
    const { header, claims } = partsOf(await atStats())
    const signed = (change: object): string => compact(header, { ...claims, ...change }, signer)
    expect(await isActive(signed({}))).toBe(true)
    for (const change of [
      { jti: 'x.aaaaaaaaaaaaaaaaaaaaaa' }, { jti: 'aaaaaaaaaaaaaaaaaaaaaa' }, { jti: 'aaaaaaaaaaaaaaaaaaaaaa', sub: scene.gateway.id },
      { jti: 'aaaaaaaaaaaaaaaaaaaaaa', org: scene.platform.id }, { jti: 'aaaaaaaaaaaaaaaaaaaaaa', org: scene.platform.id, sub: scene.gateway.id, act: { sub: scene.gateway.id } },
      { org: scene.platform.id }, { player_id: 'player-1001' }, { client_id: 'cl_live_nobody' }, { act: { sub: 'x', act: { sub: 'x', act: { sub: 'x', act: { sub: 'x', act: { sub: 'x' } } } } } },
      { act: { sub: 'x', exp: 1 } }, { act: {} }, { act: 'x' }
    ]) expect(await isActive(signed(change)), JSON.stringify(change)).toBe(false)
    expect(await isActive(signed({ jti: 'aaaaaaaaaaaaaaaaaaaaaa', org: scene.platform.id, sub: scene.gateway.id }))).toBe(true)
    expect((await server.startSibling().then(async (restarted) => await introspect(restarted, scene.statistics, signed({})))).json['active'], 'after a start').toBe(true)
  })

  it('lost, by a restore of what was before: the token is inactive for good', async () => {
    const [token, other] = [await atStats(), await atStats()]
    await server.database.exchangedToken.delete({ where: { jti: String(decodeJwt(token).jti) } })
    await expectDeadEverywhere([token])
    expect(await isActive(other)).toBe(true)
  })

  it('lives until the token has expired, and a minute for clocks that differ; then housekeeping forgets it', async () => {
    const now = Date.now()
    const store = createExchangedTokenStore(server.database)
    const row = await server.database.exchangedToken.findFirstOrThrow({ where: { subjectJti: { not: { startsWith: 'x.' } } } })
    const insert = async (jti: string, ago: number): Promise<void> => { await server.database.exchangedToken.create({ data: { ...row, jti, subjectJti: 'fresh', issuedAt: new Date(), expiresAt: new Date(now - ago * 60_000) } }) }
    await insert('x.old', 2)
    await insert('x.young', 0.5)
    const ahead = createExchangedTokens({ reading: store, writing: store, clock: () => now + 86_400_000, limit: 10 })
    expect(await ahead.purgeExpired(), 'the database\'s clock has its say').toBe(1)
    expect(await createExchangedTokens({ reading: store, writing: store, clock: () => now, limit: 10 }).purgeExpired()).toBe(0)
    expect(await server.database.exchangedToken.findMany({ where: { jti: { in: ['x.old', 'x.young'] } }, select: { jti: true } })).toEqual([{ jti: 'x.young' }])
  })

  it('is bounded: past EXCHANGED_TOKENS_LIMIT exchanges are refused with 503 and Retry-After, and everything else goes on', async () => {
    const few = await server.startSibling({ EXCHANGED_TOKENS_LIMIT: '1' })
    const subject = await tokenOf(server, scene.partner)
    const { status, json, headers } = await exchange(few, scene.gateway, subject)
    expect({ status, error: json['error'], retryAfter: headers.get('Retry-After') }).toEqual({ status: 503, error: 'temporarily_unavailable', retryAfter: '60' })
    expect((await requestToken(few, scene.partner, { scope: 'stats:read' })).status).toBe(200)
    expect(await isActive(await atStats(), few)).toBe(true)
  })

  it('comes by the feed when many come at once, and when many go', async () => {
    const subject = await tokenOf(server, scene.partner)
    const tokens = await Promise.all(Array.from({ length: 120 }, () => exchanged(server, scene.gateway, subject, forStats)))
    for (let news = 0; news < 2; news += 1) await newPartner() // what the feed brought before is in memory by then
    await server.database.$executeRaw`ALTER TABLE exchanged_tokens RENAME TO exchanged_tokens_away`
    // Without the table nothing can be looked up: what is active is so from memory.
    const inMemory = async (token: string): Promise<boolean> => (await introspect(sibling, scene.statistics, token)).json['active'] === true
    const all = (await Promise.all(tokens.map(inMemory))).every(Boolean)
    await server.database.$executeRaw`ALTER TABLE exchanged_tokens_away RENAME TO exchanged_tokens`
    expect(all).toBe(true)
    await server.database.exchangedToken.deleteMany({ where: { jti: { in: tokens.map((token) => String(decodeJwt(token).jti)) } } })
    await expectDeadEverywhere(tokens)
  })
})

describe('a key that is withdrawn', () => {
  let signing: TestServer

  beforeAll(async () => { signing = await startTestServer({ environment: { SIGNING_ALGORITHMS: 'RS256,ES256' } }) })
  afterAll(async () => { await signing.stop() })

  it('takes along what was exchanged for the tokens that it signed, though another key signed that', async () => {
    const { partner, gateway, statistics, stats } = await exchangeScene(signing)
    await signing.database.resource.update({ where: { id: stats.id }, data: { signingAlgorithm: 'ES256' } })
    const subject = await tokenOf(signing, partner)
    const signedByOther = async (): Promise<boolean> => partsOf(await exchanged(signing, gateway, subject, forStats)).header['alg'] === 'ES256'
    expect(await within(1, signedByOther)).toBe(true)
    const token = await exchanged(signing, gateway, subject, forStats)
    const aside = accessTokenOf(await requestToken(signing, partner, { scope: 'stats:read' }))
    for (const each of [token, aside]) expect(await isActive(each, signing, statistics)).toBe(true)
    await signing.database.signingKey.update({ where: { kid: String(partsOf(subject).header['kid']) }, data: { withdrawnAt: new Date() } })
    expect(await within(1, async () => !await isActive(token, signing, statistics))).toBe(true)
    expect(await isActive(aside, signing, statistics)).toBe(true)
  })
})
