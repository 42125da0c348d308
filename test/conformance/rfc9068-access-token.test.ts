import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { known, requestToken, tokenOf } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { statusBelow } from '../support/status.ts'

describe('RFC 9068 JWT access token', () => {
  let server: TestServer
  let scene: Scene
  let tester: RegisteredClient
  const now = 1_800_000_000_700

  beforeAll(async () => {
    server = await startTestServer({ clock: () => now })
    scene = await server.fixtures.scene()
    tester = await server.fixtures.client({ organizationId: scene.organization.id, environment: 'test', scopes: ['tournaments:read', 'tournaments:write'] })
    await known(server, tester)
  })
  afterAll(async () => { await server.stop() })

  it('S48 §2.1 has exactly alg, typ and kid in its header, and the kid is in the JWKS at once', async () => {
    const header = decodeProtectedHeader(await tokenOf(server, scene.partner))
    expect(header).toEqual({ alg: 'RS256', typ: 'at+jwt', kid: header.kid })
    const jwks = await (await fetch(`${server.issuer}/oauth/v2/jwks`)).text()
    expect(jwks).toContain(`"kid":"${header.kid}"`)
  })

  it('S48 §2.2 has exactly the claims of the contract, for a live client', async () => {
    const claims = decodeJwt(await tokenOf(server, scene.partner, 'tournaments:write tournaments:read'))
    expect(claims).toEqual({
      iss: server.issuer,
      sub: scene.partner.id,
      aud: 'https://api.example.com',
      exp: 1_800_090_000,
      iat: 1_800_000_000,
      jti: claims.jti,
      client_id: scene.partner.id,
      scope: 'tournaments:write tournaments:read',
      org: scene.organization.id,
      env: 'live',
      status: statusBelow(server.issuer)
    })
  })

  it('S48 §2.2 has exactly the claims of the contract, for a test client', async () => {
    const claims = decodeJwt(await tokenOf(server, tester))
    expect(claims).toEqual({
      iss: `${server.issuer}/test`,
      sub: tester.id,
      aud: 'https://api.example.com',
      exp: 1_800_090_000,
      iat: 1_800_000_000,
      jti: claims.jti,
      client_id: tester.id,
      scope: 'tournaments:read',
      org: scene.organization.id,
      env: 'test',
      status: statusBelow(`${server.issuer}/test`)
    })
  })

  it('lives as many seconds as expires_in says', async () => {
    const { json } = await requestToken(server, scene.partner)
    const { exp, iat } = decodeJwt(String(json['access_token']))
    expect(Number(exp) - Number(iat)).toBe(json['expires_in'])
  })

  it('S48 has a jti of at least 128 random bits that never comes twice', async () => {
    const seen = new Set<string>()
    for (let batch = 0; batch < 20; batch += 1) {
      const tokens = await Promise.all(Array.from({ length: 25 }, () => tokenOf(server, scene.partner)))
      for (const token of tokens) {
        const jti = String(decodeJwt(token).jti)
        expect(Buffer.from(jti, 'base64url').length).toBeGreaterThanOrEqual(16)
        seen.add(jti)
      }
    }
    expect(seen.size).toBe(500)
    // Random bits, and no counter or clock: each bit of the ids is set about half of the time.
    const ids = [...seen].map((jti) => Buffer.from(jti, 'base64url'))
    for (let bit = 0; bit < 128; bit += 1) {
      const set = ids.filter((id) => ((id[bit >> 3] ?? 0) >> (bit & 7) & 1) === 1).length
      expect(set, `bit ${bit}`).toBeGreaterThan(150)
      expect(set, `bit ${bit}`).toBeLessThan(350)
    }
  })

  it('S15 has an audience, whatever was asked for', async () => {
    for (const parameters of [{}, { scope: 'tournaments:read' }, { resource: 'https://api.example.com' }, { audience: 'https://elsewhere.example' }]) {
      const { json } = await requestToken(server, scene.partner, parameters)
      expect(decodeJwt(String(json['access_token'])).aud).toBe('https://api.example.com')
    }
  })

  it('is a canonical JWS of at most 4 KiB', async () => {
    const token = await tokenOf(server, scene.partner)
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    for (const part of token.split('.')) expect(Buffer.from(part, 'base64url').toString('base64url')).toBe(part)
    expect(token.length).toBeLessThanOrEqual(4_096)
  })

  it('§4 verifies with the published keys as a resource server does it, and with nothing else changed', async () => {
    const token = await tokenOf(server, scene.partner)
    const keys = createRemoteJWKSet(new URL(`${server.issuer}/oauth/v2/jwks`))
    const expected = { issuer: server.issuer, audience: 'https://api.example.com', typ: 'at+jwt', algorithms: ['RS256'], currentDate: new Date(now) }
    await expect(jwtVerify(token, keys, expected)).resolves.toBeDefined()
    const wrong = [{ issuer: `${server.issuer}/test` }, { audience: 'https://other.example.com' }, { typ: 'JWT' }, { currentDate: new Date(now + 90_000_000) }]
    for (const change of wrong) await expect(jwtVerify(token, keys, { ...expected, ...change })).rejects.toThrow()
  })

  it('carries no secret, no name and no address', async () => {
    const [header = '', claims = ''] = (await tokenOf(server, scene.partner)).split('.').map((part) => Buffer.from(part, 'base64url').toString())
    for (const text of [scene.partner.secret, scene.partner.client.name, scene.organization.name]) expect(header + claims).not.toContain(text)
  })
})
