import { createPublicKey } from 'node:crypto'
import { calculateJwkThumbprint, createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateSigningKey } from '../../src/keys/signing-key.ts'
import type { Environment } from '../../src/environment.ts'
import type { Scene } from '../support/fixtures.ts'
import { introspect, known, requestToken, send, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const day = 86_400_000
const startedAt = Date.now()

async function jwksOf (server: TestServer, path = '/oauth/v2/jwks'): Promise<JSONWebKeySet> {
  const { status, json } = await send(server.issuer + path)
  expect(status).toBe(200)
  const keys = json['keys']
  if (!Array.isArray(keys)) throw new Error('no keys')
  return { keys: keys as JSONWebKeySet['keys'] } // each test looks at their members
}

describe('RFC 7517 JSON Web Key Set', () => {
  let server: TestServer

  beforeAll(async () => { server = await startTestServer() })
  afterAll(async () => { await server.stop() })

  it.each(['/oauth/v2/jwks', '/.well-known/jwks.json', '/test/oauth/v2/jwks'])('§5 %s is a set of RSA keys of at least 2048 bits with exactly the public members', async (path) => {
    const { keys } = await jwksOf(server, path)
    expect(keys).toHaveLength(1)
    for (const jwk of keys) {
      expect(Object.keys(jwk).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
      expect(jwk).toMatchObject({ kty: 'RSA', use: 'sig', alg: 'RS256', e: 'AQAB' })
      expect(createPublicKey({ key: jwk, format: 'jwk' }).asymmetricKeyDetails?.modulusLength).toBeGreaterThanOrEqual(2_048)
      expect(jwk.kid).toBe(await calculateJwkThumbprint(jwk))
    }
  })

  it('is the same set at both addresses of the live issuer, and another one for the test issuer', async () => {
    const [live, wellKnown, test] = await Promise.all(['/oauth/v2/jwks', '/.well-known/jwks.json', '/test/oauth/v2/jwks'].map(async (path) => (await jwksOf(server, path)).keys.map(({ kid }) => kid)))
    expect(wellKnown).toEqual(live)
    expect(test).not.toEqual(live)
  })

  it('is public, cacheable for minutes, and not "no-cache" at the same time', async () => {
    const { headers } = await send(`${server.issuer}/oauth/v2/jwks`)
    expect(headers.get('Cache-Control')).toMatch(/^public, max-age=\d+$/)
    expect(headers.get('Pragma')).toBeNull()
    expect(headers.get('Content-Type')).toContain('application/json')
    expect(headers.get('Access-Control-Allow-Origin')).toBe('*')
  })

  it('never shows a private member', async () => {
    for (const path of ['/oauth/v2/jwks', '/test/oauth/v2/jwks']) {
      const { text } = await send(server.issuer + path)
      expect(text).not.toMatch(/"(d|p|q|dp|dq|qi|k|oth)":/)
    }
  })
})

describe('the key ring over time, as verifiers see it', () => {
  let server: TestServer
  let scene: Scene
  let now = startedAt

  beforeAll(async () => {
    server = await startTestServer({ clock: () => now })
    scene = await server.fixtures.scene()
    await known(server, scene.api)
  })
  afterAll(async () => { await server.stop() })

  async function addKey (environment: Environment, activatesAt: number): Promise<string> {
    const key = await generateSigningKey({ environment, algorithm: 'RS256', rsaModulusBits: 2_048, activatesAt: new Date(activatesAt) }, server.prepared.sealer)
    await server.database.signingKey.create({ data: key })
    if (!await within(1, async () => (await kids()).includes(key.kid))) throw new Error('the key was not published within a second')
    return key.kid
  }

  async function kids (): Promise<(string | undefined)[]> {
    return (await jwksOf(server)).keys.map(({ kid }) => kid)
  }

  it.each([-3_650, -1, 0, 1, 30, 31, 365, 36_500])('R27 is never empty, and the active key signs, with the clock %d days from the activation', async (days) => {
    now = startedAt + days * day
    for (const path of ['/oauth/v2/jwks', '/test/oauth/v2/jwks']) expect((await jwksOf(server, path)).keys.length).toBeGreaterThan(0)
    const token = await tokenOf(server, scene.partner)
    const { payload } = await jwtVerify(token, createLocalJWKSet(await jwksOf(server)), { currentDate: new Date(now), issuer: server.issuer, typ: 'at+jwt' })
    expect(payload.sub).toBe(scene.partner.id)
    now = startedAt
  })

  it('R27 publishes the next key before it signs, and the retired one until its last token has expired', async () => {
    now = startedAt
    const [first] = await kids()
    const second = await addKey('live', startedAt + 2 * day)
    const signerAt = async (time: number): Promise<string | undefined> => {
      now = time
      const { kid } = decodeProtectedHeader(await tokenOf(server, scene.partner))
      expect(await kids()).toContain(kid)
      return kid
    }
    expect(await signerAt(startedAt)).toBe(first)
    expect(await signerAt(startedAt + 2 * day - 1)).toBe(first)
    const last = await tokenOf(server, scene.partner)
    expect(await signerAt(startedAt + 2 * day)).toBe(second)
    expect((await introspect(server, scene.api, last)).json['active']).toBe(true)
    now = startedAt + 2 * day + 89_999_000
    expect((await introspect(server, scene.api, last)).json['active']).toBe(true)
    await jwtVerify(last, createLocalJWKSet(await jwksOf(server)), { currentDate: new Date(now) })
    now = startedAt + 40 * day
    expect(await kids()).toEqual([second])
    now = startedAt
  })

  it('S34 believes no token of a key that was withdrawn, within a second, and signs with the one before it', async () => {
    now = startedAt + 1000
    const [first] = await kids()
    const third = await addKey('live', now)
    const token = await tokenOf(server, scene.partner)
    expect(decodeProtectedHeader(token).kid).toBe(third)
    await server.database.signingKey.update({ where: { kid: third }, data: { withdrawnAt: new Date(now) } })
    expect(await within(1, async () => (await introspect(server, scene.api, token)).text === '{"active":false}')).toBe(true)
    expect(await kids()).not.toContain(third)
    expect(decodeProtectedHeader(await tokenOf(server, scene.partner)).kid).toBe(first)
  })

  it('answers 503 with Retry-After when every key of the environment is withdrawn, and is not ready', async () => {
    await server.database.signingKey.updateMany({ where: { environment: 'live' }, data: { withdrawnAt: new Date(startedAt) } })
    expect(await within(1, async () => (await requestToken(server, scene.partner)).status === 503)).toBe(true)
    const { json, headers } = await requestToken(server, scene.partner)
    expect(json['error']).toBe('temporarily_unavailable')
    expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0)
    expect((await send(`${server.origin}/health/ready`)).status).toBe(503)
    expect((await jwksOf(server)).keys).toEqual([])
    expect((await jwksOf(server, '/test/oauth/v2/jwks')).keys).toHaveLength(1)
  })
})
