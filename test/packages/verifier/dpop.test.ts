import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TokenRequest, Verifier } from '../../../packages/verifier/src/index.ts'
import { createProof, createProofKeys, type ProofInput } from '../../support/proofs.ts'
import { bearer, newKey, startIssuer, type TestIssuer } from './issuer.ts'
import { refused } from './refused.ts'

const url = 'https://api.example.com/v1'
const keys = createProofKeys()
const otherKeys = createProofKeys()

let issuer: TestIssuer
let verifier: Verifier
let token: string

beforeAll(async () => {
  issuer = await startIssuer()
  verifier = issuer.verifier({ realm: 'games', dpop: { url } })
  token = await bound({ jkt: keys.thumbprint })
})
afterAll(async () => { await issuer.stop() })

function bound (cnf: unknown): Promise<string> {
  return issuer.token(0, { claims: { cnf } })
}

function hash (text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('base64url')
}

function proof (input: Partial<ProofInput> = {}, of = token): string {
  return createProof({ keys, htu: `${url}/tournaments`, now: issuer.clock.now, ...input, claims: { htm: 'GET', ath: hash(of), ...input.claims } })
}

function request (header: string | undefined, { of = token, ...others }: Partial<TokenRequest> & { readonly of?: string } = {}): TokenRequest {
  return { method: 'GET', url: '/tournaments?page=2', headers: { authorization: `DPoP ${of}`, ...header === undefined ? {} : { dpop: header } }, ...others }
}

function seconds (): number {
  return Math.floor(issuer.clock.now / 1_000)
}

