import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Scene } from '../support/fixtures.ts'
import { basic, known, postForm, requestToken, send, tokenOf } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

describe('RFC 6750 Bearer tokens', () => {
  let server: TestServer
  let scene: Scene
  let token: string

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    await known(server, scene.api)
    token = await tokenOf(server, scene.partner)
  })
  afterAll(async () => { await server.stop() })

  it('§4 issues tokens of the type Bearer', async () => {
    expect((await requestToken(server, scene.partner)).json['token_type']).toBe('Bearer')
  })

  it('§2.1 issues tokens that are a b64token, fit for an Authorization header as they are', () => {
    expect(token).toMatch(/^[A-Za-z0-9\-._~+/]+=*$/)
  })

  it('§2.3 S16 refuses a token in the query of each endpoint that reads parameters', async () => {
    const { id, secret } = scene.api
    for (const path of ['token', 'introspect', 'revoke']) {
      const { status, json, text } = await postForm(`${server.issuer}/oauth/v2/${path}?access_token=${token}`, { token, grant_type: 'client_credentials' }, basic(id, secret))
      expect({ status, error: json['error'] }, path).toEqual({ status: 400, error: 'invalid_request' })
      expect(text).not.toContain(token)
    }
  })

  it('§2.3 S16 reads no token from the query of a GET: introspection and revocation take POST only', async () => {
    for (const path of ['introspect', 'revoke']) {
      const { status, headers } = await send(`${server.issuer}/oauth/v2/${path}?token=${token}`, { headers: basic(scene.api.id, scene.api.secret) })
      expect({ status, allow: headers.get('Allow') }, path).toEqual({ status: 405, allow: 'POST' })
    }
  })

  it('§5.3 logs no token, wherever a caller puts it', async () => {
    await Promise.all([
      send(`${server.issuer}/oauth/v2/jwks?access_token=${token}`),
      send(`${server.issuer}/nowhere/${token}`),
      send(`${server.issuer}/oauth/v2/jwks`, { headers: { Authorization: `Bearer ${token}`, 'X-Api-Key': token, 'User-Agent': token, Referer: `https://x.example/?t=${token}`, Cookie: `t=${token}` } }),
      postForm(`${server.issuer}/oauth/v2/token`, { [token]: token, client_id: token, client_secret: token, scope: token, grant_type: token, resource: token })
    ])
    const [, , signature = ''] = token.split('.')
    expect(JSON.stringify(server.logs)).not.toContain(signature)
    expect(JSON.stringify(server.logs)).not.toContain(token.slice(0, 200))
  })

  it('§3 challenges callers for client authentication, never for a token', async () => {
    const { status, headers } = await postForm(`${server.issuer}/oauth/v2/introspect`, { token }, { Authorization: `Bearer ${token}` })
    expect({ status, challenge: headers.get('WWW-Authenticate') }).toEqual({ status: 401, challenge: 'Basic realm="signet", charset="UTF-8"' })
  })
})
