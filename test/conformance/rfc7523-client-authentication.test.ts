import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientAssertionType } from '../../src/oauth/parameters.ts'
import type { Client } from '../../src/clients/client.ts'
import { assertionBy, assertionClaims, newPair, withAssertion } from '../support/assertions.ts'
import type { Part } from '../support/forged-tokens.ts'
import type { Scene } from '../support/fixtures.ts'
import { basic, postForm, tokenOf, within, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

describe('RFC 7523 §2.2 Using JWTs for client authentication', () => {
  let now = Date.now()
  let server: TestServer
  let scene: Scene
  let partner: Client
  let testPartner: Client
  const pairs = { RS256: newPair('RS256'), PS256: newPair('PS256'), ES256: newPair('ES256'), EdDSA: newPair('EdDSA') }
  const pair = pairs.ES256

  beforeAll(async () => {
    server = await startTestServer({ clock: () => now })
    scene = await server.fixtures.scene()
    const { id: organizationId } = scene.organization
    partner = await server.fixtures.signingClient({ organizationId, keys: Object.values(pairs) })
    testPartner = await server.fixtures.signingClient({ organizationId, environment: 'test', keys: [pair] })
    if (!await within(2, async () => (await ask({}, {}, testPartner)).status === 200)) throw new Error('the clients stayed unknown')
  })
  afterAll(async () => { await server.stop() })

  function issuerOf (client: Client): string {
    return client.environment === 'live' ? server.issuer : `${server.issuer}/test`
  }

  function good (client = partner): Part {
    return assertionClaims(issuerOf(client), client.id, now)
  }

  function ask (claims: Part = {}, header: Part = {}, client = partner): Promise<Answer> {
    return withAssertion(server, assertionBy(pair, { ...good(client), ...claims }, header))
  }

  function outcomeOf ({ status, json }: Answer): object {
    return { status, error: json['error'] }
  }

  const accepted = { status: 200, error: undefined }
  const refused = { status: 401, error: 'invalid_client' }
  const malformed = { status: 400, error: 'invalid_request' }

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'] as const)('S17 accepts an assertion signed %s, once', async (algorithm) => {
    const assertion = assertionBy(pairs[algorithm], good())
    expect(outcomeOf(await withAssertion(server, assertion))).toEqual(accepted)
    expect(outcomeOf(await withAssertion(server, assertion))).toEqual(refused)
  })

  it('S17 names the method and its algorithms in the metadata', async () => {
    const metadata: unknown = await (await fetch(`${server.issuer}/.well-known/oauth-authorization-server`)).json()
    expect(metadata).toMatchObject({
      token_endpoint_auth_methods_supported: expect.arrayContaining(['private_key_jwt']) as unknown,
      token_endpoint_auth_signing_alg_values_supported: expect.arrayContaining(['RS256', 'PS256', 'ES256', 'EdDSA']) as unknown
    })
  })

  it('accepts Ed25519 as another name of EdDSA (RFC 9864 §2.2)', async () => {
    expect(outcomeOf(await withAssertion(server, assertionBy(pairs.EdDSA, good(), { alg: 'Ed25519' })))).toEqual(accepted)
  })

  it('accepts it at introspection and revocation too', async () => {
    const api = await server.fixtures.signingClient({ organizationId: scene.organization.id, resourceId: scene.resource.id, keys: [pair] })
    const token = await tokenOf(server, scene.partner)
    const introspected = async (): Promise<Answer> => await withAssertion(server, assertionBy(pair, good(api)), { token }, 'introspect')
    expect(await within(2, async () => (await introspected()).json['active'] === true)).toBe(true)
    expect(outcomeOf(await withAssertion(server, assertionBy(pair, good()), { token: 'anything' }, 'revoke'))).toEqual(accepted)
    expect(outcomeOf(await withAssertion(server, assertionBy(newPair(), good()), { token }, 'introspect'))).toEqual(refused)
    expect(outcomeOf(await withAssertion(server, assertionBy(newPair(), good()), { token }, 'revoke'))).toEqual(refused)
  })

  it('RFC 10070 accepts the typ client-authentication+jwt, JWT or none, and no other', async () => {
    for (const typ of ['client-authentication+jwt', 'application/client-authentication+jwt', 'Client-Authentication+JWT', 'JWT', 'jwt', undefined]) {
      expect(outcomeOf(await ask({}, { typ })), typ).toEqual(accepted)
    }
    for (const typ of ['at+jwt', 'dpop+jwt', 'statuslist+jwt', 'token-introspection+jwt', 'jose', '', 1, null, ['JWT']]) {
      expect(outcomeOf(await ask({}, { typ })), String(typ)).toEqual(refused)
    }
  })

  it('S27 takes the issuer of the client\'s environment as the sole audience, and nothing else', async () => {
    expect(outcomeOf(await ask({ aud: [server.issuer] }))).toEqual(accepted)
    expect(outcomeOf(await ask({}, {}, testPartner))).toEqual(accepted)
    for (const aud of [
      `${server.issuer}/oauth/v2/token`, `${server.issuer}/test`, `${server.issuer}/`, server.issuer.toUpperCase(), 'https://other.example.com', '',
      [], [server.issuer, 'https://other.example.com'], [server.issuer, server.issuer], ['https://other.example.com'], { 0: server.issuer }, 1, null
    ]) {
      expect(outcomeOf(await ask({ aud })), JSON.stringify(aud)).toEqual(refused)
    }
    expect(outcomeOf(await ask({ aud: server.issuer }, {}, testPartner))).toEqual(refused)
  })

  it('S27 takes the token endpoint as the audience of a client that may still do so, until the date, and says so in the log', async () => {
    const old = await server.fixtures.signingClient({ organizationId: scene.organization.id, keys: [pair], acceptsEndpointAudienceUntil: new Date(now + 60_000) })
    const naming = async (aud: unknown): Promise<object> => outcomeOf(await ask({ aud }, {}, old))
    const endpoint = `${server.issuer}/oauth/v2/token`
    expect(await within(2, async () => (await ask({}, {}, old)).status === 200)).toBe(true)
    expect(await naming(endpoint)).toEqual(accepted)
    expect(server.logs).toContainEqual(expect.objectContaining({ msg: 'client.named_endpoint_as_audience', level: 40, clientId: old.id }))
    expect(await naming([endpoint, server.issuer])).toEqual(refused)
    expect(await naming(`${server.issuer}/oauth/v2/introspect`)).toEqual(refused)
    now += 61_000
    expect(await naming(endpoint)).toEqual(refused)
    expect(await naming(server.issuer)).toEqual(accepted)
  })

  it.each(['iss', 'sub', 'aud', 'exp', 'jti'])('S28 refuses an assertion without %s', async (name) => {
    expect(outcomeOf(await ask({ [name]: undefined }))).toEqual(refused)
  })

  it('needs neither iat nor nbf', async () => {
    expect(outcomeOf(await ask({ iat: undefined, nbf: undefined }))).toEqual(accepted)
  })

  it('S25 refuses an exp that is no time, or absurd', async () => {
    for (const exp of ['soon', String(Math.floor(now / 1000) + 60), null, true, [], {}, -1, 0, 1e300, 253_402_300_800]) {
      expect(outcomeOf(await ask({ exp })), JSON.stringify(exp)).toEqual(refused)
    }
  })

  it('S25 refuses an exp more than five minutes ahead', async () => {
    const seconds = Math.floor(now / 1000)
    expect(outcomeOf(await ask({ exp: seconds + 300 }))).toEqual(accepted)
    for (const ahead of [400, 3_600, 86_400]) expect(outcomeOf(await ask({ exp: seconds + ahead })), String(ahead)).toEqual(refused)
  })

  it('S30 forgives a clock that is 8 seconds off, and none that is a minute off', async () => {
    const seconds = Math.floor(now / 1000)
    for (const claims of [{ exp: seconds - 8 }, { nbf: seconds + 8 }, { iat: seconds + 8 }, { exp: seconds + 308 }]) {
      expect(outcomeOf(await ask(claims)), JSON.stringify(claims)).toEqual(accepted)
    }
    for (const claims of [{ exp: seconds - 60 }, { nbf: seconds + 60 }, { iat: seconds + 60 }, { exp: seconds + 360 }]) {
      expect(outcomeOf(await ask(claims)), JSON.stringify(claims)).toEqual(refused)
    }
  })

  it('refuses an iss that is not the sub, and a client that does not exist', async () => {
    expect(outcomeOf(await ask({ iss: scene.partner.id }))).toEqual(refused)
    expect(outcomeOf(await ask({ sub: scene.partner.id }))).toEqual(refused)
    for (const nobody of ['cl_live_nobody', 'x'.repeat(200), '__proto__', partner.id.toUpperCase()]) {
      expect(outcomeOf(await ask({ iss: nobody, sub: nobody })), nobody).toEqual(refused)
    }
  })

  it('RFC 7521 §4.2 takes a client_id in the body that names the same client, and refuses another', async () => {
    const ids = [[partner.id, accepted], [testPartner.id, malformed], ['cl_live_nobody', malformed]] as const
    for (const [id, outcome] of ids) expect(outcomeOf(await withAssertion(server, assertionBy(pair, good()), { client_id: id })), id).toEqual(outcome)
  })

  it('RFC 7521 §4.2 wants the type with the assertion and the assertion with the type, and knows one type', async () => {
    const assertion = assertionBy(pair, good())
    const token = async (parameters: Readonly<Record<string, string>>): Promise<object> => outcomeOf(await postForm(`${server.issuer}/oauth/v2/token`, { grant_type: 'client_credentials', ...parameters }))
    expect(await token({ client_assertion: assertion })).toEqual(malformed)
    expect(await token({ client_assertion_type: clientAssertionType })).toEqual(malformed)
    for (const type of ['urn:ietf:params:oauth:client-assertion-type:saml2-bearer', clientAssertionType.toUpperCase(), 'jwt']) {
      expect(await token({ client_assertion: assertion, client_assertion_type: type }), type).toEqual(refused)
    }
    expect(await token({ client_assertion: assertion, client_assertion_type: clientAssertionType })).toEqual(accepted)
  })

  it('S5 answers 400 to an assertion beside a secret, in the body or the header, and to two assertions', async () => {
    const assertion = (): string => assertionBy(pair, good())
    expect(outcomeOf(await withAssertion(server, assertion(), { client_secret: scene.partner.secret }))).toEqual(malformed)
    const form = { grant_type: 'client_credentials', client_assertion_type: clientAssertionType, client_assertion: assertion() }
    expect(outcomeOf(await postForm(`${server.issuer}/oauth/v2/token`, form, basic(scene.partner.id, scene.partner.secret)))).toEqual(malformed)
    expect(outcomeOf(await postForm(`${server.issuer}/oauth/v2/token`, [...Object.entries(form), ['client_assertion', assertion()]]))).toEqual(malformed)
  })

  it('R11 (CVE-2026-16093) a client that signs is not satisfied by a secret, a bogus assertion, or both', async () => {
    const { secret } = await server.fixtures.addSecret(partner.id)
    const known = async (): Promise<boolean> => server.logs.some(({ cause }) => cause === `method client_secret_post not registered, for client_id ${partner.id}`)
    const post = { grant_type: 'client_credentials', client_id: partner.id, client_secret: secret }
    expect(await within(2, async () => {
      expect(outcomeOf(await postForm(`${server.issuer}/oauth/v2/token`, post))).toEqual(refused)
      return await known()
    })).toBe(true)
    expect(outcomeOf(await withAssertion(server, 'a.b.c', { client_id: partner.id, client_secret: secret }))).toEqual(malformed)
    for (const bogus of ['a.b.c', '{}', 'x', assertionBy(newPair(), good()), `${assertionBy(pair, good()).split('.').slice(0, 2).join('.')}.`]) {
      expect(outcomeOf(await withAssertion(server, bogus, { client_id: partner.id })), bogus.slice(0, 20)).toEqual(refused)
    }
  })

  it('R11 a client that has a secret does not authenticate by a key that was never registered', async () => {
    const { id } = scene.partner
    expect(outcomeOf(await withAssertion(server, assertionBy(pair, assertionClaims(server.issuer, id, now))))).toEqual(refused)
  })

  it('answers every refusal with one body', async () => {
    const answers = await Promise.all([ask({ aud: 'x' }), ask({ jti: undefined }), ask({ iss: 'cl_live_nobody', sub: 'cl_live_nobody' }), ask({ exp: 1 }), withAssertion(server, assertionBy(newPair(), good()))])
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    for (const { headers } of answers) expect(headers.get('WWW-Authenticate')).toBe('Basic realm="signet", charset="UTF-8"')
  })

  it('never logs an assertion', () => {
    expect(JSON.stringify(server.logs)).not.toMatch(/eyJ[\w-]{20}/)
  })
})
