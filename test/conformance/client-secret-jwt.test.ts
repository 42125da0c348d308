import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClientStore } from '../../src/clients/store.ts'
import { assertionBy, assertionClaims, macWith, newPair, withAssertion } from '../support/assertions.ts'
import { compact, type Part } from '../support/forged-tokens.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { postForm, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

describe('client_secret_jwt', () => {
  let now = Date.now()
  let server: TestServer
  let scene: Scene
  let partner: RegisteredClient
  const hashes = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' } as const

  beforeAll(async () => {
    server = await startTestServer({ clock: () => now })
    scene = await server.fixtures.scene()
    partner = await server.fixtures.client({ organizationId: scene.organization.id, authenticationMethods: ['client_secret_jwt'] })
    if (!await within(2, async () => await statusOf() === 200)) throw new Error('the client stayed unknown')
  })
  afterAll(async () => { await server.stop() })

  async function statusOf (header: Part = {}, secret: string | Buffer = partner.secret, client = partner.id, claims: Part = {}): Promise<number> {
    const { alg = 'HS256' } = header
    const hash = Object.entries(hashes).find(([name]) => name === alg)?.[1] ?? 'sha256'
    const all = { ...assertionClaims(server.issuer, client, now), ...claims }
    return (await withAssertion(server, compact({ alg, ...header }, all, macWith(secret, hash)))).status
  }

  const secretId = (secret: string): string | undefined => secret.split('_')[2]

  it.each(Object.keys(hashes))('takes %s with the secret as its key, with and without the id of the secret as kid', async (alg) => {
    expect(await statusOf({ alg })).toBe(200)
    expect(await statusOf({ alg, kid: secretId(partner.secret) })).toBe(200)
    expect(await statusOf({ alg, kid: 'another' })).toBe(401)
    expect(await statusOf({ alg }, `${partner.secret}x`)).toBe(401)
    expect(await statusOf({ alg }, Buffer.alloc(64))).toBe(401)
    expect(await statusOf({ alg }, '')).toBe(401)
  })

  it('S29 takes each assertion once', async () => {
    const assertion = compact({ alg: 'HS256' }, assertionClaims(server.issuer, partner.id, now), macWith(partner.secret))
    expect([(await withAssertion(server, assertion)).status, (await withAssertion(server, assertion)).status]).toEqual([200, 401])
  })

  it('refuses a MAC that was cut or is of another hash', async () => {
    const claims = assertionClaims(server.issuer, partner.id, now)
    for (const octets of [0, 1, 16, 31]) {
      const assertion = compact({ alg: 'HS256' }, claims, (input) => macWith(partner.secret)(input).subarray(0, octets))
      expect((await withAssertion(server, assertion)).status, String(octets)).toBe(401)
    }
    expect((await withAssertion(server, compact({ alg: 'HS256' }, claims, macWith(partner.secret, 'sha512')))).status).toBe(401)
    expect((await withAssertion(server, compact({ alg: 'HS1' }, claims, macWith(partner.secret, 'sha1')))).status).toBe(401)
  })

  it('S27 S28 S30 holds it to the same claims as a signed one', async () => {
    const seconds = Math.floor(now / 1000)
    for (const claims of [{ aud: `${server.issuer}/oauth/v2/token` }, { aud: `${server.issuer}/test` }, { jti: undefined }, { exp: undefined }, { exp: seconds - 60 }, { exp: seconds + 400 }, { iss: scene.partner.id }]) {
      expect(await statusOf({}, partner.secret, partner.id, claims), JSON.stringify(claims)).toBe(401)
    }
  })

  it('is for clients that are registered for it: others\' secrets are not even kept', async () => {
    expect(await statusOf({}, scene.partner.secret, scene.partner.id)).toBe(401)
    const stored = await server.database.clientSecret.findMany({ where: { clientId: scene.partner.id } })
    expect(stored.map(({ sealedSecret }) => sealedSecret)).toEqual([null])
  })

  it('R11 a client that is registered for it alone does not get in by sending the secret, nor by a key', async () => {
    expect((await postForm(`${server.issuer}/oauth/v2/token`, { grant_type: 'client_credentials', client_id: partner.id, client_secret: partner.secret })).status).toBe(401)
    const pair = newPair()
    await server.fixtures.addKey(partner.id, pair.jwk)
    const refusedFor = (cause: string): boolean => server.logs.some((line) => String(line['cause']).startsWith(cause))
    expect(await within(2, async () => {
      expect((await withAssertion(server, assertionBy(pair, assertionClaims(server.issuer, partner.id, now)))).status).toBe(401)
      return refusedFor('method private_key_jwt not registered')
    })).toBe(true)
  })

  it('S19 a client with both methods is not fooled by a MAC with its public key, nor by a signature under a secret\'s id', async () => {
    const pair = newPair('RS256')
    const both = await server.fixtures.client({ organizationId: scene.organization.id, authenticationMethods: ['client_secret_jwt', 'private_key_jwt'] })
    await server.fixtures.addKey(both.id, pair.jwk)
    const signed = (header: Part = {}): string => assertionBy(pair, assertionClaims(server.issuer, both.id, now), header)
    expect(await within(2, async () => (await withAssertion(server, signed())).status === 200)).toBe(true)
    expect(await statusOf({}, both.secret, both.id)).toBe(200)
    for (const key of [pair.publicKey.export({ type: 'spki', format: 'pem' }), pair.publicKey.export({ type: 'spki', format: 'der' }), JSON.stringify(pair.jwk)]) {
      for (const kid of [pair.kid, secretId(both.secret), undefined]) expect(await statusOf({ kid }, key, both.id)).toBe(401)
    }
    expect((await withAssertion(server, signed({ kid: secretId(both.secret) }))).status).toBe(401)
    expect((await withAssertion(server, signed({ alg: 'HS256' }))).status).toBe(401)
  })

  it('takes a second secret beside the first, and neither once it is revoked, disabled or expired', async () => {
    const store = createClientStore(server.database)
    const client = await server.fixtures.client({ organizationId: scene.organization.id, authenticationMethods: ['client_secret_jwt'] })
    const newer = await server.fixtures.addSecret(client.id, new Date(now + 30_000))
    expect(await within(2, async () => await statusOf({}, newer.secret, client.id) === 200)).toBe(true)
    expect(await statusOf({}, client.secret, client.id)).toBe(200)
    const first = secretId(client.secret) ?? ''
    await store.updateSecret(first, { disabledAt: new Date(now) })
    expect(await within(1, async () => await statusOf({}, client.secret, client.id) === 401)).toBe(true)
    await store.updateSecret(first, { disabledAt: null })
    expect(await within(1, async () => await statusOf({}, client.secret, client.id) === 200)).toBe(true)
    await store.updateSecret(first, { revokedAt: new Date(now) })
    expect(await within(1, async () => await statusOf({}, client.secret, client.id) === 401)).toBe(true)
    now += 31_000
    expect(await statusOf({}, newer.secret, client.id)).toBe(401)
  })

  it('a sealed secret moved to another client\'s row opens nowhere, and the log says so', async () => {
    const { organization: { id: organizationId } } = scene
    const [one, other] = [await server.fixtures.client({ organizationId, authenticationMethods: ['client_secret_jwt'] }), await server.fixtures.client({ organizationId, authenticationMethods: ['client_secret_jwt'] })]
    const row = await server.database.clientSecret.findFirstOrThrow({ where: { clientId: one.id } })
    await server.database.clientSecret.updateMany({ where: { clientId: other.id }, data: { sealedSecret: row.sealedSecret } })
    expect(await within(2, async () => await statusOf({}, one.secret, one.id) === 200)).toBe(true)
    expect(await within(2, async () => {
      expect(await statusOf({}, one.secret, other.id)).toBe(401)
      return server.logs.some(({ msg, clientId }) => msg === 'secret.unreadable' && clientId === other.id)
    })).toBe(true)
  })
})
