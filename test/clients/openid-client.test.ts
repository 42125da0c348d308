import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RegisteredClient } from '../support/fixtures.ts'
import { startWithPartners, type Partners } from './partners.ts'

type Algorithm = 'oauth2' | 'oidc'

describe('openid-client 6', () => {
  let partners: Partners

  beforeAll(async () => { partners = await startWithPartners() })
  afterAll(async () => { await partners.server.stop() })

  function configure (issuer: string, client: RegisteredClient, authentication: openid.ClientAuth, algorithm: Algorithm): Promise<openid.Configuration> {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to stand out; this is plain http on loopback
    return openid.discovery(new URL(issuer), client.id, undefined, authentication, { algorithm, execute: [openid.allowInsecureRequests] })
  }

  for (const environment of ['live', 'test'] as const) {
    for (const [algorithm, document] of [['oauth2', 'oauth-authorization-server'], ['oidc', 'openid-configuration']] as const) {
      it(`discovers the ${environment} issuer through ${document}`, async () => {
        const { issuer, partner } = partners[environment]
        const metadata = (await configure(issuer, partner, openid.ClientSecretPost(partner.secret), algorithm)).serverMetadata()
        expect(metadata.issuer).toBe(issuer)
        expect(metadata.jwks_uri).toBe(`${issuer}/oauth/v2/jwks`)
        expect(metadata.token_endpoint).toBe(`${partners.server.issuer}/oauth/v2/token`)
      })
    }

    for (const [method, authenticate] of [['ClientSecretPost', openid.ClientSecretPost], ['ClientSecretBasic', openid.ClientSecretBasic]] as const) {
      it(`gets, introspects and revokes a token of the ${environment} issuer with ${method}`, async () => {
        const { issuer, partner, api } = partners[environment]
        const ofPartner = await configure(issuer, partner, authenticate(partner.secret), 'oauth2')
        const ofApi = await configure(issuer, api, authenticate(api.secret), 'oauth2')

        const token = await openid.clientCredentialsGrant(ofPartner, { scope: 'tournaments:read' })
        expect(token).toMatchObject({ token_type: 'bearer', expires_in: 90_000, scope: 'tournaments:read' }) // the library lower-cases the type
        expect(token.expiresIn()).toBeGreaterThan(89_990) // counts down from the moment of the answer

        expect(await openid.tokenIntrospection(ofApi, token.access_token)).toMatchObject({
          active: true, iss: issuer, client_id: partner.id, scope: 'tournaments:read', env: environment
        })
        await openid.tokenRevocation(ofPartner, token.access_token)
        expect(await openid.tokenIntrospection(ofApi, token.access_token)).toEqual({ active: false })
      })
    }
  }

  it('surfaces a wrong secret as invalid_client, with the description and the challenge', async () => {
    const { issuer, partner } = partners.live
    const configuration = await configure(issuer, partner, openid.ClientSecretPost('wrong'), 'oauth2')
    const error: unknown = await openid.clientCredentialsGrant(configuration, { scope: 'tournaments:read' }).catch((reason: unknown) => reason)
    // Because of the challenge the library reports the header, and keeps the answer for whoever wants the description.
    expect(error).toBeInstanceOf(openid.WWWAuthenticateChallengeError)
    expect(error).toMatchObject({ status: 401, cause: [{ scheme: 'basic', parameters: { realm: 'signet', charset: 'UTF-8' } }] })
    const answer: unknown = error instanceof openid.WWWAuthenticateChallengeError ? await error.response.json() : undefined
    expect(answer).toMatchObject({ error: 'invalid_client', error_description: 'Client authentication failed: check the client id and its secret, key or certificate.' })
  })

  it('surfaces a scope that is not granted as invalid_scope, with the description', async () => {
    const { issuer, partner } = partners.live
    const configuration = await configure(issuer, partner, openid.ClientSecretPost(partner.secret), 'oauth2')
    await expect(openid.clientCredentialsGrant(configuration, { scope: 'tournaments:own' })).rejects.toMatchObject({
      status: 400,
      error: 'invalid_scope',
      error_description: 'These scopes do not exist or are not granted to this client: tournaments:own'
    })
  })

  it('tells an API of the live issuer nothing about a test token but that it is inactive', async () => {
    const { live, test } = partners
    const ofTestPartner = await configure(test.issuer, test.partner, openid.ClientSecretPost(test.partner.secret), 'oauth2')
    const ofLiveApi = await configure(live.issuer, live.api, openid.ClientSecretPost(live.api.secret), 'oauth2')
    const { access_token: token } = await openid.clientCredentialsGrant(ofTestPartner, { scope: 'tournaments:read' })
    expect(await openid.tokenIntrospection(ofLiveApi, token)).toEqual({ active: false })
  })
})
