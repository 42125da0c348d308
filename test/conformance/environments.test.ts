import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { compact, partsOf, rs256, signingKeyOf, type Part } from '../support/forged-tokens.ts'
import { basic, introspect, known, postForm, requestToken, revoke, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const inactive = '{"active":false}'

describe('environments: live and test are two issuers', () => {
  let server: TestServer
  let scene: Scene
  let tester: RegisteredClient
  let testApi: RegisteredClient

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    const organizationId = scene.organization.id
    tester = await server.fixtures.client({ organizationId, environment: 'test' })
    testApi = await server.fixtures.client({ organizationId, environment: 'test', resourceId: scene.resource.id })
    await known(server, testApi)
  })
  afterAll(async () => { await server.stop() })

  it('a client\'s id and secret name its environment', () => {
    expect(scene.partner.id).toMatch(/^cl_live_[a-z0-9]+$/)
    expect(tester.id).toMatch(/^cl_test_[a-z0-9]+$/)
    expect(scene.partner.secret).toMatch(/^sgs_live_\w+$/)
    expect(tester.secret).toMatch(/^sgs_test_\w+$/)
  })

  it('the database refuses a client whose id names another environment', async () => {
    await expect(server.database.client.update({ where: { id: tester.id }, data: { environment: 'live' } })).rejects.toThrow()
  })

  it('a test client gets a token of the test issuer, at the same endpoint', async () => {
    const token = await tokenOf(server, tester)
    expect(decodeJwt(token)).toMatchObject({ iss: `${server.issuer}/test`, env: 'test', sub: tester.id })
    const keys = createRemoteJWKSet(new URL(`${server.issuer}/test/oauth/v2/jwks`))
    await expect(jwtVerify(token, keys, { issuer: `${server.issuer}/test`, audience: scene.resource.identifier, typ: 'at+jwt' })).resolves.toBeDefined()
  })

  it('an API that verifies for live refuses a test token by its signature, whatever else it forgets to check', async () => {
    const live = createRemoteJWKSet(new URL(`${server.issuer}/oauth/v2/jwks`))
    const test = createRemoteJWKSet(new URL(`${server.issuer}/test/oauth/v2/jwks`))
    await expect(jwtVerify(await tokenOf(server, tester), live)).rejects.toThrow()
    await expect(jwtVerify(await tokenOf(server, scene.partner), test)).rejects.toThrow()
  })

  it('a resource client sees tokens of its own environment only', async () => {
    const [liveToken, testToken] = [await tokenOf(server, scene.partner), await tokenOf(server, tester)]
    expect((await introspect(server, scene.api, liveToken)).json).toMatchObject({ active: true, env: 'live' })
    expect((await introspect(server, testApi, testToken)).json).toMatchObject({ active: true, env: 'test', iss: `${server.issuer}/test` })
    expect((await introspect(server, scene.api, testToken)).text).toBe(inactive)
    expect((await introspect(server, testApi, liveToken)).text).toBe(inactive)
  })

  it('a test client revokes its own tokens, at the same endpoint, and no live one', async () => {
    const [liveToken, testToken] = [await tokenOf(server, scene.partner), await tokenOf(server, tester)]
    expect((await revoke(server, tester, testToken)).status).toBe(200)
    expect((await introspect(server, testApi, testToken)).text).toBe(inactive)
    expect((await revoke(server, tester, liveToken)).json['error']).toBe('unauthorized_client')
    expect((await introspect(server, scene.api, liveToken)).json['active']).toBe(true)
  })

  it('one environment\'s secret is nothing to a client of the other', async () => {
    for (const [id, secret] of [[scene.partner.id, tester.secret], [tester.id, scene.partner.secret], [scene.partner.id.replace('live', 'test'), scene.partner.secret]] as const) {
      expect((await postForm(`${server.issuer}/oauth/v2/token`, { grant_type: 'client_credentials' }, basic(id, secret))).status).toBe(401)
    }
  })

  it('S34 a token that the other environment\'s key signed is inactive, whichever claims it bears', async () => {
    const forLive = partsOf(await tokenOf(server, scene.partner)).claims
    const forTest = partsOf(await tokenOf(server, tester)).claims
    const keys = { live: await signingKeyOf(server, 'live'), test: await signingKeyOf(server, 'test') }
    const header = (environment: 'live' | 'test'): Record<string, unknown> => ({ alg: 'RS256', typ: 'at+jwt', kid: keys[environment].kid })
    const bearing = ({ id }: RegisteredClient): Part => ({ client_id: id, sub: id })
    const attempts: [string, string][] = [
      ['live claims, test key', compact(header('test'), forLive, rs256(keys.test))],
      ['test claims, live key', compact(header('live'), forTest, rs256(keys.live))],
      ['live claims, test issuer, test key', compact(header('test'), { ...forLive, iss: forTest['iss'] }, rs256(keys.test))],
      ['live claims, test env, live key', compact(header('live'), { ...forLive, env: 'test' }, rs256(keys.live))],
      ['test client, live claims, live key', compact(header('live'), { ...forLive, ...bearing(tester) }, rs256(keys.live))],
      ['live key named, test key used', compact(header('live'), forLive, rs256(keys.test))]
    ]
    for (const [what, token] of attempts) {
      expect((await introspect(server, scene.api, token)).text, what).toBe(inactive)
      expect((await introspect(server, testApi, token)).text, what).toBe(inactive)
    }
  })

  it('a signing key that somebody moved to the other environment is believed by nobody', async () => {
    const sibling = await startTestServer()
    const other = await sibling.fixtures.scene()
    await known(sibling, other.partner)
    const { kid } = await signingKeyOf(sibling, 'test')
    await sibling.database.signingKey.update({ where: { kid }, data: { environment: 'live' } })
    expect(await within(1, async () => sibling.logs.some((line) => line['msg'] === 'key.unreadable' && line['kid'] === kid))).toBe(true)
    const { kid: signer } = decodeProtectedHeader(await tokenOf(sibling, other.partner))
    expect(signer).not.toBe(kid)
    expect((await (await fetch(`${sibling.issuer}/oauth/v2/jwks`)).text())).not.toContain(kid)
    expect((await requestToken(sibling, other.partner)).status).toBe(200)
    await sibling.stop()
  })
})
