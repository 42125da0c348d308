import { createRemoteJWKSet, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tokenOf } from '../support/requests.ts'
import { audience, startWithPartners, type Partners } from './partners.ts'

describe('jose 6 on the resource side', () => {
  let partners: Partners
  let now = Date.now()

  beforeAll(async () => { partners = await startWithPartners({ clock: () => now }) })
  afterAll(async () => { await partners.server.stop() })

  async function verify (token: string, issuer: string, keys: JWTVerifyGetKey): Promise<JWTPayload> {
    return (await jwtVerify(token, keys, { issuer, audience, typ: 'at+jwt', algorithms: ['RS256'], requiredClaims: ['client_id', 'scope'] })).payload
  }

  const keysAt = (url: string): JWTVerifyGetKey => createRemoteJWKSet(new URL(url))

  it('verifies a live token with the keys of both JWKS addresses', async () => {
    const { server, live: { issuer, partner } } = partners
    const token = await tokenOf(server, partner)
    for (const path of ['/oauth/v2/jwks', '/.well-known/jwks.json']) {
      expect(await verify(token, issuer, keysAt(issuer + path))).toMatchObject({ iss: issuer, sub: partner.id, env: 'live' })
    }
  })

  it('verifies a test token with the keys of the test issuer', async () => {
    const { server, test: { issuer, partner } } = partners
    expect(await verify(await tokenOf(server, partner), issuer, keysAt(`${issuer}/oauth/v2/jwks`))).toMatchObject({ iss: issuer, sub: partner.id, env: 'test' })
  })

  it('refuses a test token by its signature, where the live issuer is expected', async () => {
    const { server, live, test } = partners
    const token = await tokenOf(server, test.partner)
    const liveKeys = keysAt(`${live.issuer}/oauth/v2/jwks`)
    await expect(verify(token, live.issuer, liveKeys)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
    await expect(jwtVerify(token, liveKeys), 'nothing but the keys is checked').rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
  })

  it('refuses a token for another audience, and one whose 25 hours are over', async () => {
    const { server, live: { issuer, partner } } = partners
    const keys = keysAt(`${issuer}/oauth/v2/jwks`)
    await expect(jwtVerify(await tokenOf(server, partner), keys, { issuer, audience: 'https://other.example.com' })).rejects.toMatchObject({ claim: 'aud' })
    now -= 90_001_000
    const expired = await tokenOf(server, partner)
    now += 90_001_000
    await expect(verify(expired, issuer, keys)).rejects.toMatchObject({ code: 'ERR_JWT_EXPIRED' })
  })
})
