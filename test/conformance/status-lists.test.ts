import { randomBytes } from 'node:crypto'
import { getListFromStatusListJWT } from '@sd-jwt/jwt-status-list'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bitAt } from '../../src/status-lists/bits.ts'
import { createClientStore } from '../../src/clients/store.ts'
import { createDatabase } from '../../src/db.ts'
import { base62 } from '../../src/identifiers.ts'
import { createOrganizationStore } from '../../src/organizations/store.ts'
import { createStatusListStore } from '../../src/status-lists/store.ts'
import { assertionBy, assertionClaims, newPair, withAssertion } from '../support/assertions.ts'
import { exchanged, exchangeScene, type ExchangeScene } from '../support/exchange.ts'
import type { RegisteredClient } from '../support/fixtures.ts'
import { introspect, known, requestToken, revoke, send, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { bitOf, bitsAt, statusOf } from '../support/status.ts'

let server: TestServer
let sibling: TestServer
let scene: ExchangeScene

beforeAll(async () => {
  server = await startTestServer()
  sibling = await server.startSibling()
  scene = await exchangeScene(server)
  for (const client of [scene.partner, scene.statistics]) await known(sibling, client)
})
afterAll(async () => { await server.stop() })

async function newPartner (organizationId?: string): Promise<RegisteredClient> {
  const owner = organizationId ?? (await server.fixtures.organization()).id
  const client = await server.fixtures.client({ organizationId: owner, scopes: ['tournaments:read'] })
  for (const where of [server, sibling]) await known(where, client)
  return client
}

/** In the list and to introspection, on both servers. */
async function expectRevoked (...tokens: readonly string[]): Promise<void> {
  for (const where of [server, sibling]) {
    for (const token of tokens) {
      expect(await within(1, async () => await bitOf(token, where)), `${where.origin} ${token}`).toBe(true)
      expect(await within(1, async () => (await introspect(where, scene.gateway, token)).json['active'] === false)).toBe(true)
    }
  }
}

async function expectAlive (...tokens: readonly string[]): Promise<void> {
  for (const where of [server, sibling]) {
    for (const token of tokens) {
      expect(await bitOf(token, where)).toBe(false)
      expect((await introspect(where, scene.gateway, token)).json['active']).toBe(true)
    }
  }
}

describe('Token Status List §6.2 every token says where its status is', () => {
  it('under its issuer, live or test, with an index of its own', async () => {
    const tokens = await Promise.all(Array.from({ length: 200 }, (_, index) => tokenOf(index % 2 === 0 ? server : sibling, scene.partner)))
    const statuses = tokens.map(statusOf)
    expect(new Set(statuses.map(({ idx, uri }) => `${uri} ${idx}`)).size).toBe(200)
    for (const { idx, uri } of statuses) {
      expect(idx).toBeLessThan(1_048_576)
      expect(uri).toMatch(new RegExp(`^${server.issuer}/oauth/v2/status-lists/[0-9A-Za-z]{22}$`))
    }
    expect(new Set(statuses.map(({ uri }) => uri)).size, 'each server has a list of its own').toBe(2)
    const { organization } = scene
    const test = await server.fixtures.client({ organizationId: organization.id, environment: 'test', scopes: ['tournaments:read'] })
    await known(server, test)
    expect(statusOf(await tokenOf(server, test)).uri).toContain(`${server.issuer}/test/oauth/v2/status-lists/`)
  })
})

describe('Token Status List §5.1 and §8.2 the published list', () => {
  it('S52 is a signed statuslist+jwt whose sub is its address, with the times that the promise of a minute needs', async () => {
    const { uri } = statusOf(await tokenOf(server, scene.partner))
    const before = Math.floor(Date.now() / 1000)
    const answer = await send(uri, { headers: { Accept: 'application/statuslist+jwt' } })
    expect(answer.headers.get('Content-Type')).toBe('application/statuslist+jwt')
    const { payload, protectedHeader } = await jwtVerify(answer.text, createRemoteJWKSet(new URL(`${server.issuer}/oauth/v2/jwks`)))
    expect(protectedHeader).toMatchObject({ typ: 'statuslist+jwt', alg: 'RS256' })
    expect(Object.keys(payload).sort()).toEqual(['exp', 'iat', 'iss', 'status_list', 'sub', 'ttl'])
    expect(payload).toMatchObject({ iss: server.issuer, sub: uri, ttl: 25 })
    expect(payload.iat).toBeLessThanOrEqual(before + 1)
    expect(payload.exp).toBeGreaterThan(before + 25)
    expect(payload.exp).toBeLessThanOrEqual(before + 901)
    expect(answer.headers.get('Cache-Control')).toBe('public, max-age=25')
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*')
    expect(await bitsAt(uri, server)).toHaveLength(1_048_576 / 8)
    // As others read it.
    expect(getListFromStatusListJWT(answer.text).getStatus(statusOf(await tokenOf(server, scene.partner)).idx)).toBe(0)
  })

  it('is the same to the byte while nothing is revoked, and answers 304 then', async () => {
    const token = await tokenOf(server, scene.partner)
    const { uri } = statusOf(token)
    const first = await send(uri)
    const etag = first.headers.get('ETag') ?? ''
    expect(etag).toMatch(/^"[\w-]+"$/)
    expect((await send(uri)).text).toBe(first.text)
    const again = await send(uri, { headers: { 'If-None-Match': etag } })
    expect([again.status, again.text]).toEqual([304, ''])
    expect((await revoke(server, scene.partner, token)).status).toBe(200)
    const changed = await send(uri, { headers: { 'If-None-Match': etag } })
    expect(changed.status).toBe(200)
    expect(changed.headers.get('ETag')).not.toBe(etag)
  })

  it('is nobody else\'s: 404 below the other issuer and for what is no list', async () => {
    const { uri } = statusOf(await tokenOf(server, scene.partner))
    for (const other of [uri.replace('/oauth/', '/test/oauth/'), uri.slice(0, -1), `${uri}x`, uri.replace(/.{22}$/, '0'.repeat(22)), uri.replace(/.{22}$/, '%00')]) {
      const answer = await send(other)
      expect([answer.status, answer.json['error']], other).toEqual([404, 'invalid_request'])
    }
  })

  it('is there as soon as its first token is, on a server that may not have heard of it yet', async () => {
    const ids = Array.from({ length: 20 }, () => base62(randomBytes(16), 22))
    const answers = ids.map(async (id) => {
      await createStatusListStore(server.database).create({ id, environment: 'live' })
      return await Promise.all([server, sibling].map(async ({ origin }) => (await send(`${origin}/oauth/v2/status-lists/${id}`)).status))
    })
    expect(new Set((await Promise.all(answers)).flat())).toEqual(new Set([200]))
  })

  it('§9 is found from the metadata', async () => {
    const { uri } = statusOf(await tokenOf(server, scene.partner))
    const { json: metadata } = await send(`${server.issuer}/.well-known/oauth-authorization-server`)
    const answer = await send(String(metadata['status_list_aggregation_endpoint']))
    expect(answer.headers.get('Content-Type')).toMatch(/^application\/json/)
    expect(answer.json['status_lists']).toContain(uri)
    const { json: ofTest } = await send(`${server.issuer}/test/.well-known/openid-configuration`)
    expect((await send(String(ofTest['status_list_aggregation_endpoint']))).json['status_lists']).not.toContain(uri)
  })
})

describe('what is revoked is revoked in the list and to introspection, on every server within a second, and nothing else is', () => {
  it('a token: by its client', async () => {
    const [token, other] = [await tokenOf(server, scene.partner), await tokenOf(server, scene.partner)]
    for (let times = 0; times < 2; times += 1) expect((await revoke(sibling, scene.partner, token)).status).toBe(200)
    await expectRevoked(token)
    await expectAlive(other)
    const { idx, uri } = statusOf(token)
    const list = getListFromStatusListJWT((await send(uri)).text)
    expect([list.getStatus(idx), list.getStatus(statusOf(other).idx)]).toEqual([1, 0])
  })

  it('R6 a client: disabling it revokes what it has and what is not issued yet, and enabling it brings nothing back', async () => {
    const [client, other] = [await newPartner(), await newPartner()]
    const tokens = [await tokenOf(server, client), await tokenOf(sibling, client)]
    const bystander = await tokenOf(server, other)
    const clients = createClientStore(server.database)
    await clients.update(client.id, { disabledAt: new Date() })
    await expectRevoked(...tokens)
    const { idx, uri } = statusOf(tokens[0] ?? '')
    expect(bitAt(await bitsAt(uri, server), idx + 1), 'the next one of its block').toBe(true)
    await clients.update(client.id, { disabledAt: null })
    expect(await within(2, async () => (await requestToken(server, client)).status === 200)).toBe(true)
    const afterwards = await tokenOf(server, client)
    await expectRevoked(...tokens)
    await expectAlive(afterwards, bystander)
  })

  it('R6 an organization, with every client of it', async () => {
    const { id } = await server.fixtures.organization()
    const clients = [await newPartner(id), await newPartner(id)]
    const tokens = await Promise.all(clients.map((client) => tokenOf(server, client)))
    const bystander = await tokenOf(server, await newPartner())
    await createOrganizationStore(server.database).update(id, { disabledAt: new Date() })
    await expectRevoked(...tokens)
    await expectAlive(bystander)
  })

  it('R6 a secret: what it was used for, and not what another one of the client was', async () => {
    const client = await newPartner()
    const second = await server.fixtures.addSecret(client.id)
    const [secretId] = client.client.secrets.keys()
    expect(await within(2, async () => (await requestToken(server, { ...client, secret: second.secret })).status === 200)).toBe(true)
    const [bySecond, byFirst] = [await tokenOf(server, { ...client, secret: second.secret }), await tokenOf(server, client)]
    await createClientStore(server.database).updateSecret(secretId ?? '', { revokedAt: new Date() })
    await expectRevoked(byFirst)
    await expectAlive(bySecond)
  })

  it('R6 a key that a client signs with', async () => {
    const [pair, other] = [newPair(), newPair()]
    const { id } = await server.fixtures.signingClient({ organizationId: scene.organization.id, keys: [pair, other], scopes: ['tournaments:read'] })
    const by = async (each: typeof pair): Promise<string> => String((await withAssertion(server, assertionBy(each, assertionClaims(server.issuer, id, Date.now())))).json['access_token'])
    expect(await within(2, async () => await by(pair) !== 'undefined')).toBe(true)
    const [token, bystander] = [await by(pair), await by(other)]
    await createClientStore(server.database).revokeKey(id, pair.kid, new Date())
    await expectRevoked(token)
    await expectAlive(bystander)
  })

  it('a client that is deleted', async () => {
    const client = await newPartner()
    const token = await tokenOf(server, client)
    await createClientStore(server.database).remove(client.id)
    await expectRevoked(token)
  })

  it('an exchanged token, and what was exchanged for it: with the token that it was exchanged for', async () => {
    const subject = await tokenOf(server, scene.partner)
    const child = await exchanged(server, scene.gateway, subject)
    const grandchild = await exchanged(server, scene.gateway, child)
    const bystander = await exchanged(server, scene.gateway, await tokenOf(server, scene.partner))
    await expectAlive(child, grandchild)
    expect((await revoke(server, scene.partner, subject)).status).toBe(200)
    await expectRevoked(subject, child, grandchild)
    await expectAlive(bystander)
  })
})

describe('a lease', () => {
  const store = (): ReturnType<typeof createStatusListStore> => createStatusListStore(server.database)

  it('is refused for a client, a secret, an organization or a key that was stopped, though the process has not heard of it', async () => {
    const client = await newPartner()
    const [secretId] = client.client.secrets.keys()
    const listId = '0123456789012345678901'
    await store().create({ id: listId, environment: 'live' })
    const { kid } = await server.database.signingKey.findFirstOrThrow({ where: { environment: 'live' } })
    const holder = { clientId: client.id, organizationId: client.client.organizationId, credential: `secret:${secretId ?? ''}`, kid, clientCutOff: null, organizationCutOff: null }
    let next = 0
    const lease = async (more: Partial<typeof holder> = {}): Promise<boolean> => {
      next += 1
      return await store().lease({ listId, firstIndex: next, lastIndex: next, expiresAt: new Date(Date.now() + 60_000) }, { ...holder, ...more })
    }
    expect(await lease()).toBe(true)
    for (const more of [{ clientId: 'cl_live_nobody' }, { organizationId: scene.organization.id }, { credential: 'secret:of-nobody' }, { kid: 'none' }]) expect(await lease(more)).toBe(false)
    await createClientStore(server.database).update(client.id, { disabledAt: new Date() })
    expect(await lease()).toBe(false)
    await createClientStore(server.database).update(client.id, { disabledAt: null })
    expect(await lease(), 'the client was stopped meanwhile').toBe(false)
    expect(await lease({ credential: 'certificate' })).toBe(false)
    await expect(store().lease({ listId: 'of-nobody', firstIndex: 0, lastIndex: 1, expiresAt: new Date() }, { ...holder, clientId: scene.partner.id, organizationId: scene.organization.id, credential: 'certificate' })).rejects.toThrow(/foreign key/)
  })
  it('is never overlooked by what stops its client: a transaction that would not see it is refused', async () => {
    const client = await newPartner()
    const listId = base62(randomBytes(16), 22)
    await store().create({ id: listId, environment: 'live' })
    const { kid } = await server.database.signingKey.findFirstOrThrow({ where: { environment: 'live' } })
    const disable = 'UPDATE clients SET disabled_at = now() WHERE id = $1'
    for (const isolationLevel of ['RepeatableRead', 'Serializable', 'ReadCommitted'] as const) {
      const disabling = server.database.$transaction(async (transaction) => {
        await transaction.client.count()
        await store().lease({ listId, firstIndex: 0, lastIndex: 15, expiresAt: new Date(Date.now() + 60_000) }, { clientId: client.id, organizationId: client.client.organizationId, credential: 'certificate', kid, clientCutOff: null, organizationCutOff: null })
          .catch(() => {}) // it is there from the first time
        await transaction.$executeRawUnsafe(disable, client.id)
      }, { isolationLevel })
      if (isolationLevel === 'ReadCommitted') await disabling
      else await expect(disabling).rejects.toThrow(/READ COMMITTED/)
    }
    expect(await server.database.revokedIndex.findMany({ where: { listId }, select: { firstIndex: true, lastIndex: true } })).toEqual([{ firstIndex: 0, lastIndex: 15 }])
  })

  it('is made under READ COMMITTED, whatever the database has as a default', async () => {
    const { client } = await newPartner()
    const setDefault = async (change: string): Promise<unknown> => await server.database.$executeRawUnsafe(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I ${change}', current_database()); END $$`)
    await setDefault('SET default_transaction_isolation = serializable')
    const fresh = createDatabase({ url: server.databaseUrl, applicationName: 'signet test', poolSize: 1 })
    await createClientStore(fresh).update(client.id, { disabledAt: new Date() })
    await fresh.$disconnect()
    await setDefault('RESET default_transaction_isolation')
  })
})