describe('RFC 9449 §7.1 a token that is bound to a key', () => {
  it('is accepted with a proof for this very request', async () => {
    await expect(verifier.verify(request(proof()), { scope: 'tournaments:read' })).resolves.toMatchObject({ cnf: { jkt: keys.thumbprint } })
  })

  it.each<[string, () => TokenRequest]>([
    ['htu in another spelling of the same URL', () => request(proof({ htu: 'HTTPS://API.example.com:443/v1/./%74ournaments?x#y' }))],
    ['another method, when it is the request\'s', () => request(proof({ claims: { htm: 'DELETE' } }), { method: 'DELETE' })],
    ['the URL that a router cut', () => request(proof(), { url: '/', originalUrl: '/tournaments' })],
    ['a request line with a whole URL, whose host is not asked', () => request(proof(), { url: 'http://10.0.0.1/tournaments' })],
    ['an iat that is 60 seconds old', () => request(proof({ claims: { iat: seconds() - 60 } }))],
    ['an iat that is 5 seconds ahead', () => request(proof({ claims: { iat: seconds() + 5 } }))],
    ['a nonce that nobody asked for', () => request(proof({ claims: { nonce: 'abc' } }))],
    ['the scheme in another case', () => request(proof(), { headers: { authorization: `dpop ${token}`, dpop: proof() } })]
  ])('is accepted with %s', async (_, make) => {
    await expect(verifier.verify(make())).resolves.toBeDefined()
  })

  it.each(['RS256', 'PS256', 'EdDSA'])('is accepted with a proof by a key for %s', async (algorithm) => {
    const others = createProofKeys(algorithm, algorithm === 'EdDSA' ? 'Ed25519' : 2_048)
    const of = await bound({ jkt: others.thumbprint })
    await expect(verifier.verify(request(proof({ keys: others }, of), { of }))).resolves.toBeDefined()
  })

  it.each<[string, () => TokenRequest]>([
    ['no proof', () => request(undefined)],
    ['two proofs', () => request(`${proof()}, ${proof()}`)],
    ['two proofs as a list', () => request(undefined, { headers: { authorization: `DPoP ${token}`, dpop: [proof(), proof()] } })],
    ['two DPoP headers, of which a proxy shows one', () => request(proof(), { rawHeaders: ['DPoP', 'a', 'dpop', 'b'] })],
    ['garbage', () => request('garbage')],
    ['a proof of 8 kB', () => request(proof({ claims: { padding: 'a'.repeat(8_192) } }))],
    ['a proof by another key', () => request(proof({ keys: otherKeys }))],
    ['a proof that names the key and is signed by another', () => request(proof({ signer: otherKeys.signer }))],
    ['another typ', () => request(proof({ header: { typ: 'JWT' } }))],
    ['alg none', () => request(proof({ header: { alg: 'none' } }))],
    ['a symmetric alg', () => request(proof({ header: { alg: 'HS256' } }))],
    ['a private key in it', () => request(proof({ header: { jwk: keys.privateJwk } }))],
    ['no key in it', () => request(proof({ header: { jwk: undefined } }))],
    ['an unknown crit', () => request(proof({ header: { crit: ['x'], x: 1 } }))],
    ['another htm', () => request(proof({ claims: { htm: 'POST' } }))],
    ['htm in another case', () => request(proof({ claims: { htm: 'get' } }))],
    ['another path in htu', () => request(proof({ htu: `${url}/players` }))],
    ['htu without the path that the API is mounted at', () => request(proof({ htu: 'https://api.example.com/tournaments' }))],
    ['another host in htu, which the Host header names too', () => request(proof({ htu: 'https://evil.example/v1/tournaments' }), { headers: { host: 'evil.example', authorization: `DPoP ${token}`, dpop: proof({ htu: 'https://evil.example/v1/tournaments' }) } })],
    ['htu over http', () => request(proof({ htu: `${url.replace('https', 'http')}/tournaments` }))],
    ['htu that is no URL', () => request(proof({ htu: '/tournaments' }))],
    ['an iat that is 66 seconds old', () => request(proof({ claims: { iat: seconds() - 66 } }))],
    ['an iat that is 7 seconds ahead', () => request(proof({ claims: { iat: seconds() + 7 } }))],
    ['an exp that is past', () => request(proof({ claims: { exp: seconds() - 6 } }))],
    ['no iat', () => request(proof({ claims: { iat: undefined } }))],
    ['no jti', () => request(proof({ claims: { jti: undefined } }))],
    ['an empty jti', () => request(proof({ claims: { jti: '' } }))],
    ['a jti that is a number', () => request(proof({ claims: { jti: 1 } }))],
    ['no ath', () => request(proof({ claims: { ath: undefined } }))],
    ['the ath of another token', () => request(proof({ claims: { ath: hash('another') } }))]
  ])('answers 401 invalid_dpop_proof to %s', async (_, make) => {
    const error = await refused(verifier.verify(make()))
    expect(error).toMatchObject({ code: 'invalid_dpop_proof', status: 401, body: { error: 'invalid_dpop_proof' } })
    expect(error.challenge).toMatch(/^DPoP realm="games", error="invalid_dpop_proof", error_description="[^"]+", algs="RS256 PS256 ES256 EdDSA Ed25519"$/)
  })

  it('takes a proof once, by its jti and its key, for as long as its iat is good', async () => {
    const own = await startIssuer()
    own.clock.now = Math.floor(own.clock.now / 1_000) * 1_000 // so that the last moment can be met
    const taking = own.verifier({ dpop: { url } })
    const of = await own.token(0, { claims: { cnf: { jkt: keys.thumbprint } } })
    const jti = randomUUID()
    const once = createProof({ keys, htu: `${url}/tournaments`, now: own.clock.now + 5_000, claims: { htm: 'GET', ath: hash(of), jti } })
    await taking.verify(request(once, { of }))
    for (const later of [0, 30_000, 40_000]) {
      own.clock.now += later
      expect((await refused(taking.verify(request(once, { of })))).message).toContain('was used before')
    }
    own.clock.now += 6_000
    expect((await refused(taking.verify(request(once, { of })))).message).toContain('older than 60 seconds')
    const again = createProof({ keys, htu: `${url}/tournaments`, now: own.clock.now, claims: { htm: 'GET', ath: hash(of) } })
    await expect(taking.verify(request(again, { of }))).resolves.toBeDefined()
    const others = await own.token(0, { claims: { cnf: { jkt: otherKeys.thumbprint } } })
    const sameJti = createProof({ keys: otherKeys, htu: `${url}/tournaments`, now: own.clock.now, claims: { htm: 'GET', ath: hash(others), jti } })
    await expect(taking.verify(request(sameJti, { of: others })), 'of another key').resolves.toBeDefined()
    await own.stop()
  })

  it('takes a proof with any algorithm, whatever the API wants of its tokens', async () => {
    const rsa = await newKey('rsa', 'RS256')
    issuer.publish(issuer.key, rsa)
    const of = await issuer.token(0, { key: rsa, claims: { cnf: { jkt: keys.thumbprint } } })
    await expect(issuer.verifier({ dpop: { url }, algorithms: ['RS256'] }).verify(request(proof({}, of), { of }))).resolves.toBeDefined()
  })

  it('answers 503 when it cannot remember another proof, and forgets those that are too old', async () => {
    const small = issuer.verifier({ dpop: { url, maxProofs: 2 } })
    await small.verify(request(proof()))
    await small.verify(request(proof()))
    expect(await refused(small.verify(request(proof())))).toMatchObject({ code: 'temporarily_unavailable', status: 503 })
    issuer.clock.now += 70_001
    await expect(small.verify(request(proof()))).resolves.toBeDefined()
  })
})

