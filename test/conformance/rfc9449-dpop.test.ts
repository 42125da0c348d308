import { randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { DpopSetting } from '../../src/clients/client.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { unsigned } from '../support/forged-tokens.ts'
import { createProof, createProofKeys, type KeyType, type ProofInput, type ProofKeys } from '../support/proofs.ts'
import { replayRaces } from '../support/races.ts'
import { exchange, jsonOf, rawForm } from '../support/raw-http.ts'
import { introspect, known, postForm, requestToken, tokenOf, within, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let scene: Scene
let off: RegisteredClient
let required: RegisteredClient
let now = Date.now()
const keys = createProofKeys()

beforeAll(async () => {
  server = await startTestServer({ clock: () => now })
  scene = await server.fixtures.scene()
  const register = (dpop: DpopSetting): Promise<RegisteredClient> => server.fixtures.client({ organizationId: scene.organization.id, scopes: ['tournaments:read'], dpop })
  off = await register('off')
  required = await register('required')
  await known(server, required)
})
beforeEach(() => { now = Date.now() })
afterAll(async () => { await server.stop() })

function proofOf (input: Partial<ProofInput> = {}): string {
  return createProof({ keys, htu: `${server.issuer}/oauth/v2/token`, now, ...input })
}

function askWith (proof: string, client = scene.partner, parameters: Readonly<Record<string, string>> = {}, at = server.origin): Promise<Answer> {
  return postForm(`${at}/oauth/v2/token`, { client_id: client.id, client_secret: client.secret, scope: 'tournaments:read', ...parameters }, { DPoP: proof })
}

async function expectBound (proof: string, { thumbprint }: ProofKeys = keys): Promise<void> {
  const { status, json, text } = await askWith(proof)
  expect(status, text).toBe(200)
  expect(json['token_type']).toBe('DPoP')
  expect(decodeJwt(String(json['access_token']))['cnf']).toEqual({ jkt: thumbprint })
}

async function expectRefused (proof: string, hint: string): Promise<void> {
  const { status, json } = await askWith(proof)
  expect({ status, error: json['error'] }).toEqual({ status: 400, error: 'invalid_dpop_proof' })
  expect(String(json['error_description'])).toContain(hint)
}

describe('RFC 9449 §5 Token request', () => {
  it('binds the token to the key of the proof: token_type DPoP, and cnf.jkt its thumbprint', async () => {
    const { status, json, headers } = await askWith(proofOf())
    expect(status).toBe(200)
    expect(Object.keys(json)).toEqual(['access_token', 'token_type', 'expires_in', 'scope'])
    expect(json['token_type']).toBe('DPoP')
    expect(decodeJwt(String(json['access_token']))['cnf']).toEqual({ jkt: keys.thumbprint })
    expect(headers.get('DPoP-Nonce')).toBeNull()
  })

  it('issues bearer tokens without cnf to whoever sends no proof', async () => {
    const { json } = await requestToken(server, scene.partner, { scope: 'tournaments:read' })
    expect(json['token_type']).toBe('Bearer')
    expect(decodeJwt(String(json['access_token']))).not.toHaveProperty('cnf')
  })

  it('§5.2 a client whose tokens are always bound gets none without a proof, and one with it', async () => {
    const { status, json } = await requestToken(server, required, { scope: 'tournaments:read' })
    expect({ status, error: json['error'] }).toEqual({ status: 400, error: 'invalid_dpop_proof' })
    expect((await askWith(proofOf(), required)).json['token_type']).toBe('DPoP')
  })

  it('a client whose tokens are never bound gets bearer ones, as token_type tells it', async () => {
    const { status, json } = await askWith(proofOf(), off)
    expect({ status, type: json['token_type'] }).toEqual({ status: 200, type: 'Bearer' })
    expect(decodeJwt(String(json['access_token']))).not.toHaveProperty('cnf')
  })

  it('a client that is changed to required is held to it within a second, by every process', async () => {
    const sibling = await server.startSibling()
    const partner = await server.fixtures.client({ organizationId: scene.organization.id, scopes: ['tournaments:read'] })
    await known(server, partner)
    await server.database.client.update({ where: { id: partner.id }, data: { dpop: 'required' } })
    for (const each of [server, { ...sibling, issuer: sibling.origin }]) expect(await within(1, async () => (await requestToken(each, partner)).json['error'] === 'invalid_dpop_proof')).toBe(true)
  })

  it.each<[string, KeyType]>([['ES256', 'P-256'], ['EdDSA', 'Ed25519'], ['Ed25519', 'Ed25519'], ['PS256', 2_048], ['RS256', 2_048], ['RS256', 4_096]])('takes proofs by %s with a key of %s', async (algorithm, type) => {
    const others = createProofKeys(algorithm, type)
    await expectBound(proofOf({ keys: others }), others)
  })

  it('§6.2 introspection tells the key and the type, and a bearer token has neither', async () => {
    const { json } = await askWith(proofOf())
    expect((await introspect(server, scene.api, String(json['access_token']))).json).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: keys.thumbprint } })
    const bearer = await introspect(server, scene.api, await tokenOf(server, scene.partner))
    expect(bearer.json).toMatchObject({ active: true, token_type: 'Bearer' })
    expect(bearer.json).not.toHaveProperty('cnf')
  })

  it('S49 the scheme cannot be switched: a bound token stays bound to its key whatever is asked with it', async () => {
    const token = String((await askWith(proofOf())).json['access_token'])
    const answer = await postForm(`${server.issuer}/oauth/v2/introspect`, { token, token_type_hint: 'bearer', client_id: scene.api.id, client_secret: scene.api.secret })
    expect(answer.json).toMatchObject({ token_type: 'DPoP', cnf: { jkt: keys.thumbprint } })
  })

  it('authenticates first: a good proof opens nothing without a good secret, and is not used up by that', async () => {
    const proof = proofOf()
    expect((await askWith(proof, { ...scene.partner, secret: 'wrong' })).json['error']).toBe('invalid_client')
    expect((await askWith(proof, scene.api)).json['error']).toBe('unauthorized_client')
    expect((await askWith(proof, scene.partner, { scope: 'unknown' })).json['error']).toBe('invalid_scope')
    await expectBound(proof)
  })
})

