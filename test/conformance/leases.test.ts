import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKeyRotation } from '../../src/keys/rotation.ts'
import { createSigningKeyStore } from '../../src/keys/store.ts'
import { doorOf } from '../support/database-door.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { partsOf } from '../support/forged-tokens.ts'
import { introspect, known, requestToken, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let scene: Scene

beforeAll(async () => {
  server = await startTestServer()
  scene = await server.fixtures.scene()
  await known(server, scene.api)
})
afterAll(async () => { await server.stop() })

/** Clients that have no block of indexes: the first token of each waits for a lease. */
async function newPartners (count: number): Promise<RegisteredClient[]> {
  const partners: RegisteredClient[] = []
  for (let index = 0; index < count; index += 1) partners.push(await server.fixtures.client({ organizationId: scene.organization.id, scopes: ['tournaments:read'] }))
  for (const partner of partners) await known(server, partner)
  return partners
}

const isActive = async (token: unknown): Promise<boolean> => (await introspect(server, scene.api, String(token))).json['active'] === true

describe('a token request that needs a lease while the process is behind the database', () => {
  it('of a cut-off: is answered with a token that lives', async () => {
    const partners = await newPartners(8)
    for (const partner of partners) {
      await server.database.client.update({ where: { id: partner.id }, data: { tokensRevokedBefore: new Date() } })
      const { status, json, text } = await requestToken(server, partner)
      expect(status, text).toBe(200)
      expect(await isActive(json['access_token'])).toBe(true)
    }
  })

  it('of a signing key that was revoked: none is refused, and the next key signs', async () => {
    const partners = await newPartners(20)
    const { kid } = partsOf(await tokenOf(server, scene.partner)).header
    const rotation = createKeyRotation({ store: createSigningKeyStore(server.database), sealer: server.prepared.sealer, clock: Date.now, policy: server.config })
    const [answers] = await Promise.all([Promise.all(partners.map((partner) => requestToken(server, partner))), rotation.revoke(String(kid), { actor: 'test' })])
    expect(answers.filter(({ status }) => status !== 200).map(({ text }) => text)).toEqual([])
    const token = await tokenOf(server, scene.partner)
    expect(partsOf(token).header['kid']).not.toBe(kid)
    expect(await isActive(token)).toBe(true)
  })

  it('of the end of the client: is refused', async () => {
    const [stopped, deleted] = await newPartners(2)
    if (stopped === undefined || deleted === undefined) throw new Error('no partners')
    await server.database.client.update({ where: { id: stopped.id }, data: { disabledAt: new Date() } })
    expect([401, 503]).toContain((await requestToken(server, stopped)).status)
    await server.database.client.delete({ where: { id: deleted.id } })
    expect([401, 503]).toContain((await requestToken(server, deleted)).status)
  })
})

describe('leases ahead of need', () => {
  it('are made by a process that starts for whoever used a credential lately, and for nobody else', async () => {
    const [recent, earlier] = await newPartners(2)
    if (recent === undefined || earlier === undefined) throw new Error('no partners')
    for (const partner of [recent, earlier]) await tokenOf(server, partner)
    const [secretId] = earlier.client.secrets.keys()
    await server.database.$executeRaw`
      INSERT INTO credential_usage (client_id, credential, secret_id, last_used_at) VALUES (${earlier.id}, ${`secret:${secretId ?? ''}`}, ${secretId}, now() - interval '27 hours')
      ON CONFLICT (client_id, credential) DO UPDATE SET last_used_at = excluded.last_used_at`
    const sibling = await server.startSibling()
    const blocksOf = (partner: RegisteredClient): Promise<number> => server.database.statusBlock.count({ where: { clientId: partner.id } })
    expect(await within(5, async () => await blocksOf(recent) === 2)).toBe(true)
    await tokenOf(sibling, recent)
    expect(await blocksOf(earlier)).toBe(1)
  })

  it('F03 are made for the key that takes over while the database is away, in every process', async () => {
    let offset = 0
    const clock = (): number => Date.now() + offset
    const first = await startTestServer({ clock })
    const { api, partner } = await first.fixtures.scene()
    const second = await first.startSibling()
    for (const where of [first, second]) for (const client of [api, partner]) await known(where, client)
    const token = await tokenOf(first, partner)
    const rotation = createKeyRotation({ store: createSigningKeyStore(first.database), sealer: first.prepared.sealer, clock, policy: first.config })
    const { activated, made } = await rotation.rotate([{ environment: 'live', algorithm: 'RS256' }], false)
    const [next] = [...activated, ...made]
    if (next === undefined) throw new Error('nothing takes over')
    offset = next.activatesAt.getTime() - Date.now() - 800_000 // what STALE_LIMIT_SECONDS bridges is 900 s
    const leased = async (): Promise<number> => await first.database.statusBlock.count({ where: { kid: next.kid, clientId: partner.id } })
    expect(await within(11, async () => await leased() === 2)).toBe(true)
    const door = await doorOf(first.databaseUrl)
    await door.close()
    offset += 900_000
    for (const where of [first, second]) {
      const later = await tokenOf(where, partner)
      expect(partsOf(later).header['kid']).toBe(next.kid)
      for (const each of [token, later]) expect((await introspect(where, api, each)).json['active']).toBe(true)
    }
    await door.leave()
    await first.stop()
  })
})
