import { constants, sign } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../../src/clients/client.ts'
import { jwtBearerGrant } from '../../src/oauth/grant-types.ts'
import { assertionBy, assertionClaims, assertionFor, newPair, signerOf, withAssertion, type Pair } from '../support/assertions.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { compact, type Part, type Signer } from '../support/forged-tokens.ts'
import { createProof, createProofKeys } from '../support/proofs.ts'
import { introspect, postForm, requestToken, within, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let scene: Scene
let partner: Client
let login: RegisteredClient
const ec = newPair('ES256', 'ec')
const pss = newPair('PS256', 'pss')

beforeAll(async () => {
  server = await startTestServer()
  scene = await server.fixtures.scene()
  const { id: organizationId } = scene.organization
  login = await server.fixtures.client({ organizationId, type: 'jwt', scopes: ['tournaments:read'], dpop: 'required' })
  partner = await server.fixtures.signingClient({ organizationId, keys: [ec, pss] })
  if (!await within(2, async () => await statusOf(assertionBy(ec, good())) === 200)) throw new Error('the client stayed unknown')
})
afterAll(async () => { await server.stop() })

function good (): Part {
  return assertionClaims(server.issuer, partner.id, Date.now())
}

async function statusOf (assertion: string): Promise<number> {
  return (await withAssertion(server, assertion)).status
}

/** A JWT of exactly these octets. */
function ofOctets (header: string | Buffer, claims: string | Buffer, pair: Pair = ec): string {
  const signingInput = [header, claims].map((part) => Buffer.from(part).toString('base64url')).join('.')
  return `${signingInput}.${signerOf(pair)(signingInput).toString('base64url')}`
}

/** JSON with one more member before the others, or behind them. */
function withMember (part: Part, member: string, isFirst: boolean): string {
  const inner = JSON.stringify(part).slice(1, -1)
  return `{${isFirst ? `${member},${inner}` : `${inner},${member}`}}`
}

describe('RFC 7515 §4, RFC 7519 §4 two members of one name', () => {
  const header = { alg: 'ES256', kid: 'ec' }

  it('count as the last one alone, in the header and in the claims, whoever reads', async () => {
    expect(await statusOf(ofOctets(withMember(header, '"alg":"none"', true), JSON.stringify(good())))).toBe(200)
    expect(await statusOf(ofOctets(withMember(header, '"alg":"none"', false), JSON.stringify(good())))).toBe(401)
    for (const member of ['"sub":"cl_live_somebody"', '"aud":"https://elsewhere.example"', '"exp":1']) {
      expect(await statusOf(ofOctets(JSON.stringify(header), withMember(good(), member, true))), member).toBe(200)
      expect(await statusOf(ofOctets(JSON.stringify(header), withMember(good(), member, false))), member).toBe(401)
    }
  })

  it('named like a member of every object are members like any other', async () => {
    expect(await statusOf(ofOctets(JSON.stringify(header), withMember(good(), '"__proto__":{"jti":"x"}', true)))).toBe(200)
    expect(await statusOf(ofOctets(JSON.stringify(header), withMember({ ...good(), jti: undefined }, '"__proto__":{"jti":"x"}', true)))).toBe(401)
  })
})

describe('RFC 8725 §3.7 UTF-8', () => {
  it('is what header and claims are in, without a byte order mark and without a mistake', async () => {
    const [header, claims] = [JSON.stringify({ alg: 'ES256', kid: 'ec' }), (): string => JSON.stringify({ ...good(), note: 'é' })]
    expect(await statusOf(ofOctets(header, claims()))).toBe(200)
    for (const encode of [(text: string) => Buffer.from(text, 'latin1'), (text: string) => Buffer.from(text, 'utf16le'), (text: string) => Buffer.from(`\uFEFF${text}`)]) {
      expect(await statusOf(ofOctets(header, encode(claims())))).toBe(401)
      expect(await statusOf(ofOctets(encode(header.replace('ec', 'é')), claims()))).toBe(401)
    }
  })
})

describe('RFC 7519 claims', () => {
  it('§2 may be dates with a fraction of a second', async () => {
    const seconds = Date.now() / 1000
    expect(await statusOf(assertionBy(ec, { ...good(), exp: seconds + 30.25, iat: seconds - 0.5, nbf: seconds - 0.5 }))).toBe(200)
  })

  it('§4 that nobody here knows are ignored', async () => {
    expect(await statusOf(assertionBy(ec, { ...good(), 'https://example.com/claim': { deep: [1] }, admin: true, scope: 'everything' }))).toBe(200)
  })
})

describe('RFC 7518 §3.5 PS256', () => {
  const salted = ({ privateKey }: Pair, saltLength: number): Signer => (input) => sign('sha256', Buffer.from(input), { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })

  it('has a salt that is as long as the hash, in assertions and in proofs', async () => {
    const proofKeys = createProofKeys('PS256', 2_048)
    for (const [saltLength, status] of [[32, 200], [20, 401], [0, 401], [222, 401]] as const) {
      expect(await statusOf(compact({ alg: 'PS256', kid: 'pss' }, good(), salted(pss, saltLength))), String(saltLength)).toBe(status)
      const proof = createProof({ keys: { ...proofKeys, jwk: { ...pss.publicKey.export({ format: 'jwk' }) } }, htu: `${server.issuer}/oauth/v2/token`, signer: salted(pss, saltLength) })
      const answer = await postForm(`${server.issuer}/oauth/v2/token`, { client_id: scene.partner.id, client_secret: scene.partner.secret, scope: 'tournaments:read' }, { DPoP: proof })
      expect(answer.status, String(saltLength)).toBe(status === 200 ? 200 : 400)
    }
  })
})

describe('RFC 9449 §5 tokens of JWT clients', () => {
  const keys = createProofKeys()

  async function exchange (proof?: string): Promise<Answer> {
    const assertion = assertionFor('player-1001', login, server.issuer, Date.now())
    return await postForm(`${server.issuer}/oauth/v2/token`, { grant_type: jwtBearerGrant, assertion }, proof === undefined ? {} : { DPoP: proof })
  }

  it('R46 are bound to the key of the proof by either grant, and none is issued without where that is required', async () => {
    const proof = (): string => createProof({ keys, htu: `${server.issuer}/oauth/v2/token` })
    for (const answer of [await exchange(proof()), await postForm(`${server.issuer}/oauth/v2/token`, { client_id: login.id, client_secret: login.secret, player_id: 'player-1001' }, { DPoP: proof() })]) {
      expect(answer.json['token_type'], answer.text).toBe('DPoP')
      const token = String(answer.json['access_token'])
      expect(decodeJwt(token)).toMatchObject({ cnf: { jkt: keys.thumbprint }, player_id: 'player-1001' })
      expect((await introspect(server, scene.api, token)).json).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: keys.thumbprint } })
    }
    for (const answer of [await exchange(), await requestToken(server, login, { player_id: 'player-1001' })]) expect({ status: answer.status, error: answer.json['error'] }).toEqual({ status: 400, error: 'invalid_dpop_proof' })
  })
})

describe('RFC 9700 §4.15 a player that is called like a client', () => {
  it('is no client: sub is never a client id, by either grant', async () => {
    const proof = (): string => createProof({ keys: createProofKeys(), htu: `${server.issuer}/oauth/v2/token` })
    const assertion = assertionFor(scene.partner.id, login, server.issuer, Date.now())
    const answers = [
      await postForm(`${server.issuer}/oauth/v2/token`, { grant_type: jwtBearerGrant, assertion }, { DPoP: proof() }),
      await postForm(`${server.issuer}/oauth/v2/token`, { client_id: login.id, client_secret: login.secret, player_id: scene.partner.id }, { DPoP: proof() })
    ]
    for (const { json, text } of answers) {
      const token = String(json['access_token'])
      expect(decodeJwt(token), text).toMatchObject({ sub: `${scene.organization.id}:${scene.partner.id}`, client_id: login.id, player_id: scene.partner.id })
      expect((await postForm(`${server.issuer}/oauth/v2/revoke`, { token, client_id: scene.partner.id, client_secret: scene.partner.secret })).json['error']).toBe('unauthorized_client')
    }
  })
})
