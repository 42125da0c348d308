import { createRemoteJWKSet, jwtVerify } from 'jose'
import { ClientCredentials } from 'simple-oauth2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { introspect } from '../support/requests.ts'
import { audience, startWithPartners, type Partners, type Side } from './partners.ts'

describe('simple-oauth2 5', () => {
  let partners: Partners
  let now = Date.now()

  beforeAll(async () => { partners = await startWithPartners({ clock: () => now }) })
  afterAll(async () => { await partners.server.stop() })

  function configure (side: Side, options: ConstructorParameters<typeof ClientCredentials>[0]['options'] = {}, secret = side.partner.secret): ClientCredentials {
    return new ClientCredentials({
      client: { id: side.partner.id, secret },
      auth: { tokenHost: partners.server.issuer, tokenPath: '/oauth/v2/token', revokePath: '/oauth/v2/revoke' },
      options
    })
  }

  async function verify (side: Side, token: unknown): Promise<unknown> {
    const keys = createRemoteJWKSet(new URL(`${side.issuer}/oauth/v2/jwks`))
    return (await jwtVerify(String(token), keys, { issuer: side.issuer, audience, typ: 'at+jwt' })).payload
  }

  for (const environment of ['live', 'test'] as const) {
    for (const authorizationMethod of ['header', 'body'] as const) {
      it(`gets a ${environment} token with its credentials in the ${authorizationMethod}`, async () => {
        const side = partners[environment]
        const { token } = await configure(side, { authorizationMethod }).getToken({ scope: ['tournaments:read', 'tournaments:write'] })
        expect(token).toMatchObject({ token_type: 'Bearer', expires_in: 90_000, scope: 'tournaments:read tournaments:write' })
        expect(await verify(side, token['access_token'])).toMatchObject({ sub: side.partner.id, env: environment })
      })
    }
  }

  it('gets a token when its Basic credentials are not form-encoded first', async () => {
    const { token } = await configure(partners.live, { credentialsEncodingMode: 'loose' }).getToken({ scope: 'tournaments:read' })
    expect(await verify(partners.live, token['access_token'])).toMatchObject({ sub: partners.live.partner.id })
  })

  it('knows when its token nears its end, and refreshes it by asking again', async () => {
    const credentials = configure(partners.live)
    const first = await credentials.getToken({ scope: 'tournaments:read' })
    expect(first.expired(89_000)).toBe(false)
    expect(first.expired(90_001)).toBe(true)
    now += 89_000_000
    const second = await credentials.getToken({ scope: 'tournaments:read' })
    now -= 89_000_000
    expect(second.token['access_token']).not.toBe(first.token['access_token'])
  })

  it('revokes its token', async () => {
    const { live, server } = partners
    const token = await configure(live).getToken({ scope: 'tournaments:read' })
    const accessToken = String(token.token['access_token'])
    expect((await introspect(server, live.api, accessToken)).json).toMatchObject({ active: true })
    await token.revoke('access_token')
    expect((await introspect(server, live.api, accessToken)).text).toBe('{"active":false}')
  })

  it('refuses a test token where the live issuer is expected', async () => {
    const { token } = await configure(partners.test).getToken({ scope: 'tournaments:read' })
    await expect(verify(partners.live, token['access_token'])).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
  })

  for (const authorizationMethod of ['header', 'body'] as const) {
    it(`surfaces a wrong secret in the ${authorizationMethod} as a 401 whose payload says invalid_client`, async () => {
      await expect(configure(partners.live, { authorizationMethod }, 'wrong').getToken({ scope: 'tournaments:read' })).rejects.toMatchObject({
        output: { statusCode: 401 },
        data: { payload: { error: 'invalid_client', error_description: 'Client authentication failed: check the client id and its secret, key or certificate.' } }
      })
    })
  }
})
