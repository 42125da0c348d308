import { createHmac } from 'node:crypto'
import { exportSPKI, importJWK, type CryptoKey } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compact, partsOf, unsigned } from '../../support/forged-tokens.ts'
import { answer, audience, newKey, sign, startIssuer, type Changes, type TestIssuer } from './issuer.ts'
import { causesOf, refused } from './refused.ts'

let issuer: TestIssuer

beforeAll(async () => { issuer = await startIssuer() })
afterAll(async () => { await issuer.stop() })

function seconds (): number {
  return Math.floor(issuer.clock.now / 1_000)
}

describe('RFC 9068 §4 Validating JWT Access Tokens, by the verifier', () => {
  it('accepts a token of the issuer for this API, and gives its claims', async () => {
    const claims = await issuer.verifier().verify(await issuer.token(3))
    expect(claims).toMatchObject({ iss: issuer.name, aud: audience, client_id: 'cl_live_partner', org: 'org_games', scope: 'tournaments:read', status: { status_list: { idx: 3, uri: issuer.uri() } } })
  })

  it.each<[string, () => Changes]>([
    ['typ application/at+jwt', () => ({ header: { typ: 'application/at+jwt' } })],
    ['an aud that is a list with this API in it', () => ({ claims: { aud: ['https://other.example', audience] } })],
    ['no scope, where none is needed', () => ({ claims: { scope: undefined } })],
    ['an exp that is 4 seconds past, for clocks differ', () => ({ claims: { exp: seconds() - 4 } })],
    ['claims that nobody knows', () => ({ claims: { player_id: '7', something: { else: true } } })]
  ])('accepts a token with %s', async (_, changes) => {
    await expect(issuer.verifier().verify(await issuer.token(0, changes()))).resolves.toMatchObject({ client_id: 'cl_live_partner' })
  })

  it.each<[string, () => Changes]>([
    ['typ JWT', () => ({ header: { typ: 'JWT' } })],
    ['no typ', () => ({ header: { typ: undefined } })],
    ['the typ of a status list', () => ({ header: { typ: 'statuslist+jwt' } })],
    ['the typ of a proof', () => ({ header: { typ: 'dpop+jwt' } })],
    ['the typ of an answer of introspection', () => ({ header: { typ: 'token-introspection+jwt' } })],
    ['another issuer', () => ({ claims: { iss: 'https://evil.example' } })],
    ['the issuer with a slash behind it', () => ({ claims: { iss: `${issuer.name}/` } })],
    ['the issuer of the test environment', () => ({ claims: { iss: `${issuer.name}/test` } })],
    ['another audience', () => ({ claims: { aud: 'https://other.example' } })],
    ['the audience with a slash behind it', () => ({ claims: { aud: `${audience}/` } })],
    ['the audience in capitals', () => ({ claims: { aud: audience.toUpperCase() } })],
    ['a list of other audiences', () => ({ claims: { aud: ['https://other.example', `${audience}/v2`] } })],
    ['no audience', () => ({ claims: { aud: undefined } })],
    ['an exp that is text', () => ({ claims: { exp: String(seconds() + 60) } })],
    ['no exp', () => ({ claims: { exp: undefined } })],
    ['no iat', () => ({ claims: { iat: undefined } })],
    ['no jti', () => ({ claims: { jti: undefined } })],
    ['no sub', () => ({ claims: { sub: undefined } })],
    ['an empty sub', () => ({ claims: { sub: '' } })],
    ['no client_id', () => ({ claims: { client_id: undefined } })],
    ['a scope that is a list', () => ({ claims: { scope: ['tournaments:read'] } })],
    ['an nbf that is to come', () => ({ claims: { nbf: seconds() + 60 } })],
    ['no kid', () => ({ header: { kid: undefined } })],
    ['a kid of nobody', () => ({ header: { kid: 'nobody' } })]
  ])('answers 401 invalid_token to a token, truly signed, with %s', async (_, changes) => {
    const error = await refused(issuer.verifier().verify(await issuer.token(0, changes())))
    expect(error).toMatchObject({ code: 'invalid_token', status: 401, message: 'The access token is not one for this API.' })
  })

  it('says that a token has expired, for then another one helps', async () => {
    const error = await refused(issuer.verifier().verify(await issuer.token(0, { claims: { exp: seconds() - 5 } })))
    expect(error).toMatchObject({ code: 'invalid_token', message: 'The access token has expired: get another one.' })
    await expect(issuer.verifier({ clockToleranceSeconds: 10 }).verify(await issuer.token(0, { claims: { exp: seconds() - 5 } }))).resolves.toBeDefined()
  })
})

