import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { audience, startWithPartners, type Partners, type Side } from './partners.ts'

// eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to stand out; this is plain http on loopback
const insecure = { [oauth.allowInsecureRequests]: true } as const

describe('oauth4webapi 3', () => {
  let partners: Partners

  beforeAll(async () => { partners = await startWithPartners() })
  afterAll(async () => { await partners.server.stop() })

  async function discover (issuer: string, algorithm: 'oauth2' | 'oidc'): Promise<oauth.AuthorizationServer> {
    const identifier = new URL(issuer)
    return await oauth.processDiscoveryResponse(identifier, await oauth.discoveryRequest(identifier, { algorithm, ...insecure }))
  }

  async function grant (side: Side, authenticate = oauth.ClientSecretPost(side.partner.secret)): Promise<string> {
    const server = await discover(side.issuer, 'oauth2')
    const client = { client_id: side.partner.id }
    const response = await oauth.clientCredentialsGrantRequest(server, client, authenticate, { scope: 'tournaments:read' }, insecure)
    return (await oauth.processClientCredentialsResponse(server, client, response)).access_token
  }

  async function introspect (side: Side, token: string): Promise<oauth.IntrospectionResponse> {
    const server = await discover(side.issuer, 'oauth2')
    const client = { client_id: side.api.id }
    const response = await oauth.introspectionRequest(server, client, oauth.ClientSecretBasic(side.api.secret), token, insecure)
    return await oauth.processIntrospectionResponse(server, client, response)
  }

  /** As a JWT, its signature checked with the keys that the metadata leads to. */
  async function introspectSigned (side: Side, token: string): Promise<oauth.IntrospectionResponse> {
    const server = await discover(side.issuer, 'oauth2')
    const client = { client_id: side.api.id, introspection_signed_response_alg: 'RS256' }
    const response = await oauth.introspectionRequest(server, client, oauth.ClientSecretBasic(side.api.secret), token, insecure)
    const introspection = await oauth.processIntrospectionResponse(server, client, response)
    await oauth.validateApplicationLevelSignature(server, response, insecure)
    return introspection
  }

  async function validate (side: Side, token: string): Promise<oauth.JWTAccessTokenClaims> {
    const request = new Request(`${audience}/tournaments`, { headers: { Authorization: `Bearer ${token}` } })
    return await oauth.validateJwtAccessToken(await discover(side.issuer, 'oauth2'), request, audience, insecure)
  }

  for (const environment of ['live', 'test'] as const) {
    for (const algorithm of ['oauth2', 'oidc'] as const) {
      it(`accepts the metadata of the ${environment} issuer found with the algorithm ${algorithm}`, async () => {
        const { issuer } = partners[environment]
        expect(await discover(issuer, algorithm)).toMatchObject({ issuer, jwks_uri: `${issuer}/oauth/v2/jwks`, grant_types_supported: ['client_credentials', 'urn:ietf:params:oauth:grant-type:jwt-bearer', 'urn:ietf:params:oauth:grant-type:token-exchange'] })
      })
    }

    it(`gets a token of the ${environment} issuer with both secret methods, and validates it as an RFC 9068 access token`, async () => {
      const side = partners[environment]
      for (const authenticate of [oauth.ClientSecretPost(side.partner.secret), oauth.ClientSecretBasic(side.partner.secret)]) {
        expect(await validate(side, await grant(side, authenticate))).toMatchObject({
          iss: side.issuer, aud: audience, sub: side.partner.id, client_id: side.partner.id, scope: 'tournaments:read', env: environment
        })
      }
    })

    it(`introspects, in JSON and as a JWT, and revokes a token of the ${environment} issuer`, async () => {
      const side = partners[environment]
      const token = await grant(side)
      expect(await introspect(side, token)).toMatchObject({ active: true, iss: side.issuer, aud: audience, client_id: side.partner.id })
      expect(await introspectSigned(side, token)).toEqual(await introspect(side, token))

      const server = await discover(side.issuer, 'oauth2')
      const authenticate = oauth.ClientSecretPost(side.partner.secret)
      const response = await oauth.revocationRequest(server, { client_id: side.partner.id }, authenticate, token, insecure)
      await oauth.processRevocationResponse(response)
      expect(await introspect(side, token)).toEqual({ active: false })
      expect(await introspectSigned(side, token)).toEqual({ active: false })
    })
  }

  it('refuses a test token where the live issuer is expected, and the reverse', async () => {
    const { live, test } = partners
    await expect(validate(live, await grant(test))).rejects.toThrow()
    await expect(validate(test, await grant(live))).rejects.toThrow()
  })

  it('surfaces a wrong secret as a challenge whose answer says invalid_client', async () => {
    const error: unknown = await grant(partners.live, oauth.ClientSecretBasic('wrong')).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(oauth.WWWAuthenticateChallengeError)
    expect(error).toMatchObject({ status: 401, cause: [{ scheme: 'basic', parameters: { realm: 'signet' } }] })
    const answer: unknown = error instanceof oauth.WWWAuthenticateChallengeError ? await error.response.json() : undefined
    expect(answer).toMatchObject({ error: 'invalid_client', error_description: 'Client authentication failed: check the client id and its secret, key or certificate.' })
  })

  it('surfaces an unknown grant as unsupported_grant_type, with the description', async () => {
    const server = await discover(partners.live.issuer, 'oauth2')
    const client = { client_id: partners.live.partner.id }
    const response = await oauth.genericTokenEndpointRequest(server, client, oauth.ClientSecretPost(partners.live.partner.secret), 'password', {}, insecure)
    await expect(oauth.processGenericTokenEndpointResponse(server, client, response)).rejects.toMatchObject({
      error: 'unsupported_grant_type', error_description: 'This server does not support the grant_type password.', status: 400
    })
  })
})
