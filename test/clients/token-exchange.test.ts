import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tokenExchangeGrant } from '../../src/oauth/grant-types.ts'
import { accessTokenType, exchangeScene, playerToken, type ExchangeScene } from '../support/exchange.ts'
import type { RegisteredClient } from '../support/fixtures.ts'
import { revoke, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to stand out; this is plain http on loopback
const [insecure, allowInsecure] = [{ [oauth.allowInsecureRequests]: true } as const, openid.allowInsecureRequests]

describe('token exchange, driven by client libraries', () => {
  let server: TestServer
  let scene: ExchangeScene

  beforeAll(async () => {
    server = await startTestServer()
    scene = await exchangeScene(server)
  })
  afterAll(async () => { await server.stop() })

  async function configure ({ id, secret }: RegisteredClient): Promise<openid.Configuration> {
    return await openid.discovery(new URL(server.issuer), id, undefined, openid.ClientSecretBasic(secret), { algorithm: 'oauth2', execute: [allowInsecure] })
  }

  it('oauth4webapi 3 exchanges a player\'s token with genericTokenEndpointRequest, and the API behind validates it as an RFC 9068 access token', async () => {
    const [identifier, client] = [new URL(server.issuer), { client_id: scene.gateway.id }]
    const as = await oauth.processDiscoveryResponse(identifier, await oauth.discoveryRequest(identifier, { algorithm: 'oauth2', ...insecure }))
    const parameters = { subject_token: await playerToken(server, scene.login), subject_token_type: accessTokenType, audience: 'https://stats.example.com' }
    const response = await oauth.genericTokenEndpointRequest(as, client, oauth.ClientSecretBasic(scene.gateway.secret), tokenExchangeGrant, parameters, insecure)
    const { access_token: token, issued_token_type: issued, scope } = await oauth.processGenericTokenEndpointResponse(as, client, response)
    expect({ issued, scope }).toEqual({ issued: accessTokenType, scope: 'stats:read' })
    const request = new Request('https://stats.example.com/cups', { headers: { Authorization: `Bearer ${token}` } })
    expect(await oauth.validateJwtAccessToken(as, request, 'https://stats.example.com', insecure)).toMatchObject({ player_id: 'player-1001', client_id: scene.gateway.id, org: scene.organization.id })
  })

  it('openid-client 6 exchanges with an actor; jose verifies, introspection tells who acts, and both end with the subject token', async () => {
    const gateway = await configure(scene.gateway)
    const own = await openid.clientCredentialsGrant(gateway, { scope: 'tournaments:read' })
    const subject = await tokenOf(server, scene.partner)
    const { access_token: token } = await openid.genericGrantRequest(gateway, tokenExchangeGrant, {
      subject_token: subject, subject_token_type: accessTokenType, actor_token: own.access_token, actor_token_type: accessTokenType, resource: 'https://stats.example.com'
    })
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(gateway.serverMetadata().jwks_uri ?? '')), { issuer: server.issuer, audience: 'https://stats.example.com', typ: 'at+jwt' })
    expect(payload).toMatchObject({ sub: scene.partner.id, act: { sub: scene.gateway.id } })
    const statistics = await configure(scene.statistics)
    expect(await openid.tokenIntrospection(statistics, token)).toMatchObject({ active: true, sub: scene.partner.id, act: { sub: scene.gateway.id } })
    await revoke(server, scene.partner, subject)
    expect(await within(1, async () => !(await openid.tokenIntrospection(statistics, token)).active)).toBe(true)
  })

  it('openid-client 6 gets exchanged tokens that are bound to the key of the service', async () => {
    const gateway = await configure(scene.gateway)
    const handle = openid.getDPoPHandle(gateway, await openid.randomDPoPKeyPair())
    const subject = await tokenOf(server, scene.partner)
    const { token_type: type, access_token: token } = await openid.genericGrantRequest(gateway, tokenExchangeGrant, { subject_token: subject, subject_token_type: accessTokenType, resource: 'https://stats.example.com' }, { DPoP: handle })
    expect(type).toBe('dpop')
    expect(await openid.tokenIntrospection(await configure(scene.statistics), token)).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: expect.stringMatching(/^[\w-]{43}$/) as unknown } })
  })

  it('openid-client 6 surfaces a bad subject token as invalid_request, with the description', async () => {
    await expect(openid.genericGrantRequest(await configure(scene.gateway), tokenExchangeGrant, { subject_token: 'garbage', subject_token_type: accessTokenType })).rejects.toMatchObject({
      status: 400, error: 'invalid_request', error_description: 'The subject_token is not acceptable: it must be an active access token of this server, for the resource that the client stands for.'
    })
  })
})