describe('RFC 8725 §3 Best Practices, by the verifier', () => {
  it('refuses alg none in any spelling, and a token without a signature', async () => {
    const { header, claims } = partsOf(await issuer.token())
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
      expect(await refused(issuer.verifier().verify(compact({ ...header, alg }, claims, unsigned)))).toMatchObject({ code: 'invalid_token' })
    }
    expect(await refused(issuer.verifier().verify(compact(header, claims, unsigned)))).toMatchObject({ code: 'invalid_token' })
  })

  it.each(['HS256', 'HS384', 'HS512'])('refuses %s keyed with the public key, and with a symmetric key that the JWKS holds', async (alg) => {
    const own = await startIssuer()
    const rsa = await newKey('rsa', 'RS256')
    own.publish(own.key, rsa, { ...rsa, kid: 'octets', publicJwk: { kty: 'oct', kid: 'octets', k: 'c2VjcmV0' } })
    const { header, claims } = partsOf(await own.token())
    const pem = await exportSPKI(await importJWK(rsa.publicJwk, 'RS256', { extractable: true }) as CryptoKey) // not symmetric
    for (const [kid, secret] of [['rsa', pem], ['first', JSON.stringify(own.key.publicJwk)], ['octets', 'secret']] as const) {
      const forged = compact({ ...header, alg, kid }, claims, (input) => createHmac(`sha${alg.slice(2)}`, secret).update(input).digest())
      expect(await refused(own.verifier().verify(forged))).toMatchObject({ code: 'invalid_token' })
    }
    await own.stop()
  })

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('accepts %s, with the key that the JWKS gives for it and no other', async (alg) => {
    const own = await startIssuer()
    const key = await newKey('other', alg)
    own.publish(own.key, key)
    await expect(own.verifier().verify(await own.token(0, { key }))).resolves.toBeDefined()
    expect(await refused(own.verifier().verify(await own.token(0, { key: { ...key, kid: 'first' } })))).toMatchObject({ code: 'invalid_token' })
    expect(await refused(own.verifier().verify(await own.token(0, { key: await newKey('other', alg) })))).toMatchObject({ code: 'invalid_token' })
    expect(await refused(own.verifier({ algorithms: [alg === 'ES256' ? 'RS256' : 'ES256'] }).verify(await own.token(0, { key })))).toMatchObject({ code: 'invalid_token' })
    await own.stop()
  })

  it('refuses a token that brings its own key or names where to get it, and asks nobody', async () => {
    const own = await startIssuer()
    const key = await newKey('first')
    own.serve('/evil', answer(200, JSON.stringify({ keys: [key.publicJwk] })))
    for (const header of [{ jwk: key.publicJwk }, { jku: `${own.name}/evil` }, { x5u: `${own.name}/evil` }]) {
      expect(await refused(own.verifier().verify(await own.token(0, { key, header })))).toMatchObject({ code: 'invalid_token' })
    }
    expect(own.requests('/evil')).toBe(0)
    await own.stop()
  })

  it('refuses an unknown crit', async () => {
    const { header, claims } = partsOf(await issuer.token())
    expect(await refused(issuer.verifier().verify(compact({ ...header, crit: ['exp'] }, claims, unsigned)))).toMatchObject({ code: 'invalid_token' })
  })

  it.each([['nothing', ''], ['a word', 'garbage'], ['a JWE', 'a.b.c.d.e'], ['a million dots', '.'.repeat(1_000_000)], ['JSON', '{"payload":"e30"}'], ['5 kB', 'a'.repeat(5_000)]])('answers 401 invalid_token to %s, and asks the issuer nothing', async (_, text) => {
    const own = await startIssuer()
    expect(await refused(own.verifier().verify(text))).toMatchObject({ code: 'invalid_token', status: 401 })
    expect(own.requests()).toBe(0)
    await own.stop()
  })

  it('keeps to itself what was wrong: the public sentence is the same, the cause is for the log', async () => {
    const one = await refused(issuer.verifier().verify(await issuer.token(0, { claims: { aud: 'https://other.example' } })))
    const other = await refused(issuer.verifier().verify(await sign({ typ: 'at+jwt' }, {}, await newKey('first'))))
    expect(one.message).toBe(other.message)
    expect(JSON.stringify([one.body, one.headers])).toBe(JSON.stringify([other.body, other.headers]))
    expect(causesOf(one)).toContain('"aud"')
    expect(causesOf(other)).toContain('signature')
  })
})
