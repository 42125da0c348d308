import { createHmac, createPublicKey, sign } from 'node:crypto'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSigningKey, type SigningKey } from '../../src/keys/signing-key.ts'
import { createSigningKeyStore } from '../../src/keys/store.ts'
import { signingAlgorithms, type SigningAlgorithm } from '../../src/oauth/signing-algorithms.ts'
import { prepare } from '../../src/setup/prepare.ts'
import { compact, partsOf, type Signer } from '../support/forged-tokens.ts'
import type { RegisteredClient } from '../support/fixtures.ts'
import { basic, introspect, known, postForm, requestToken, send, tokenOf, within, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const inactive = '{"active":false}'
const identifierOf = (algorithm: SigningAlgorithm): string => `https://${algorithm.toLowerCase()}.example.com`

describe('several signing algorithms at once (RFC 7518 §3, RFC 8037 §3.1)', () => {
  let server: TestServer
  let partner: RegisteredClient
  const apis = new Map<SigningAlgorithm, RegisteredClient>()

  beforeAll(async () => {
    server = await startTestServer({ environment: { SIGNING_ALGORITHMS: 'ES256,RS256,PS256,EdDSA' } })
    const { id: organizationId } = await server.fixtures.organization()
    for (const algorithm of signingAlgorithms) {
      const { id } = await server.fixtures.resource(identifierOf(algorithm), { [`${algorithm}:read`]: false })
      // ES256 is the default here: its resource asks for nothing.
      await server.database.resource.update({ where: { id }, data: { allowsMixing: true, signingAlgorithm: algorithm === 'ES256' ? null : algorithm } })
      apis.set(algorithm, await server.fixtures.client({ organizationId, resourceId: id }))
    }
    partner = await server.fixtures.client({ organizationId, scopes: signingAlgorithms.map((algorithm) => `${algorithm}:read`) })
    await known(server, partner)
  })
  afterAll(async () => { await server.stop() })

  function api (algorithm: SigningAlgorithm): RegisteredClient {
    const found = apis.get(algorithm)
    if (found === undefined) throw new Error(`no API for ${algorithm}`)
    return found
  }

  async function jwksOf (at: TestServer = server, prefix = ''): Promise<JSONWebKeySet> {
    return (await send(`${at.origin}${prefix}/oauth/v2/jwks`)).json as unknown as JSONWebKeySet // its own tests hold that it is one
  }

  async function keyFor (algorithm: SigningAlgorithm): Promise<SigningKey> {
    const row = (await createSigningKeyStore(server.database).readAll()).find((each) => each.algorithm === algorithm && each.environment === 'live')
    if (row === undefined) throw new Error(`no ${algorithm} key`)
    return await openSigningKey(row, server.prepared.sealer)
  }

  it('RFC 7517 §5 publishes one key for each, with exactly its public members, in each environment', async () => {
    for (const prefix of ['', '/test']) {
      const { keys } = await jwksOf(server, prefix)
      expect(Object.fromEntries(keys.map((jwk) => [jwk.alg, Object.keys(jwk).sort().join(' ')]))).toEqual({
        RS256: 'alg e kid kty n use', PS256: 'alg e kid kty n use', ES256: 'alg crv kid kty use x y', EdDSA: 'alg crv kid kty use x'
      })
      for (const jwk of keys) expect(createPublicKey({ key: jwk, format: 'jwk' }).type).toBe('public')
    }
    expect(new Set([...(await jwksOf()).keys, ...(await jwksOf(server, '/test')).keys].map(({ kid }) => kid)).size).toBe(8)
  })

  it.each(signingAlgorithms)('signs %s for a resource that asks for it or, as the first of the list, for one that asks for nothing', async (algorithm) => {
    const token = await tokenOf(server, partner, `${algorithm}:read`)
    const { protectedHeader } = await jwtVerify(token, createLocalJWKSet(await jwksOf()), { issuer: server.issuer, audience: identifierOf(algorithm), typ: 'at+jwt', algorithms: [algorithm] })
    expect(protectedHeader.alg).toBe(algorithm)
    expect((await introspect(server, api(algorithm), token)).json).toMatchObject({ active: true, aud: identifierOf(algorithm) })
  })

  it.each(signingAlgorithms)('RFC 9701 §5 signs an answer of introspection with %s for the API whose tokens are signed so', async (algorithm) => {
    const { id, secret } = api(algorithm)
    const { text } = await postForm(`${server.issuer}/oauth/v2/introspect`, { token: 'x' }, { ...basic(id, secret), Accept: 'application/token-introspection+jwt' })
    const { payload } = await jwtVerify(text, createLocalJWKSet(await jwksOf()), { audience: id, typ: 'token-introspection+jwt', algorithms: [algorithm] })
    expect(payload['token_introspection']).toEqual({ active: false })
  })

  it('RFC 9701 §7 says so in the metadata', async () => {
    expect((await send(`${server.issuer}/.well-known/oauth-authorization-server`)).json['introspection_signing_alg_values_supported']).toEqual(['ES256', 'RS256', 'PS256', 'EdDSA'])
  })

  it('RFC 8725 §3.1 takes no token whose alg is not that of its key, whatever signed it', async () => {
    for (const algorithm of signingAlgorithms) {
      const { header, claims } = partsOf(await tokenOf(server, partner, `${algorithm}:read`))
      const key = await keyFor(algorithm)
      const digest = algorithm === 'EdDSA' ? null : 'sha256'
      const own: Signer = (input) => sign(digest, Buffer.from(input), key.privateKey)
      for (const alg of ['none', 'HS256', ...signingAlgorithms].filter((each) => each !== algorithm)) {
        expect((await introspect(server, api(algorithm), compact({ ...header, alg }, claims, own))).text, `${algorithm} as ${alg}`).toBe(inactive)
      }
      const publicForms = [key.publicKey.export({ type: 'spki', format: 'pem' }), key.publicKey.export({ type: 'spki', format: 'der' }), JSON.stringify(key.publicJwk)]
      for (const secret of publicForms) {
        const forged = compact({ ...header, alg: 'HS256' }, claims, (input) => createHmac('sha256', secret).update(input).digest())
        expect((await introspect(server, api(algorithm), forged)).text, `S19 HS256 keyed with the public ${algorithm} key`).toBe(inactive)
      }
    }
  })

  it('RFC 7518 §3.4 takes an ES256 signature as two numbers side by side only, not in DER', async () => {
    const { header, claims } = partsOf(await tokenOf(server, partner, 'ES256:read'))
    const { privateKey } = await keyFor('ES256')
    const as = (dsaEncoding: 'der' | 'ieee-p1363'): string => compact(header, claims, (input) => sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding }))
    expect((await introspect(server, api('ES256'), as('ieee-p1363'))).json['active']).toBe(true)
    expect((await introspect(server, api('ES256'), as('der'))).text).toBe(inactive)
  })

  it('refuses one token for resources whose tokens are signed in different ways with invalid_target', async () => {
    const ask = (...algorithms: SigningAlgorithm[]): Promise<Answer> => postForm(`${server.issuer}/oauth/v2/token`, [
      ['client_id', partner.id], ['client_secret', partner.secret], ['scope', algorithms.map((each) => `${each}:read`).join(' ')], ...algorithms.map((each): [string, string] => ['resource', identifierOf(each)])
    ])
    const { status, json } = await ask('ES256', 'RS256')
    expect({ status, error: json['error'] }).toEqual({ status: 400, error: 'invalid_target' })
    await server.database.resource.update({ where: { identifier: identifierOf('PS256') }, data: { signingAlgorithm: 'ES256' } })
    expect(await within(1, async () => (await ask('ES256', 'PS256')).status === 200)).toBe(true)
    await server.database.resource.update({ where: { identifier: identifierOf('PS256') }, data: { signingAlgorithm: 'PS256' } })
    expect(await within(1, async () => (await ask('ES256', 'PS256')).status === 400)).toBe(true)
  })

  it('with an algorithm turned off, its tokens go on being active, and a resource that asks for it gets 503; the start and the log say why', async () => {
    const token = await tokenOf(server, partner, 'EdDSA:read')
    const without = await server.startSibling({ SIGNING_ALGORITHMS: 'RS256,PS256' })
    const said: string[] = []
    await prepare({ config: without.config, url: server.databaseUrl, embedded: false, clock: Date.now, progress: (line) => { said.push(line) } })
    expect(said).toEqual(['no tokens are issued for https://eddsa.example.com: it asks for EdDSA, which SIGNING_ALGORITHMS does not have'])
    expect((await jwksOf(without)).keys.map(({ kid }) => kid)).toContain(decodeProtectedHeader(token).kid)
    const { id, secret } = api('EdDSA')
    expect((await postForm(`${without.origin}/oauth/v2/introspect`, { token }, basic(id, secret))).json['active']).toBe(true)
    const answer = await postForm(`${without.origin}/oauth/v2/token`, { client_id: partner.id, client_secret: partner.secret, scope: 'EdDSA:read' })
    expect({ status: answer.status, error: answer.json['error'], retryAfter: Number(answer.headers.get('Retry-After')) > 0 }).toEqual({ status: 503, error: 'temporarily_unavailable', retryAfter: true })
    expect(without.logs.find(({ requestId }) => requestId === answer.headers.get('X-Request-Id'))?.['cause']).toBe('no active live key for EdDSA')
    const byDefault = await postForm(`${without.origin}/oauth/v2/token`, { client_id: partner.id, client_secret: partner.secret, scope: 'ES256:read' })
    expect(decodeProtectedHeader(String(byDefault.json['access_token'])).alg).toBe('RS256')
  })
})