describe('RFC 9449 §4.3 Checking proofs', () => {
  it('S49 check 1: two DPoP headers are refused, on two lines and on one', async () => {
    const { id, secret } = scene.partner
    const body = new URLSearchParams({ client_id: id, client_secret: secret }).toString()
    const lines = [`DPoP: ${proofOf()}`, `DPoP: ${proofOf()}`, 'Connection: close']
    const { answers: [answer] } = await exchange(server.origin, rawForm('/oauth/v2/token', body, lines))
    expect({ status: answer?.status, error: answer === undefined ? undefined : jsonOf(answer)['error'] }).toEqual({ status: 400, error: 'invalid_dpop_proof' })
    await expectRefused(`${proofOf()}, ${proofOf()}`, 'compact form')
  })

  it('S49 check 2: what is no signed JWT in canonical compact form is refused', async () => {
    const proof = proofOf()
    const [header = '', claims = '', signature = ''] = proof.split('.')
    for (const text of ['x', 'a.b.c', `${header}.${claims}`, `${proof}.`, `${proof}=`, `${header}..${signature}`, `.${claims}.${signature}`, 'a.'.repeat(4_000), `${header}.${claims}.${'a'.repeat(9_000)}`]) await expectRefused(text, 'compact form')
    await expectRefused(createProof({ keys, htu: '', signer: unsigned }), 'compact form')
  })

  it.each(['jti', 'htm', 'htu', 'iat'])('S49 check 3: a proof without %s is refused, and one where it is of another type', async (claim) => {
    await expectRefused(proofOf({ claims: { [claim]: undefined } }), claim)
    await expectRefused(proofOf({ claims: { [claim]: ['POST'] } }), claim)
    await expectRefused(proofOf({ claims: { [claim]: claim === 'iat' ? String(Math.floor(now / 1000)) : '' } }), claim)
  })

  it('S49 check 4: any other typ is refused, so that no other JWT of the client is a proof', async () => {
    for (const typ of [undefined, 'JWT', 'at+jwt', 'dpop', 'DPOP+JWT', 'application/dpop+jwt', 1]) await expectRefused(proofOf({ header: { typ } }), 'typ')
  })

  it('S18 S19 S49 check 5: alg is an asymmetric one that the key is for', async () => {
    const rsa = createProofKeys('RS256', 2_048)
    for (const alg of [undefined, 'none', 'None', 'NONE', 'HS256', 'HS512', 'RS1', 'ES256K', 'ES512', 'toString', '__proto__']) await expectRefused(proofOf({ header: { alg } }), 'alg must be one of')
    await expectRefused(proofOf({ header: { alg: 'RS256' } }), 'its alg is not acceptable')
    await expectRefused(proofOf({ keys: rsa, header: { alg: 'ES256' } }), 'its alg is not acceptable')
    await expectRefused(proofOf({ keys: rsa, header: { alg: 'PS256', jwk: { ...rsa.jwk, alg: 'RS256' } } }), 'no key for PS256')
    await expectRefused(proofOf({ keys: rsa, header: { alg: 'PS256' } }), 'signature')
    await expectRefused(proofOf({ header: { jwk: { kty: 'oct', k: 'AAAA' }, alg: 'HS256' } }), 'alg must be one of')
  })

  it('S49 check 6: the signature is by the key in the proof', async () => {
    await expectRefused(proofOf({ signer: createProofKeys().signer }), 'signature')
    await expectRefused(proofOf({ signer: () => Buffer.alloc(64) }), 'signature')
    await expectRefused(proofOf({ signer: () => Buffer.alloc(1) }), 'signature')
    const [header = '', , signature = ''] = proofOf().split('.')
    const [, claims = ''] = proofOf({ claims: { jti: 'another' } }).split('.')
    await expectRefused(`${header}.${claims}.${signature}`, 'signature')
  })

  it('S49 check 7: a private or symmetric key inside is refused', async () => {
    await expectRefused(proofOf({ header: { jwk: keys.privateJwk } }), 'private')
    for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) await expectRefused(proofOf({ header: { jwk: { ...keys.jwk, [name]: 'AQAB' } } }), 'private')
  })

  it('S49 a proof without a key, with a key of no use, or with one in another spelling is refused', async () => {
    for (const jwk of [undefined, null, 'key', [], {}, { kty: 'EC' }, { ...keys.jwk, crv: 'P-384' }, { ...keys.jwk, x: 1 }]) await expectRefused(proofOf({ header: { jwk } }), 'jwk')
    await expectRefused(proofOf({ header: { jwk: { ...keys.jwk, x: keys.jwk['y'] } } }), 'no key') // not on the curve
    await expectRefused(proofOf({ header: { jwk: { ...keys.jwk, x: `${String(keys.jwk['x'])}=` } } }), 'its x is not acceptable')
    const spelledOtherwise = String(keys.jwk['x']).replace(/.$/, (last) => String.fromCharCode(last.charCodeAt(0) + 1))
    await expectRefused(proofOf({ header: { jwk: { ...keys.jwk, x: spelledOtherwise } } }), 'canonical')
    for (const more of [{ use: 'enc' }, { key_ops: ['sign'] }, { key_ops: 'verify' }, { alg: 'ES384' }]) await expectRefused(proofOf({ header: { jwk: { ...keys.jwk, ...more } } }), `its ${Object.keys(more)[0]} is not acceptable`)
    await expectBound(proofOf({ header: { jwk: { ...keys.jwk, use: 'sig', key_ops: ['verify'], alg: 'ES256', kid: 'mine', ext: true } } }))
  })

  it('an RSA key that is too small, too large or whose exponent is too small or too large is refused', async () => {
    await expectRefused(proofOf({ keys: createProofKeys('RS256', 1_024) }), '2048 to 4096')
    await expectRefused(proofOf({ keys: createProofKeys('RS256', 2_048, 3) }), 'exponent')
    const rsa = createProofKeys('RS256', 2_048)
    await expectRefused(proofOf({ keys: rsa, header: { jwk: { ...rsa.jwk, e: 'AQ' } } }), 'exponent')
    await expectRefused(proofOf({ keys: rsa, header: { jwk: { ...rsa.jwk, n: Buffer.alloc(700, 0xFF).toString('base64url') } } }), '2048 to 4096')
    await expectRefused(proofOf({ keys: rsa, header: { jwk: { ...rsa.jwk, e: Buffer.alloc(200, 0xFF).toString('base64url') } } }), 'exponent')
  })

  it('S21 a crit is refused; S20 jku, x5u, x5c and kid mean nothing', async () => {
    await expectRefused(proofOf({ header: { crit: ['b64'], b64: false } }), 'crit')
    await expectRefused(proofOf({ header: { crit: [] } }), 'crit')
    await expectBound(proofOf({ header: { jku: `${server.issuer}/oauth/v2/jwks`, x5u: 'https://127.0.0.1:1/', x5c: ['x'], kid: '../../x' } }))
  })

  it('S49 check 8: htm is the method of the request', async () => {
    for (const htm of ['GET', 'post', 'PUT', 'POST ']) await expectRefused(proofOf({ claims: { htm } }), 'htm')
  })

  it('S49 check 9: htu is the token endpoint of the issuer, whatever Host says', async () => {
    const { port } = new URL(server.issuer)
    const others = ['/oauth/v2/token', `${server.issuer}/oauth/v2/introspect`, `${server.issuer}/oauth/v2/token/`, `${server.issuer}/oauth/v2/TOKEN`, `https://127.0.0.1:${port}/oauth/v2/token`, `http://localhost:${port}/oauth/v2/token`, 'http://127.0.0.1/oauth/v2/token', `http://u:p@127.0.0.1:${port}/oauth/v2/token`, server.issuer.replace('127', '[127'), `${server.issuer}\\oauth\\v2\\token`]
    for (const htu of others) await expectRefused(proofOf({ htu }), 'htu')
    const elsewhere = createProof({ keys, htu: 'http://evil.example/oauth/v2/token', now })
    const { id, secret } = scene.partner
    const raw = await exchange(server.origin, rawForm('/oauth/v2/token', new URLSearchParams({ client_id: id, client_secret: secret }).toString(), [`DPoP: ${elsewhere}`, 'X-Forwarded-Host: evil.example', 'Connection: close']))
    expect(raw.answers[0]?.status).toBe(400)
  })

  it('S49 check 9: query and fragment of htu do not count, case, dot segments and percent-encoding are normalized', async () => {
    const { issuer } = server
    for (const htu of [`${issuer}/oauth/v2/token?a=b`, `${issuer}/oauth/v2/token#x`, `${issuer.replace('http', 'HTTP')}/oauth/v2/token`, `${issuer}/oauth/./v2/x/../token`, `${issuer}/%6fauth/v2/%74oken`, `${issuer}/oauth%2Dx/../oauth/v2/token`]) await expectBound(proofOf({ htu }))
  })

  it('S49 check 11: iat one hour off is refused, 10 s off is fine, and nothing is older than a minute', async () => {
    const at = (seconds: number): string => proofOf({ claims: { iat: Math.floor(now / 1000) + seconds } })
    for (const seconds of [-3_600, -62]) await expectRefused(at(seconds), 'older than 60 seconds')
    for (const seconds of [3_600, 62]) await expectRefused(at(seconds), 'in the future')
    for (const seconds of [-58, -10, 0, 10, 58]) await expectBound(at(seconds))
    for (const iat of [-1, 1e300, now]) await expectRefused(proofOf({ claims: { iat } }), 'iat')
  })

  it('S25 an exp in the past and an nbf in the future are heeded', async () => {
    const seconds = Math.floor(now / 1000)
    await expectRefused(proofOf({ claims: { exp: seconds - 1 } }), 'exp')
    await expectRefused(proofOf({ claims: { exp: 'soon' } }), 'exp')
    await expectRefused(proofOf({ claims: { nbf: seconds + 3_600 } }), 'nbf')
    await expectBound(proofOf({ claims: { exp: seconds + 30, nbf: seconds } }))
  })
})

