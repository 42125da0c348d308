/** The verifier with a real Signet behind it: both on one clock. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createVerifier, type Verifier } from '../../../packages/verifier/src/index.ts'
import { audience, startWithPartners, type Partners, type Side } from '../../clients/partners.ts'
import { createProof, createProofKeys } from '../../support/proofs.ts'
import { endpointOf, postForm, revoke, tokenOf, within } from '../../support/requests.ts'
import { refused } from './refused.ts'

describe('@signet/verifier with tokens of a Signet', () => {
  let partners: Partners
  let now = Date.now()

  beforeAll(async () => { partners = await startWithPartners({ clock: () => now }) })
  afterAll(async () => { await partners.server.stop() })

  function verifierOf ({ issuer }: Side): Verifier {
    return createVerifier({ issuer, audience, whenStatusUnavailable: 'refuse', dpop: { url: audience }, now: () => now, random: () => 0 })
  }

  for (const environment of ['live', 'test'] as const) {
    it(`accepts a token of the ${environment} issuer, and refuses it when its list is fetched again after its revocation`, async () => {
      const verifier = verifierOf(partners[environment])
      const { partner, issuer } = partners[environment]
      const [token, other] = [await tokenOf(partners.server, partner), await tokenOf(partners.server, partner)]
      expect(await verifier.verify(token, { scope: 'tournaments:read' })).toMatchObject({ iss: issuer, client_id: partner.id, env: environment })
      expect((await revoke(partners.server, partner, token)).status).toBe(200)
      now += 60_000
      expect(await refused(verifier.verify(token))).toMatchObject({ code: 'invalid_token', message: 'The access token was revoked: get another one.' })
      await expect(verifier.verify(other)).resolves.toBeDefined()
    })
  }

  it('refuses the tokens of one issuer where the other is expected', async () => {
    const { server, live, test } = partners
    expect(await refused(verifierOf(live).verify(await tokenOf(server, test.partner)))).toMatchObject({ code: 'invalid_token' })
    expect(await refused(verifierOf(test).verify(await tokenOf(server, live.partner)))).toMatchObject({ code: 'invalid_token' })
  })

  it('accepts a token that is bound to a key with a proof for the request, and not as Bearer', async () => {
    const { server, live } = partners
    const keys = createProofKeys()
    const { json } = await postForm(endpointOf(server, 'token'), { client_id: live.partner.id, client_secret: live.partner.secret, scope: 'tournaments:read' }, { DPoP: createProof({ keys, htu: `${live.issuer}/oauth/v2/token`, now }) })
    const token = String(json['access_token'])
    const proof = createProof({ keys, htu: `${audience}/tournaments`, now, claims: { htm: 'GET', ath: createHash('sha256').update(token).digest('base64url') } })
    await expect(verifierOf(live).verify({ method: 'GET', url: '/tournaments', headers: { authorization: `DPoP ${token}`, dpop: proof } })).resolves.toMatchObject({ cnf: { jkt: keys.thumbprint } })
    expect(await refused(verifierOf(live).verify(token))).toMatchObject({ code: 'invalid_token' })
  })

  it('refuses a token of a list that the database does not have any more, as after a restore, also where it accepts without a list', async () => {
    const { server, live } = partners
    const token = await tokenOf(server, live.partner)
    await server.database.statusList.deleteMany()
    const { issuer } = live
    const verifiers = (['refuse', 'accept'] as const).map((whenStatusUnavailable) => (): Verifier => createVerifier({ issuer, audience, whenStatusUnavailable, now: () => now }))
    for (const make of verifiers) {
      expect(await within(2, async () => await make().verify(token).then(() => false, () => true))).toBe(true)
      expect(await refused(make().verify(token))).toMatchObject({ code: 'invalid_token', message: 'The access token is not good any more: get another one.' })
    }
    await expect(verifierOf(live).verify(await tokenOf(server, live.partner)), 'another one').resolves.toBeDefined()
  })

  it('refuses a token whose 25 hours are over', async () => {
    const { server, live } = partners
    const token = await tokenOf(server, live.partner)
    now += 90_006_000
    expect(await refused(verifierOf(live).verify(token))).toMatchObject({ message: 'The access token has expired: get another one.' })
    now -= 90_006_000
  })
})
