import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { partsOf } from '../support/forged-tokens.ts'
import { introspect, known, requestToken, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const inactive = '{"active":false}'

let server: TestServer
let scene: Scene
/** How far the server's clock is ahead of the database's, and where it stands still, if it does. */
let ahead = 0
let frozen: number | undefined
const clock = (): number => frozen ?? Date.now() + ahead

beforeAll(async () => {
  server = await startTestServer({ clock })
  scene = await server.fixtures.scene()
  await known(server, scene.api)
})
afterAll(async () => { await server.stop() })
afterEach(() => {
  ahead = 0
  frozen = undefined
})

async function newPartner (): Promise<RegisteredClient> {
  const organizationId = (await server.fixtures.organization()).id
  const client = await server.fixtures.client({ organizationId })
  await known(server, client)
  return client
}

async function isActive (token: string): Promise<boolean> {
  const { json, text } = await introspect(server, scene.api, token)
  if (json['active'] !== true && text !== inactive) throw new Error(text)
  return json['active'] === true
}

/** Sets `disabled_at` of a client or its organization, by plain SQL, and waits until the server acts on it. */
async function set (what: 'client' | 'organization', partner: RegisteredClient, disabledAt: Date | null): Promise<void> {
  if (what === 'client') await server.database.client.update({ where: { id: partner.id }, data: { disabledAt } })
  else await server.database.organization.update({ where: { id: partner.client.organizationId }, data: { disabledAt } })
  const expected = disabledAt === null ? 200 : 401
  expect(await within(1, async () => (await requestToken(server, partner)).status === expected)).toBe(true)
}

describe.each(['client', 'organization'] as const)('R21 a disabled %s', (what) => {
  it('gets no new token, is no caller of any endpoint, and its tokens are inactive, all within a second', async () => {
    const partner = await newPartner()
    const token = await tokenOf(server, partner)
    expect(await isActive(token)).toBe(true)
    await set(what, partner, new Date())
    expect((await requestToken(server, partner)).json['error']).toBe('invalid_client')
    expect((await introspect(server, partner, token)).status).toBe(401)
    expect(await isActive(token)).toBe(false)
  })

  it('is believed again when it is enabled, for new tokens, and its old ones stay dead', async () => {
    const partner = await newPartner()
    const old = await tokenOf(server, partner)
    await set(what, partner, new Date())
    await set(what, partner, null)
    expect(await isActive(old)).toBe(false)
    expect(await isActive(await tokenOf(server, partner))).toBe(true)
    expect(await isActive(old)).toBe(false)
  })

  it('does not get its old tokens back when the enabling transaction began before they were issued', async () => {
    const partner = await newPartner()
    const table = what === 'client' ? 'clients' : 'organizations'
    const id = what === 'client' ? partner.id : partner.client.organizationId
    const early = new pg.Client({ connectionString: server.databaseUrl })
    await early.connect()
    await early.query('BEGIN')
    const { rows: [began] } = await early.query<{ second: number }>('SELECT floor(extract(epoch FROM now()))::int AS second')
    const issuedLater = async (): Promise<boolean> => Number(partsOf(await tokenOf(server, partner)).claims['iat']) > Number(began?.second)
    expect(await within(2, issuedLater)).toBe(true)
    const token = await tokenOf(server, partner)
    expect(await isActive(token)).toBe(true)
    await set(what, partner, new Date())
    await early.query(`UPDATE ${table} SET disabled_at = NULL WHERE id = $1`, [id])
    await early.query('COMMIT')
    await early.end()
    expect(await within(1, async () => (await requestToken(server, partner)).status === 200)).toBe(true)
    expect(await isActive(token)).toBe(false)
  })

  it('does not get its old tokens back though the clock that dated them is ahead of the database\'s', async () => {
    const partner = await newPartner()
    ahead = 5_000
    const token = await tokenOf(server, partner)
    await set(what, partner, new Date(clock()))
    await set(what, partner, null)
    expect(await isActive(token)).toBe(false)
  })

  it('does not get its old tokens back when its cut-off is moved to an earlier time, or removed', async () => {
    const partner = await newPartner()
    const token = await tokenOf(server, partner)
    const column = { tokensRevokedBefore: new Date(clock() + 10_000) }
    const where = { id: what === 'client' ? partner.id : partner.client.organizationId }
    const update = (data: { tokensRevokedBefore?: Date | null, disabledAt?: Date | null }): Promise<unknown> => what === 'client'
      ? server.database.client.update({ where, data })
      : server.database.organization.update({ where, data })
    await update(column)
    expect(await within(1, async () => !await isActive(token))).toBe(true)
    const read = async (): Promise<Date | null | undefined> => (what === 'client'
      ? await server.database.client.findUnique({ where })
      : await server.database.organization.findUnique({ where }))?.tokensRevokedBefore
    for (const data of [{ tokensRevokedBefore: null }, { tokensRevokedBefore: new Date(0) }, { disabledAt: new Date() }, { disabledAt: null }]) {
      await update(data)
      expect((await read())?.getTime(), JSON.stringify(data)).toBeGreaterThanOrEqual(column.tokensRevokedBefore.getTime())
    }
  })
})

describe('R6 cut-offs of organization, client and token: the strictest wins', () => {
  it.each([['organization', 'client'], ['client', 'organization']] as const)('a wide one of the %s is not undone by a narrow one of the %s', async (wide, narrow) => {
    const partner = await newPartner()
    const second = Math.ceil(Date.now() / 1000) * 1000
    frozen = second
    const token = await tokenOf(server, partner)
    const at = { [wide]: new Date(second + 500), [narrow]: new Date(second - 5_000) }
    await server.database.client.update({ where: { id: partner.id }, data: { tokensRevokedBefore: at['client'] ?? null } })
    await server.database.organization.update({ where: { id: partner.client.organizationId }, data: { tokensRevokedBefore: at['organization'] ?? null } })
    expect(await within(1, async () => !await isActive(token))).toBe(true)
    frozen = second + 5_000
    expect(await isActive(await tokenOf(server, partner))).toBe(true)
  })
})

describe('a cut-off and tokens of the same second', () => {
  it('kills every token of its second, and none that is minted after it, though in the same second', async () => {
    const partner = await newPartner()
    const second = Math.ceil(Date.now() / 1000) * 1000 + 60_000
    frozen = second - 1
    const before = await tokenOf(server, partner)
    frozen = second + 100
    const same = await tokenOf(server, partner)
    expect(partsOf(same).claims['iat']).toBe(second / 1000)
    await server.database.client.update({ where: { id: partner.id }, data: { tokensRevokedBefore: new Date(second + 500) } })
    expect(await within(1, async () => !await isActive(same))).toBe(true)
    expect(await isActive(before)).toBe(false)
    frozen = second + 600
    const after = await tokenOf(server, partner)
    expect(await isActive(after)).toBe(true)
    frozen = second + 1_000
    expect(await isActive(after)).toBe(true)
    expect(await isActive(await tokenOf(server, partner))).toBe(true)
    expect(await isActive(same)).toBe(false)
  })

  it('a token is never dated more than a second ahead, and lives as long as it says', async () => {
    const partner = await newPartner()
    const second = Math.ceil(Date.now() / 1000) * 1000 + 120_000
    await server.database.client.update({ where: { id: partner.id }, data: { tokensRevokedBefore: new Date(second + 300) } })
    frozen = second + 400
    // No lease is given to a process that has not heard of the cut-off yet.
    expect(await within(1, async () => (await requestToken(server, partner)).status === 200)).toBe(true)
    expect(partsOf(await tokenOf(server, partner)).claims['iat']).toBe(second / 1000 + 1)
    const { claims } = partsOf(await tokenOf(server, partner))
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(90_000)
  })
})

describe('R9 a disabled resource', () => {
  it('gets no new token by any path, and its tokens are inactive, within a second', async () => {
    const identifier = 'https://closing.example.com'
    const resource = await server.fixtures.resource(identifier, { 'closing:read': true })
    const partner = await server.fixtures.client({ organizationId: scene.organization.id, scopes: ['closing:read', 'tournaments:read'] })
    const api = await server.fixtures.client({ organizationId: scene.organization.id, resourceId: resource.id })
    await known(server, api)
    const token = await tokenOf(server, partner, 'closing:read')
    expect((await introspect(server, api, token)).json['active']).toBe(true)
    await server.database.resource.update({ where: { id: resource.id }, data: { disabledAt: new Date() } })
    expect(await within(1, async () => (await introspect(server, api, token)).text === inactive)).toBe(true)
    const refusals = await Promise.all([
      requestToken(server, partner, { scope: 'closing:read' }),
      requestToken(server, partner, { scope: 'closing:read', resource: identifier }),
      requestToken(server, partner, { resource: identifier }),
      requestToken(server, partner, { scope: 'closing:read tournaments:read' })
    ])
    expect(refusals.map(({ status, json }) => `${status} ${String(json['error'])}`)).toEqual(['400 invalid_scope', '400 invalid_target', '400 invalid_target', '400 invalid_scope'])
    expect((await requestToken(server, partner)).json['scope']).toBe('tournaments:read')
  })

  it('a scope that is withdrawn from a client, or deleted, is granted no more within a second', async () => {
    const partner = await newPartner()
    await server.database.clientScope.deleteMany({ where: { clientId: partner.id } })
    expect(await within(1, async () => (await requestToken(server, partner, { scope: 'tournaments:read' })).json['error'] === 'invalid_scope')).toBe(true)
    await server.fixtures.resource('https://short.example.com', { 'short:lived': false })
    const other = await server.fixtures.client({ organizationId: scene.organization.id, scopes: ['short:lived'] })
    expect(await within(1, async () => (await requestToken(server, other, { scope: 'short:lived' })).status === 200)).toBe(true)
    await server.database.scope.delete({ where: { name: 'short:lived' } })
    expect(await within(1, async () => (await requestToken(server, other, { scope: 'short:lived' })).json['error'] === 'invalid_scope')).toBe(true)
  })
})
