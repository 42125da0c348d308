import { calculateJwkThumbprint, decodeJwt, exportJWK } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { within } from '../support/requests.ts'
import { audience, startWithPartners, type Partners, type Side } from './partners.ts'

// eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to stand out; this is plain http on loopback
const insecure = { [oauth.allowInsecureRequests]: true } as const

describe.each([['without nonces', 'false'], ['with nonces', 'true']])('DPoP %s', (_, dpopNonce) => {
  let partners: Partners

  beforeAll(async () => {
    partners = await startWithPartners({ environment: { DPOP_NONCE: dpopNonce } })
    await partners.server.database.client.update({ where: { id: partners.live.partner.id }, data: { dpop: 'required' } })
    const { issuer, partner } = partners.live
    const isRequired = async (): Promise<boolean> => (await fetch(`${issuer}/oauth/v2/token`, { method: 'POST', body: new URLSearchParams({ client_id: partner.id, client_secret: partner.secret }) })).status === 400
    if (!await within(2, isRequired)) throw new Error('the change was not seen')
  })
  afterAll(async () => { await partners.server.stop() })

  async function thumbprintOf ({ publicKey }: oauth.CryptoKeyPair): Promise<string> {
    return await calculateJwkThumbprint(await exportJWK(publicKey))
  }

  describe('openid-client 6', () => {
    async function configure (side: Side, client: Side['partner']): Promise<openid.Configuration> {
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- as above
      return await openid.discovery(new URL(side.issuer), client.id, undefined, openid.ClientSecretPost(client.secret), { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] })
    }

    it('finds in the metadata how it may sign, and gets bound tokens with each of these', async () => {
      const configuration = await configure(partners.live, partners.live.partner)
      const supported = configuration.serverMetadata().dpop_signing_alg_values_supported ?? []
      expect(supported).toEqual(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'])
      for (const algorithm of supported.filter((name) => name !== 'EdDSA')) { // the library knows it by its newer name only
        const pair = await openid.randomDPoPKeyPair(algorithm)
        const handle = openid.getDPoPHandle(configuration, pair)
        for (let time = 0; time < 2; time += 1) {
          const token = await openid.clientCredentialsGrant(configuration, { scope: 'tournaments:read' }, { DPoP: handle })
          expect(token.token_type, algorithm).toBe('dpop')
          expect(decodeJwt(token.access_token)['cnf'], algorithm).toEqual({ jkt: await thumbprintOf(pair) })
        }
      }
    })

    it('introspects a bound token, and is told without a proof that one is needed', async () => {
      const configuration = await configure(partners.live, partners.live.partner)
      const pair = await openid.randomDPoPKeyPair()
      const { access_token: token } = await openid.clientCredentialsGrant(configuration, {}, { DPoP: openid.getDPoPHandle(configuration, pair) })
      expect(await openid.tokenIntrospection(await configure(partners.live, partners.live.api), token)).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: await thumbprintOf(pair) } })
      await expect(openid.clientCredentialsGrant(configuration, {})).rejects.toMatchObject({ status: 400, error: 'invalid_dpop_proof' })
    })
  })

  describe('oauth4webapi 3', () => {
    it('gets a bound token, and validates its use at an API: with a proof of the same key only', async () => {
      const { issuer, partner } = partners.live
      const identifier = new URL(issuer)
      const server = await oauth.processDiscoveryResponse(identifier, await oauth.discoveryRequest(identifier, { algorithm: 'oauth2', ...insecure }))
      const client: oauth.Client = { client_id: partner.id }
      const pair = await oauth.generateKeyPair('ES256')
      const DPoP = oauth.DPoP(client, pair)
      const request = (): Promise<Response> => oauth.clientCredentialsGrantRequest(server, client, oauth.ClientSecretBasic(partner.secret), { scope: 'tournaments:read' }, { DPoP, ...insecure })
      const token = await request().then((response) => oauth.processClientCredentialsResponse(server, client, response)).catch(async (error: unknown) => {
        if (!oauth.isDPoPNonceError(error)) throw error
        return await oauth.processClientCredentialsResponse(server, client, await request())
      })
      expect(token.token_type).toBe('dpop')

      async function useWith (keys: oauth.CryptoKeyPair, scheme = 'DPoP'): Promise<oauth.JWTAccessTokenClaims> {
        const seen: Request[] = []
        const send = (url: string, init: RequestInit): Promise<Response> => {
          const headers = new Headers(init.headers)
          headers.set('Authorization', `${scheme} ${token.access_token}`)
          seen.push(new Request(url, { method: 'GET', headers }))
          return Promise.resolve(new Response('{}'))
        }
        await oauth.protectedResourceRequest(token.access_token, 'GET', new URL(`${audience}/tournaments`), undefined, null, { DPoP: oauth.DPoP(client, keys), [oauth.customFetch]: (url, init) => send(url, { headers: init.headers }) })
        const [arrived] = seen
        if (arrived === undefined) throw new Error('nothing was sent')
        return await oauth.validateJwtAccessToken(server, arrived, audience, insecure)
      }
      expect(await useWith(pair)).toMatchObject({ client_id: partner.id, cnf: { jkt: await thumbprintOf(pair) } })
      await expect(useWith(await oauth.generateKeyPair('ES256'))).rejects.toThrow()
      await expect(useWith(pair, 'Bearer')).rejects.toThrow()
    })
  })
})
