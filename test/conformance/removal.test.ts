import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClientStore } from '../../src/clients/store.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { introspect, known, knownClient, requestToken, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let scene: Scene

beforeAll(async () => {
  server = await startTestServer()
  scene = await server.fixtures.scene()
  await known(server, scene.api)
})
afterAll(async () => { await server.stop() })

const newPartner = (): Promise<RegisteredClient> => knownClient(server, scene.organization.id)

async function isActive (token: string): Promise<boolean> {
  return (await introspect(server, scene.api, token)).json['active'] === true
}

describe('a deleted client', () => {
  it('gets no token, and its tokens are inactive, within a second', async () => {
    const partner = await newPartner()
    const token = await tokenOf(server, partner)
    await createClientStore(server.database).remove(partner.id)
    expect(await within(1, async () => (await requestToken(server, partner)).status === 401)).toBe(true)
    expect(await isActive(token)).toBe(false)
  })

  it('may come back under its id, and its earlier tokens stay dead', async () => {
    const store = createClientStore(server.database)
    const partner = await newPartner()
    const token = await tokenOf(server, partner)
    await store.remove(partner.id)
    const { id, organizationId, name, environment, grants, authenticationMethods, resourceId, scopes, secrets } = partner.client
    const [secret] = secrets.values()
    if (secret === undefined) throw new Error('no secret')
    await store.create({
      id, organizationId, name, environment, grants, authenticationMethods, resourceId, scopes: [...scopes], secret: { id: secret.id, hash: secret.hash }
    })
    expect(await within(1, async () => (await requestToken(server, partner)).status === 200)).toBe(true)
    expect(await isActive(token)).toBe(false)
    expect(await isActive(await tokenOf(server, partner))).toBe(true)
  })

  it('is remembered for as long as its tokens could live', async () => {
    const store = createClientStore(server.database)
    const remembered = async (): Promise<number> => await server.database.deletedClient.count()
    const before = await remembered()
    await server.database.deletedClient.create({ data: { id: 'cl_live_young', deletedAt: new Date(Date.now() - 30 * 86_400_000) } })
    await server.database.deletedClient.create({ data: { id: 'cl_live_old', deletedAt: new Date(Date.now() - 31 * 86_400_000) } })
    expect(await store.purgeDeleted()).toBe(1)
    expect(await remembered()).toBe(before + 1)
  })
})

describe('a client that gets another owner', () => {
  it('loses its tokens for good, for they name the one before', async () => {
    const partner = await newPartner()
    const token = await tokenOf(server, partner)
    const other = await server.fixtures.organization()
    const store = createClientStore(server.database)
    await store.update(partner.id, { organizationId: other.id })
    expect(await within(1, async () => !(await isActive(token)))).toBe(true)
    await store.update(partner.id, { organizationId: scene.organization.id })
    expect(await within(1, async () => (await requestToken(server, partner)).status === 200)).toBe(true)
    expect(await isActive(await tokenOf(server, partner))).toBe(true)
    expect(await isActive(token)).toBe(false)
  })
})

describe('a disabled scope or secret', () => {
  it('is refused while it is disabled and not longer: a scope', async () => {
    const partner = await newPartner()
    const set = (disabledAt: Date | null): Promise<unknown> => server.database.scope.update({ where: { name: 'tournaments:read' }, data: { disabledAt } })
    await set(new Date())
    expect(await within(1, async () => (await requestToken(server, partner, { scope: 'tournaments:read' })).json['error'] === 'invalid_scope')).toBe(true)
    expect((await requestToken(server, partner)).json['error'], 'it is no default scope either').toBe('invalid_scope')
    await set(null)
    expect(await within(1, async () => (await requestToken(server, partner)).status === 200)).toBe(true)
  })

  it('is refused while it is disabled and not longer: a secret, also one that was verified a moment ago', async () => {
    const partner = await newPartner()
    await tokenOf(server, partner)
    const [id = ''] = partner.client.secrets.keys()
    await createClientStore(server.database).updateSecret(id, { disabledAt: new Date() })
    expect(await within(1, async () => (await requestToken(server, partner)).status === 401)).toBe(true)
    await createClientStore(server.database).updateSecret(id, { disabledAt: null })
    expect(await within(1, async () => (await requestToken(server, partner)).status === 200)).toBe(true)
  })
})

describe('a deprecated scope', () => {
  it('stays with the clients that have it, and no new client gets it by default', async () => {
    const before = await newPartner()
    await server.database.scope.update({ where: { name: 'tournaments:read' }, data: { isDeprecated: true } })
    const after = await newPartner()
    expect((await requestToken(server, before)).json['scope']).toBe('tournaments:read')
    expect((await requestToken(server, after)).json['error']).toBe('invalid_scope')
    await server.database.scope.update({ where: { name: 'tournaments:read' }, data: { isDeprecated: false } })
  })
})
