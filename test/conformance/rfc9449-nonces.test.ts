import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { createProof, createProofKeys, type ProofInput } from '../support/proofs.ts'
import { known, postForm, requestToken, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

describe('RFC 9449 §8 Authorization server-provided nonce, with DPOP_NONCE=true', () => {
  let server: TestServer
  let scene: Scene
  let off: RegisteredClient
  let now = Date.now()
  const keys = createProofKeys()

  beforeAll(async () => {
    server = await startTestServer({ clock: () => now, environment: { DPOP_NONCE: 'true' } })
    scene = await server.fixtures.scene()
    off = await server.fixtures.client({ organizationId: scene.organization.id, dpop: 'off' })
    await known(server, off)
  })
  beforeEach(() => { now = Date.now() })
  afterAll(async () => { await server.stop() })

  function ask (claims: ProofInput['claims'] = {}, client = scene.partner, at = server.origin): Promise<Answer> {
    const proof = createProof({ keys, htu: `${server.issuer}/oauth/v2/token`, now, claims })
    return postForm(`${at}/oauth/v2/token`, { client_id: client.id, client_secret: client.secret, scope: 'tournaments:read' }, { DPoP: proof })
  }

  async function freshNonce (): Promise<string> {
    return (await ask()).headers.get('DPoP-Nonce') ?? ''
  }

  it('asks for a nonce with use_dpop_nonce and a header that no cache keeps', async () => {
    const { status, json, headers } = await ask()
    expect({ status, error: json['error'] }).toEqual({ status: 400, error: 'use_dpop_nonce' })
    expect(headers.get('DPoP-Nonce')).toMatch(/^[\x21\x23-\x5B\x5D-\x7E]+$/)
    expect(headers.get('Cache-Control')).toBe('no-store')
  })

  it('takes a proof with the nonce, and answers with the one for the next', async () => {
    const { status, json, headers } = await ask({ nonce: await freshNonce() })
    expect({ status, type: json['token_type'] }).toEqual({ status: 200, type: 'DPoP' })
    const next = headers.get('DPoP-Nonce') ?? ''
    expect((await ask({ nonce: next })).status).toBe(200)
  })

  it('takes the nonce that another process gave, for they need not meet', async () => {
    const sibling = await server.startSibling()
    expect((await ask({ nonce: await freshNonce() }, scene.partner, sibling.origin)).status).toBe(200)
  })

  it('takes a nonce for two minutes at least and six at most, and then names a new one', async () => {
    const nonce = await freshNonce()
    now += 119_000
    expect((await ask({ nonce })).status).toBe(200)
    now += 242_000
    const { json, headers } = await ask({ nonce })
    expect(json['error']).toBe('use_dpop_nonce')
    expect(headers.get('DPoP-Nonce')).not.toBe(nonce)
    expect((await ask({ nonce: headers.get('DPoP-Nonce') })).status).toBe(200)
  })

  it('refuses any other nonce in the same way', async () => {
    const nonce = await freshNonce()
    for (const other of ['', 'x', `${nonce}x`, nonce.slice(1), nonce.toUpperCase(), 1, null, [nonce]]) expect((await ask({ nonce: other })).json['error'], String(other)).toBe('use_dpop_nonce')
  })

  it('checks all the rest as well: the window of iat, and single use', async () => {
    const nonce = await freshNonce()
    expect((await ask({ nonce, iat: Math.floor(now / 1000) - 3_600 })).json['error']).toBe('invalid_dpop_proof')
    expect((await ask({ nonce, jti: 'once' })).status).toBe(200)
    expect((await ask({ nonce, jti: 'once' })).json['error']).toBe('invalid_dpop_proof')
  })

  it('asks before it authenticates, so that nothing that works once is used up by being sent again', async () => {
    expect((await ask({}, { ...scene.partner, secret: 'wrong' })).json['error']).toBe('use_dpop_nonce')
    expect((await ask({ nonce: await freshNonce() }, { ...scene.partner, secret: 'wrong' })).json['error']).toBe('invalid_client')
  })

  it('asks nothing of requests without a proof', async () => {
    const { status, json, headers } = await requestToken(server, scene.partner)
    expect({ status, type: json['token_type'], nonce: headers.get('DPoP-Nonce') }).toEqual({ status: 200, type: 'Bearer', nonce: null })
    expect((await requestToken(server, off)).json['token_type']).toBe('Bearer')
  })
})
