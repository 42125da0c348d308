import { webcrypto } from 'node:crypto'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newPair, type Pair } from '../support/assertions.ts'
import { known } from '../support/requests.ts'
import { startWithPartners, type Partners } from './partners.ts'

// eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to stand out; this is plain http on loopback
const insecure = { [oauth.allowInsecureRequests]: true } as const
const scope = 'tournaments:read'

const webAlgorithms = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  EdDSA: { name: 'Ed25519' }
} as const
type Algorithm = keyof typeof webAlgorithms

async function webKey ({ privateKey, algorithm, kid }: Pair, isNamed: boolean): Promise<{ readonly key: oauth.CryptoKey, readonly kid?: string }> {
  const key = await webcrypto.subtle.importKey('pkcs8', privateKey.export({ type: 'pkcs8', format: 'der' }), webAlgorithms[algorithm], false, ['sign'])
  return isNamed ? { key, kid } : { key }
}

/** Client assertions as two libraries make them, unchanged: what they put into `aud`, `typ` and `kid` is their own choice. */
describe('client assertions of oauth4webapi 3 and openid-client 6', () => {
  let partners: Partners
  const pairs: Readonly<Record<Algorithm, Pair>> = { RS256: newPair('RS256'), PS256: newPair('PS256'), ES256: newPair('ES256'), EdDSA: newPair('EdDSA') }
  const clients: Record<'live' | 'test', { signing: string, macing: { id: string, secret: string } }> = {
    live: { signing: '', macing: { id: '', secret: '' } }, test: { signing: '', macing: { id: '', secret: '' } }
  }

  beforeAll(async () => {
    partners = await startWithPartners()
    const { server } = partners
    for (const environment of ['live', 'test'] as const) {
      const { organizationId } = partners[environment].partner.client
      const macing = await server.fixtures.client({ organizationId, environment, scopes: [scope], authenticationMethods: ['client_secret_jwt'] })
      clients[environment] = { signing: (await server.fixtures.signingClient({ organizationId, environment, scopes: [scope], keys: Object.values(pairs) })).id, macing }
    }
    await known(server, await server.fixtures.client({ organizationId: partners.live.partner.client.organizationId }))
  })
  afterAll(async () => { await partners.server.stop() })

  for (const environment of ['live', 'test'] as const) {
    async function tokenOf (id: string, authenticate: oauth.ClientAuth): Promise<oauth.TokenEndpointResponse> {
      const identifier = new URL(partners[environment].issuer)
      const server = await oauth.processDiscoveryResponse(identifier, await oauth.discoveryRequest(identifier, { algorithm: 'oauth2', ...insecure }))
      const client = { client_id: id }
      return await oauth.processClientCredentialsResponse(server, client, await oauth.clientCredentialsGrantRequest(server, client, authenticate, { scope }, insecure))
    }

    it.each(Object.keys(webAlgorithms) as Algorithm[])(`oauth4webapi gets a ${environment} token with private_key_jwt, %s, with and without a kid`, async (algorithm) => { // its own keys
      for (const isNamed of [true, false]) {
        const token = await tokenOf(clients[environment].signing, oauth.PrivateKeyJwt(await webKey(pairs[algorithm], isNamed)))
        expect(token).toMatchObject({ token_type: 'bearer', scope, expires_in: 90_000 })
      }
    })

    it(`oauth4webapi gets a ${environment} token with client_secret_jwt, and is refused with another secret`, async () => {
      const { id, secret } = clients[environment].macing
      expect(await tokenOf(id, oauth.ClientSecretJwt(secret))).toMatchObject({ scope })
      await expect(tokenOf(id, oauth.ClientSecretJwt(`${secret}x`))).rejects.toMatchObject({ status: 401 })
    })

    it(`openid-client gets, introspects and revokes a ${environment} token with private_key_jwt and client_secret_jwt`, async () => {
      const { issuer, api } = partners[environment]
      const { signing, macing } = clients[environment]
      const configure = (id: string, authentication: openid.ClientAuth): Promise<openid.Configuration> =>
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to stand out; this is plain http on loopback
        openid.discovery(new URL(issuer), id, undefined, authentication, { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] })
      const ofApi = await configure(api.id, openid.ClientSecretBasic(api.secret))
      const methods = [[signing, openid.PrivateKeyJwt(await webKey(pairs.ES256, true))], [macing.id, openid.ClientSecretJwt(macing.secret)]] as const
      for (const [id, authentication] of methods) {
        const configuration = await configure(id, authentication)
        const { access_token: token } = await openid.clientCredentialsGrant(configuration, { scope })
        expect(await openid.tokenIntrospection(ofApi, token)).toMatchObject({ active: true, iss: issuer, client_id: id })
        await openid.tokenRevocation(configuration, token)
        expect(await openid.tokenIntrospection(ofApi, token)).toEqual({ active: false })
      }
    })
  }
})
