import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Scene } from '../support/fixtures.ts'
import { introspect, known, requestToken, revoke, tokenOf } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

describe('the first flow of the product: three form fields', () => {
  let server: TestServer
  let scene: Scene

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    await known(server, scene.api)
  })
  afterAll(async () => { await server.stop() })

  it('issues an RS256 token that lives 90000 seconds and verifies with the published keys', async () => {
    const { status, json } = await requestToken(server, scene.partner, { scope: 'tournaments:read' })
    expect(status).toBe(200)
    expect(json).toMatchObject({ token_type: 'Bearer', expires_in: 90_000, scope: 'tournaments:read' })
    const { payload, protectedHeader } = await jwtVerify(String(json['access_token']), createRemoteJWKSet(new URL(`${server.issuer}/oauth/v2/jwks`)), {
      issuer: server.issuer, audience: 'https://api.example.com', typ: 'at+jwt', algorithms: ['RS256']
    })
    expect(protectedHeader.alg).toBe('RS256')
    expect(payload).toMatchObject({ sub: scene.partner.id, client_id: scene.partner.id, org: scene.organization.id, env: 'live' })
    expect(Number(payload.exp) - Number(payload.iat)).toBe(90_000)
  })

  it('tells the API that the token is active, and after its revocation that it is not', async () => {
    const token = await tokenOf(server, scene.partner)
    expect((await introspect(server, scene.api, token)).json).toMatchObject({ active: true, client_id: scene.partner.id })
    expect((await revoke(server, scene.partner, token)).status).toBe(200)
    expect((await introspect(server, scene.api, token)).text).toBe('{"active":false}')
  })
})
