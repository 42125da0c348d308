import { createVerifier } from 'fast-jwt'
import buildGetJwks from 'get-jwks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tokenOf } from '../support/requests.ts'
import { audience, startWithPartners, type Partners } from './partners.ts'

type GetJwksOptions = Parameters<typeof buildGetJwks>[0]

describe('fast-jwt 6 with get-jwks 11', () => {
  let partners: Partners
  let now = Date.now()

  beforeAll(async () => { partners = await startWithPartners({ clock: () => now }) })
  afterAll(async () => { await partners.server.stop() })

  /** The issuer is what the API was configured with, never what a token says. */
  function verifierOf (issuer: string, options: GetJwksOptions = {}): (token: string) => Promise<unknown> {
    const keys = buildGetJwks(options)
    return createVerifier({
      key: async ({ header }: { header: Record<string, unknown> }) => await keys.getPublicKey({ domain: issuer, alg: String(header['alg']), kid: String(header['kid']) }),
      algorithms: ['RS256'],
      allowedIss: issuer,
      allowedAud: audience,
      requiredClaims: ['exp', 'client_id', 'scope'],
      checkTyp: 'at+jwt'
    })
  }

  for (const environment of ['live', 'test'] as const) {
    it(`verifies a ${environment} token with the keys that the metadata names`, async () => {
      const { issuer, partner } = partners[environment]
      const token = await tokenOf(partners.server, partner)
      expect(await verifierOf(issuer, { providerDiscovery: true })(token)).toMatchObject({ iss: issuer, aud: audience, sub: partner.id, env: environment })
    })
  }

  it('verifies a live token with its own default, /.well-known/jwks.json', async () => {
    const { issuer, partner } = partners.live
    expect(await verifierOf(issuer)(await tokenOf(partners.server, partner))).toMatchObject({ sub: partner.id })
  })

  it('refuses a test token where the live issuer is expected: none of its keys signed it', async () => {
    const { server, live, test } = partners
    const verify = verifierOf(live.issuer)
    await expect(verify(await tokenOf(server, test.partner))).rejects.toMatchObject({ originalError: { message: 'No matching JWK found in the set.' } })
    expect(await verify(await tokenOf(server, live.partner))).toMatchObject({ sub: live.partner.id })
  })

  it('refuses a token whose 25 hours are over', async () => {
    const { issuer, partner } = partners.live
    now -= 90_001_000
    const expired = await tokenOf(partners.server, partner)
    now += 90_001_000
    await expect(verifierOf(issuer)(expired)).rejects.toMatchObject({ code: 'FAST_JWT_EXPIRED' })
  })
})