describe('RFC 9449 §7.2 a bound token is no bearer token', () => {
  it('answers 401 and asks for DPoP when it comes as Bearer, with a proof and without, or by itself', async () => {
    for (const input of [bearer(token), { ...request(proof()), headers: { authorization: `Bearer ${token}`, dpop: proof() } }, token]) {
      const error = await refused(verifier.verify(input))
      expect(error).toMatchObject({ code: 'invalid_token', status: 401 })
      expect(error.challenge).toMatch(/^DPoP realm="games", error="invalid_token", /)
    }
  })

  it('answers 401 to a token that is bound to nothing and comes as DPoP', async () => {
    const of = await issuer.token()
    expect(await refused(verifier.verify(request(proof({}, of), { of })))).toMatchObject({ code: 'invalid_token' })
    await expect(verifier.verify(bearer(of)), 'as Bearer it is good').resolves.toBeDefined()
  })

  it('names both schemes to whoever comes without a token', async () => {
    expect((await refused(verifier.verify({ headers: {} }))).challenge).toBe('Bearer realm="games", DPoP realm="games", algs="RS256 PS256 ES256 EdDSA Ed25519"')
  })

  it('refuses a bound token where the option dpop is not given', async () => {
    expect(await refused(issuer.verifier().verify(bearer(token)))).toMatchObject({ code: 'invalid_token' })
  })

  it.each<[string, unknown]>([['a kind of binding that nobody knows', { kid: 'x' }], ['one that it knows and one that it does not', { jkt: keys.thumbprint, jwe: 'x' }], ['nothing', {}], ['null', null], ['a list', []], ['a number for a key', { jkt: 1 }]])('refuses a token that is bound to %s', async (_, cnf) => {
    const of = await bound(cnf)
    expect(await refused(verifier.verify(request(proof({}, of), { of })))).toMatchObject({ code: 'invalid_token' })
    expect(await refused(verifier.verify(bearer(of)))).toMatchObject({ code: 'invalid_token' })
  })
})

describe('RFC 8705 §3 a token that is bound to a certificate', () => {
  const certificate = Buffer.from('the DER of a certificate')

  it('is accepted with that certificate, and with no other and none', async () => {
    const of = await bound({ 'x5t#S256': hash(certificate) })
    await expect(verifier.verify(bearer(of), { certificate })).resolves.toBeDefined()
    for (const wrong of [undefined, Buffer.alloc(0), Buffer.from('another')]) {
      expect(await refused(verifier.verify(bearer(of), { certificate: wrong }))).toMatchObject({ code: 'invalid_token', status: 401 })
    }
  })

  it('is good without the binding when the token has none, whatever certificate comes', async () => {
    await expect(verifier.verify(bearer(await issuer.token()), { certificate })).resolves.toBeDefined()
  })

  it('needs both where it is bound to a key too', async () => {
    const of = await bound({ jkt: keys.thumbprint, 'x5t#S256': hash(certificate) })
    await expect(verifier.verify(request(proof({}, of), { of }), { certificate })).resolves.toBeDefined()
    expect(await refused(verifier.verify(request(proof({}, of), { of })))).toMatchObject({ code: 'invalid_token' })
    expect(await refused(verifier.verify(bearer(of), { certificate }))).toMatchObject({ code: 'invalid_token' })
  })

  it.each([['text that is none', 'x'], ['a number', 7]])('is refused when the thumbprint is %s', async (_, thumbprint) => {
    expect(await refused(verifier.verify(bearer(await bound({ 'x5t#S256': thumbprint })), { certificate }))).toMatchObject({ code: 'invalid_token' })
  })
})
