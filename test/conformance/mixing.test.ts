import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { partsOf } from '../support/forged-tokens.ts'
import type { RegisteredClient } from '../support/fixtures.ts'
import { introspect, known, postForm, revoke, within, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const maps = 'https://maps.example.com'
const news = 'https://news.example.com'
const bank = 'https://bank.example.com'
const inactive = '{"active":false}'

describe('row 14 a token for several resources (RFC 8707 §2, RFC 9068 §3)', () => {
  let server: TestServer
  let partner: RegisteredClient
  const apis = new Map<string, RegisteredClient>()

  beforeAll(async () => {
    server = await startTestServer()
    const { id: organizationId } = await server.fixtures.organization()
    for (const [identifier, name, ttl] of [[maps, 'maps', 3_600], [news, 'news', 600], [bank, 'bank', null]] as const) {
      const { id } = await server.fixtures.resource(identifier, { [`${name}:read`]: true })
      await server.database.resource.update({ where: { id }, data: { accessTokenTtlSeconds: ttl, allowsMixing: identifier !== bank } })
      apis.set(identifier, await server.fixtures.client({ organizationId, resourceId: id }))
    }
    partner = await server.fixtures.client({ organizationId, scopes: ['maps:read', 'news:read', 'bank:read'] })
    await known(server, partner)
  })
  afterAll(async () => { await server.stop() })

  function ask (scope: string | undefined, ...resources: readonly string[]): Promise<Answer> {
    return postForm(`${server.issuer}/oauth/v2/token`, [
      ['client_id', partner.id], ['client_secret', partner.secret], ...scope === undefined ? [] : [['scope', scope] as [string, string]], ...resources.map((each): [string, string] => ['resource', each])
    ])
  }

  function api (identifier: string): RegisteredClient {
    const found = apis.get(identifier)
    if (found === undefined) throw new Error(`no client stands for ${identifier}`)
    return found
  }

  it('is issued where each allows it and is named: aud is the list of them, and the shortest lifetime counts', async () => {
    const { status, json } = await ask('news:read maps:read', maps, news)
    expect(status).toBe(200)
    expect(json).toMatchObject({ scope: 'news:read maps:read', expires_in: 600 })
    const { payload } = await jwtVerify(String(json['access_token']), createRemoteJWKSet(new URL(`${server.issuer}/oauth/v2/jwks`)), { audience: maps, typ: 'at+jwt' })
    expect(payload.aud).toEqual([news, maps])
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(600)
  })

  it('is issued for default scopes too, and aud stays a text where one resource is granted', async () => {
    expect(partsOf(String((await ask(undefined, maps, news)).json['access_token'])).claims).toMatchObject({ aud: [maps, news], scope: 'maps:read news:read' })
    expect(partsOf(String((await ask('maps:read', maps, news)).json['access_token'])).claims).toMatchObject({ aud: maps, scope: 'maps:read' })
  })

  const refusals: [string, string, readonly string[]][] = [
    ['none is named', 'maps:read news:read', []], ['one of them is not named', 'maps:read news:read', [maps]],
    ['one of them does not allow it', 'maps:read bank:read', [maps, bank]], ['one of three does not allow it', 'maps:read news:read bank:read', [maps, news, bank]]
  ]
  it.each(refusals)('is refused with invalid_scope where %s', async (_, scope, resources) => {
    const { status, json } = await ask(scope, ...resources)
    expect({ status, error: json['error'] }).toEqual({ status: 400, error: 'invalid_scope' })
  })

  it('S51 is refused with invalid_target where one that is named is unknown, relative or has a fragment', async () => {
    for (const wrong of ['https://nobody.example.com', '/maps', `${maps}#x`]) {
      const { status, json } = await ask('maps:read news:read', maps, news, wrong)
      expect({ status, error: json['error'] }, wrong).toEqual({ status: 400, error: 'invalid_target' })
    }
  })

  it('S37 is active for the API of each resource that it is for, and for no other; revoked, for none', async () => {
    const token = String((await ask('maps:read news:read', maps, news)).json['access_token'])
    for (const identifier of [maps, news]) expect((await introspect(server, api(identifier), token)).json).toMatchObject({ active: true, aud: [maps, news], scope: 'maps:read news:read' })
    expect((await introspect(server, api(bank), token)).text).toBe(inactive)
    expect((await revoke(server, partner, token)).status).toBe(200)
    for (const identifier of [maps, news]) expect((await introspect(server, api(identifier), token)).text).toBe(inactive)
  })

  it('R9 of a resource that is disabled nothing is issued, and its API is told that the token is inactive; the others are not', async () => {
    const token = String((await ask('maps:read news:read', maps, news)).json['access_token'])
    await server.database.resource.update({ where: { identifier: news }, data: { disabledAt: new Date() } })
    expect(await within(1, async () => (await introspect(server, api(news), token)).text === inactive)).toBe(true)
    expect((await introspect(server, api(maps), token)).json['active']).toBe(true)
    expect((await ask('maps:read news:read', maps, news)).json['error']).toBe('invalid_target')
    await server.database.resource.update({ where: { identifier: news }, data: { disabledAt: null } })
    expect(await within(1, async () => (await introspect(server, api(news), token)).json['active'] === true)).toBe(true)
  })

  it('is refused within a second after one of them no longer allows it', async () => {
    await server.database.resource.update({ where: { identifier: news }, data: { allowsMixing: false } })
    expect(await within(1, async () => (await ask('maps:read news:read', maps, news)).json['error'] === 'invalid_scope')).toBe(true)
  })
})
