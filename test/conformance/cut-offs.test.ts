import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClientStore } from '../../src/clients/store.ts'
import { createStatusListStore } from '../../src/status-lists/store.ts'
import { assertionBy, assertionClaims, newPair, withAssertion } from '../support/assertions.ts'
import type { Scene } from '../support/fixtures.ts'
import { introspect, requestToken, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { bitOf, listIdOf, statusOf } from '../support/status.ts'

const levels = ['organization', 'client', 'secret', 'key', 'token'] as const
type Level = typeof levels[number]

let server: TestServer
let sibling: TestServer
let scene: Scene

beforeAll(async () => {
  server = await startTestServer()
  sibling = await server.startSibling()
  scene = await server.fixtures.scene()
})
afterAll(async () => { await server.stop() })

/** A client that gets tokens with two secrets and with two keys, and what ends each of them. */
async function newOwner () {
  const organization = await server.fixtures.organization()
  const [pair, otherPair] = [newPair(), newPair()]
  const partner = await server.fixtures.client({ organizationId: organization.id, scopes: ['tournaments:read'], authenticationMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] })
  for (const { jwk } of [pair, otherPair]) await server.fixtures.addKey(partner.id, jwk)
  const [secretId = ''] = partner.client.secrets.keys()
  const other = await server.fixtures.addSecret(partner.id)
  const bySecret = (): Promise<string> => tokenOf(server, partner)
  const byKey = async (): Promise<string> => String((await withAssertion(server, assertionBy(pair, assertionClaims(server.issuer, partner.id, Date.now())))).json['access_token'])
  expect(await within(2, async () => (await requestToken(server, { ...partner, secret: other.secret })).status === 200 && await byKey() !== 'undefined')).toBe(true)

  const otherToken = await bySecret()
  const clients = createClientStore(server.database)
  const revokeToken = (token: string): Promise<void> => createStatusListStore(server.database).revoke({ listId: listIdOf(token), firstIndex: statusOf(token).idx, lastIndex: statusOf(token).idx }, { actor: 'operator test' })
  const cutOff = async (what: 'client' | 'organization', before: Date): Promise<void> => {
    if (what === 'client') await server.database.client.update({ where: { id: partner.id }, data: { tokensRevokedBefore: before } })
    else await server.database.organization.update({ where: { id: organization.id }, data: { tokensRevokedBefore: before } })
  }
  const earlier = new Date(Date.now() - 3_600_000)
  /** What ends others, and what ends the token. */
  const narrow: Readonly<Record<Level, () => Promise<void>>> = {
    organization: () => cutOff('organization', earlier),
    client: () => cutOff('client', earlier),
    secret: () => clients.updateSecret(other.secretId, { revokedAt: new Date() }),
    key: () => clients.revokeKey(partner.id, otherPair.kid, new Date()),
    token: () => revokeToken(otherToken)
  }
  const wide = (token: string): Readonly<Record<Level, () => Promise<void>>> => ({
    organization: () => cutOff('organization', new Date()),
    client: () => cutOff('client', new Date()),
    secret: () => clients.updateSecret(secretId, { revokedAt: new Date() }),
    key: () => clients.revokeKey(partner.id, pair.kid, new Date()),
    token: () => revokeToken(token)
  })
  return { bySecret, byKey, narrow, wide }
}

const isActive = async (token: string, where: TestServer): Promise<boolean> => (await introspect(where, scene.api, token)).json['active'] === true
const isRevoked = async (token: string, where: TestServer): Promise<boolean> => !await isActive(token, where) && await bitOf(token, where)

describe('R6 cut-offs of organization, client, secret, key and token: the strictest wins, whichever comes first', () => {
  it.each(levels)('that of the %s, beside one of every other level that is none of its business', async (level) => {
    for (const order of ['before', 'after'] as const) {
      const owner = await newOwner()
      const token = level === 'key' ? await owner.byKey() : await owner.bySecret()
      const bystander = level === 'key' ? await owner.bySecret() : await owner.byKey()
      const others = levels.map((each) => owner.narrow[each])
      if (order === 'before') for (const cutOff of others) await cutOff()
      expect(await isActive(token, server), 'none of the others ends it').toBe(true)
      expect(await bitOf(token, server)).toBe(false)
      await owner.wide(token)[level]()
      if (order === 'after') for (const cutOff of others) await cutOff()
      for (const where of [server, sibling]) expect(await within(1, () => isRevoked(token, where)), `${order} ${where.origin}`).toBe(true)
      const isWide = level === 'client' || level === 'organization'
      expect(await isActive(bystander, server), 'what is got with another credential').toBe(!isWide)
    }
  })

  it('a cut-off in the past ends what was issued until then, in the list as to introspection, and nothing that was leased well after it', async () => {
    const owner = await newOwner()
    const token = await owner.bySecret()
    await owner.narrow.client()
    await server.database.statusBlock.updateMany({ where: { listId: listIdOf(token), firstIndex: { lte: statusOf(token).idx }, lastIndex: { gte: statusOf(token).idx } }, data: { leasedAt: new Date(Date.now() - 7_200_000) } })
    expect(await isActive(token, server)).toBe(true)
    await owner.narrow.organization()
    for (const where of [server, sibling]) expect(await within(1, () => isRevoked(token, where)), 'its block may have tokens of that time').toBe(true)
  })
})