describe('RFC 9449 §11.1 Replay', () => {
  it('S49 a proof works once, also at another process, also for another client', async () => {
    const proof = proofOf()
    const sibling = await server.startSibling()
    await expectBound(proof)
    await expectRefused(proof, 'used before')
    expect((await askWith(proof, scene.partner, {}, sibling.origin)).json['error']).toBe('invalid_dpop_proof')
    expect((await askWith(proof, required)).json['error']).toBe('invalid_dpop_proof')
  })

  it('S29 of 50 uses at the same moment, at two processes, one wins', { timeout: 20_000 * replayRaces }, async () => {
    const sibling = await server.startSibling()
    for (let race = 0; race < replayRaces; race += 1) {
      const proof = proofOf()
      const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => askWith(proof, scene.partner, {}, index % 2 === 0 ? server.origin : sibling.origin)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(answers.filter(({ json }) => json['error'] === 'invalid_dpop_proof')).toHaveLength(49)
    }
  })

  it('a jti is one key\'s own: another key may use the same', async () => {
    const jti = randomUUID()
    const others = createProofKeys()
    await expectBound(proofOf({ claims: { jti } }))
    await expectBound(proofOf({ keys: others, claims: { jti } }), others)
    await expectRefused(proofOf({ claims: { jti } }), 'used before')
  })

  it('a refused proof uses nothing up, and what is stored is a digest that goes when the proof is too old', async () => {
    const jti = randomUUID()
    await expectRefused(proofOf({ claims: { jti, htm: 'GET' } }), 'htm')
    await expectBound(proofOf({ claims: { jti } }))
    const rows = await server.database.usedIdentifier.findMany({ where: { owner: keys.thumbprint } })
    expect(rows.length).toBeGreaterThan(0)
    for (const { digest, expiresAt } of rows) {
      expect(Buffer.from(digest)).toHaveLength(32)
      expect(expiresAt.getTime()).toBeLessThan(now + 240_000)
    }
  })

  it.each([
    ['the client was disabled', ({ id }: RegisteredClient) => server.database.client.update({ where: { id }, data: { disabledAt: new Date(now) } }), 401],
    ['its secret was revoked', ({ id }: RegisteredClient) => server.database.clientSecret.updateMany({ where: { clientId: id }, data: { revokedAt: new Date(now) } }), 401],
    ['it was moved to another method', ({ id }: RegisteredClient) => server.database.client.update({ where: { id }, data: { authenticationMethods: ['private_key_jwt'] } }), 401],
    ['its grant was taken', ({ id }: RegisteredClient) => server.database.client.update({ where: { id }, data: { grants: [] } }), 400],
    ['its scope was taken', ({ id }: RegisteredClient) => server.database.clientScope.deleteMany({ where: { clientId: id } }), 400],
    ['its tokens are bound to a certificate from then on', ({ id }: RegisteredClient) => server.database.client.update({ where: { id }, data: { certificateBoundTokens: true } }), 400]
  ] as const)('R21 no token leaves when %s while the use of the proof waited for the database', async (_what, change, refusal) => {
    const client = await server.fixtures.client({ organizationId: scene.organization.id, scopes: ['tournaments:read'] })
    await known(server, client)
    const waiting = await server.database.$transaction(async (session) => {
      await session.$executeRaw`LOCK TABLE used_identifiers IN ACCESS EXCLUSIVE MODE`
      const answer = askWith(proofOf(), client)
      await within(2, async () => (await session.$queryRaw<unknown[]>`SELECT FROM pg_locks WHERE relation = 'used_identifiers'::regclass AND NOT granted`).length === 1)
      await change(client)
      expect(await within(2, async () => (await requestToken(server, client)).status === refusal)).toBe(true)
      return [answer] // a promise alone would be waited for here
    })
    const { status, json } = await (waiting[0] ?? Promise.reject(new Error('nothing was asked')))
    expect({ status, error: json['error'] }).toEqual({ status: 503, error: 'temporarily_unavailable' })
  })

  it('the first use of a secret, which stores its verifier meanwhile, is no change that stops a token', async () => {
    const register = (): Promise<RegisteredClient> => server.fixtures.client({ organizationId: scene.organization.id, scopes: ['tournaments:read'] })
    const client = await register()
    await known(server, await register())
    const waiting = await server.database.$transaction(async (session) => {
      await session.$executeRaw`LOCK TABLE used_identifiers IN ACCESS EXCLUSIVE MODE`
      const answer = askWith(proofOf(), client)
      const stored = async (): Promise<boolean> => (await server.database.clientSecret.findFirst({ where: { clientId: client.id } }))?.verifier != null
      expect(await within(2, stored)).toBe(true)
      await known(server, await register()) // what changed before it is known as well
      return [answer]
    })
    expect((await waiting[0])?.status).toBe(200)
  })

  it('answers 503, and issues nothing, while the use of a proof cannot be stored', async () => {
    await server.database.$executeRaw`ALTER TABLE used_identifiers RENAME TO used_identifiers_away`
    const answers = [await askWith(proofOf()), await requestToken(server, scene.partner)]
    await server.database.$executeRaw`ALTER TABLE used_identifiers_away RENAME TO used_identifiers`
    expect(answers.map(({ status, json }) => [status, json['error']])).toEqual([[503, 'temporarily_unavailable'], [200, undefined]])
    expect(answers[0]?.headers.get('Retry-After')).toMatch(/^\d+$/)
    await expectBound(proofOf())
  })
})