describe('an algorithm that is added later', () => {
  let server: TestServer
  beforeAll(async () => { server = await startTestServer() })
  afterAll(async () => { await server.stop() })

  it('F13 gets one key in each environment, however many instances start with it at once; what was issued stays active', async () => {
    const { partner, api } = await server.fixtures.scene()
    await known(server, api)
    const before = await tokenOf(server, partner)
    const siblings = await Promise.all(Array.from({ length: 3 }, () => server.startSibling({ SIGNING_ALGORITHMS: 'PS256,RS256' })))
    const rows = await createSigningKeyStore(server.database).readAll()
    expect(rows.map(({ environment, algorithm }) => `${environment} ${algorithm}`).sort()).toEqual(['live PS256', 'live RS256', 'test PS256', 'test RS256'])
    for (const sibling of siblings) {
      const after = String((await postForm(`${sibling.origin}/oauth/v2/token`, { client_id: partner.id, client_secret: partner.secret, scope: 'tournaments:read' })).json['access_token'])
      expect(decodeProtectedHeader(after).alg).toBe('PS256')
      // The instance that knows nothing of the algorithm publishes its key and believes its tokens too.
      expect((await introspect(server, api, after)).json['active']).toBe(true)
      expect((await postForm(`${sibling.origin}/oauth/v2/introspect`, { token: before }, basic(api.id, api.secret))).json['active']).toBe(true)
    }
    expect(decodeProtectedHeader(await tokenOf(server, partner)).alg).toBe('RS256')
    expect((await requestToken(server, partner)).status).toBe(200)
  })
})
