import { SignJWT, createRemoteJWKSet, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jwtBearerGrant } from '../../src/oauth/grant-types.ts'
import { newPair, type Pair } from '../support/assertions.ts'
import type { RegisteredClient } from '../support/fixtures.ts'
import { known } from '../support/requests.ts'
import { audience, startWithPartners, type Partners } from './partners.ts'

// eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to stand out; this is plain http on loopback
const [insecure, allowInsecure] = [{ [oauth.allowInsecureRequests]: true } as const, openid.allowInsecureRequests]

describe('JWT clients, with assertions made by jose', () => {
  let partners: Partners
  let logins: Readonly<Record<'live' | 'test', RegisteredClient>>
  let pair: Pair

  beforeAll(async () => {
    partners = await startWithPartners()
    const { fixtures } = partners.server
    const { organizationId } = partners.live.partner.client
    const [live, test] = [await fixtures.client({ organizationId, type: 'jwt' }), await fixtures.client({ organizationId, type: 'jwt', environment: 'test' })]
    logins = { live, test }
    pair = newPair('EdDSA')
    await fixtures.addKey(live.id, pair.jwk)
    await known(partners.server, test)
  })
  afterAll(async () => { await partners.server.stop() })

  function assertion (client: RegisteredClient, audienceOfIt: string): SignJWT {
    return new SignJWT({ scope: 'tournaments:read' }).setIssuer(client.id).setSubject('player-1001').setAudience(audienceOfIt).setIssuedAt().setExpirationTime('1 minute').setJti(crypto.randomUUID())
  }

  function withSecret (client: RegisteredClient, audienceOfIt: string): Promise<string> {
    return assertion(client, audienceOfIt).setProtectedHeader({ alg: 'HS512' }).sign(Buffer.from(client.secret))
  }

  for (const environment of ['live', 'test'] as const) {
    it(`oauth4webapi 3 gets the token of a player of the ${environment} issuer, which verifies as an RFC 9068 access token`, async () => {
      const [{ issuer }, login] = [partners[environment], logins[environment]]
      const [identifier, client] = [new URL(issuer), { client_id: login.id }]
      const server = await oauth.processDiscoveryResponse(identifier, await oauth.discoveryRequest(identifier, { algorithm: 'oauth2', ...insecure }))
      const response = await oauth.genericTokenEndpointRequest(server, client, oauth.None(), jwtBearerGrant, { assertion: await withSecret(login, issuer) }, insecure)
      const { access_token: token } = await oauth.processGenericTokenEndpointResponse(server, client, response)
      const request = new Request(`${audience}/cups`, { headers: { Authorization: `Bearer ${token}` } })
      const { player_id: player, scope } = await oauth.validateJwtAccessToken(server, request, audience, insecure)
      expect({ player, scope }).toEqual({ player: 'player-1001', scope: 'tournaments:read' })
    })
  }

  it('openid-client 6 gets the token of a player, with a registered key and the token endpoint as the audience', async () => {
    const { issuer } = partners.live
    const configuration = await openid.discovery(new URL(issuer), logins.live.id, undefined, openid.None(), { algorithm: 'oauth2', execute: [allowInsecure] })
    const { jwks_uri: keys = '', token_endpoint: endpoint = '' } = configuration.serverMetadata()
    const signed = await assertion(logins.live, endpoint).setProtectedHeader({ alg: 'EdDSA', kid: pair.kid }).sign(pair.privateKey)
    const { access_token: token } = await openid.genericGrantRequest(configuration, jwtBearerGrant, { assertion: signed })
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(keys)), { issuer, audience, typ: 'at+jwt' })
    expect(payload).toMatchObject({ sub: `${logins.live.client.organizationId}:player-1001`, player_id: 'player-1001' })
  })

  it('openid-client 6 gets the token of a player by client_credentials with player_id', async () => {
    const { live, test } = logins
    for (const [login, { issuer }] of [[live, partners.live], [test, partners.test]] as const) {
      const configuration = await openid.discovery(new URL(issuer), login.id, undefined, openid.ClientSecretBasic(login.secret), { algorithm: 'oauth2', execute: [allowInsecure] })
      const { scope } = await openid.clientCredentialsGrant(configuration, { player_id: 'player-1001' })
      expect(scope).toBe('tournaments:read')
    }
  })

  it('openid-client 6 surfaces a bad assertion as invalid_grant, with the description and without a challenge', async () => {
    const { issuer } = partners.live
    const configuration = await openid.discovery(new URL(issuer), logins.live.id, undefined, openid.None(), { algorithm: 'oauth2', execute: [allowInsecure] })
    const foreign = await withSecret({ ...logins.live, secret: logins.test.secret }, issuer)
    await expect(openid.genericGrantRequest(configuration, jwtBearerGrant, { assertion: foreign })).rejects.toMatchObject({
      status: 400, error: 'invalid_grant', error_description: 'The assertion is not acceptable: check its claims and its signature, and send it once.'
    })
  })
})
