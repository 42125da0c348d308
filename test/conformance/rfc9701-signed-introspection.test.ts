import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compact, partsOf, rs256, signingKeyOf } from '../support/forged-tokens.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { basic, introspect, known, postForm, revoke, send, tokenOf, within, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const mediaType = 'application/token-introspection+jwt'
const type = 'token-introspection+jwt'

describe('RFC 9701 JWT response for token introspection', () => {
  let server: TestServer
  let scene: Scene
  let otherApi: RegisteredClient
  let testApi: RegisteredClient
  let token: string

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    const other = await server.fixtures.resource('https://other.example.com', { 'other:read': false })
    otherApi = await server.fixtures.client({ organizationId: scene.organization.id, resourceId: other.id })
    testApi = await server.fixtures.client({ organizationId: scene.organization.id, resourceId: scene.resource.id, environment: 'test' })
    await known(server, testApi)
    token = await tokenOf(server, scene.partner)
  })
  afterAll(async () => { await server.stop() })

  function ask (caller: RegisteredClient, about: string, accept = mediaType): Promise<Answer> {
    return postForm(`${server.issuer}/oauth/v2/introspect`, { token: about }, { ...basic(caller.id, caller.secret), Accept: accept })
  }

  async function jwksOf (prefix = ''): Promise<ReturnType<typeof createLocalJWKSet>> {
    return createLocalJWKSet((await send(`${server.issuer}${prefix}/oauth/v2/jwks`)).json as unknown as JSONWebKeySet) // its own tests hold that it is one
  }

  describe('§4 requesting', () => {
    it('answers a JWT where Accept names its media type, and JSON otherwise', async () => {
      expect((await ask(scene.api, token)).headers.get('Content-Type')).toBe(mediaType)
      for (const accept of ['*/*', 'application/json', 'application/jwt', 'text/html', `${mediaType};q=0`]) {
        const { headers, json } = await ask(scene.api, token, accept)
        expect({ type: headers.get('Content-Type')?.split(';')[0], active: json['active'] }, accept).toEqual({ type: 'application/json', active: true })
      }
    })

    it('S33 a caller that is none gets the 401 of everybody, in JSON', async () => {
      const answers = await Promise.all([mediaType, 'application/json'].map((accept) => postForm(`${server.issuer}/oauth/v2/introspect`, { token }, { ...basic(scene.api.id, 'wrong'), Accept: accept })))
      for (const { status, headers } of answers) expect({ status, type: headers.get('Content-Type')?.split(';')[0] }).toEqual({ status: 401, type: 'application/json' })
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    })

    it('a request that is malformed is refused in JSON', async () => {
      const { status, json } = await postForm(`${server.issuer}/oauth/v2/introspect`, {}, { ...basic(scene.api.id, scene.api.secret), Accept: mediaType })
      expect({ status, error: json['error'] }).toEqual({ status: 400, error: 'invalid_request' })
    })
  })

  describe('§5 response', () => {
    it('has typ, iss, aud, iat and token_introspection, is signed by a published key, and has nothing else', async () => {
      const { status, text, headers } = await ask(scene.api, token)
      expect(status).toBe(200)
      expect(headers.get('Cache-Control')).toBe('no-store')
      const { protectedHeader, payload } = await jwtVerify(text, await jwksOf(), { typ: type, issuer: server.issuer, audience: scene.api.id, algorithms: ['RS256'], maxTokenAge: '1 minute' })
      expect(protectedHeader).toEqual({ alg: 'RS256', typ: type, kid: protectedHeader.kid })
      expect(Object.keys(payload).sort()).toEqual(['aud', 'iat', 'iss', 'token_introspection'])
    })

    it('says in token_introspection exactly what the JSON says', async () => {
      const { json } = await introspect(server, scene.api, token)
      expect(json['active']).toBe(true)
      expect(decodeJwt((await ask(scene.api, token)).text)['token_introspection']).toEqual(json)
    })

    it('is dated by the moment of the answer, not by that of the token', async () => {
      const before = Math.floor(Date.now() / 1000)
      const iat = decodeJwt((await ask(scene.api, token)).text).iat ?? 0
      expect(iat).toBeGreaterThanOrEqual(before)
      expect(iat).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000))
    })

    it('is of the issuer of the caller\'s environment, and signed by its key', async () => {
      const { text } = await ask(testApi, token)
      const { payload } = await jwtVerify(text, await jwksOf('/test'), { typ: type, issuer: `${server.issuer}/test`, audience: testApi.id })
      expect(payload['token_introspection']).toEqual({ active: false })
    })

    it('S34 S37 R7 R8 says nothing but active false of a token that is not active for the caller', async () => {
      const revoked = await tokenOf(server, scene.partner)
      expect((await revoke(server, scene.partner, revoked)).status).toBe(200)
      const cases: [string, RegisteredClient, string][] = [
        ['another resource\'s token', otherApi, token], ['a token of another environment', testApi, token], ['a caller that stands for no resource', scene.partner, token],
        ['garbage', scene.api, 'a.b.c'], ['a revoked token', scene.api, revoked], ['another spelling', scene.api, `${token}=`]
      ]
      for (const [what, caller, about] of cases) {
        const { status, text } = await ask(caller, about)
        const { iat, ...claims } = decodeJwt(text)
        expect({ status, claims, typ: decodeProtectedHeader(text).typ }, what).toEqual({
          status: 200, typ: type, claims: { iss: caller === testApi ? `${server.issuer}/test` : server.issuer, aud: caller.id, token_introspection: { active: false } }
        })
        expect(iat).toBeTypeOf('number')
      }
    })
  })

  describe('§8.1 cross-JWT confusion (S24)', () => {
    it('S24 an answer is no access token: introspection and revocation know nothing of it', async () => {
      const { text } = await ask(scene.api, token)
      expect((await introspect(server, scene.api, text)).text).toBe('{"active":false}')
      expect((await revoke(server, scene.api, text)).status).toBe(200)
      expect((await introspect(server, scene.api, token)).json['active']).toBe(true)
    })

    it('S24 an answer that our key signed with all the claims of a token is none either, for its typ', async () => {
      const { claims, header } = partsOf(token)
      const key = await signingKeyOf(server)
      expect((await introspect(server, scene.api, compact(header, claims, rs256(key)))).json['active']).toBe(true)
      for (const typ of [type, mediaType]) expect((await introspect(server, scene.api, compact({ ...header, typ }, claims, rs256(key)))).text).toBe('{"active":false}')
    })

    it('S24 an API that verifies tokens refuses an answer, whichever check it has', async () => {
      const { text } = await ask(scene.api, token)
      const keys = await jwksOf()
      await expect(jwtVerify(text, keys, { typ: 'at+jwt' })).rejects.toThrow(/typ/)
      await expect(jwtVerify(text, keys, { audience: 'https://api.example.com' })).rejects.toThrow(/aud/)
      for (const claim of ['exp', 'sub', 'client_id', 'scope']) await expect(jwtVerify(text, keys, { requiredClaims: [claim] })).rejects.toThrow(claim)
    })

    it('S24 an access token is no answer of introspection', async () => {
      await expect(jwtVerify(token, await jwksOf(), { typ: type })).rejects.toThrow(/typ/)
    })
  })

  it('answers 503 with Retry-After, in JSON, when there is no key to sign with; the JSON answer needs none', async () => {
    await server.database.signingKey.updateMany({ where: { environment: 'test' }, data: { withdrawnAt: new Date(0) } })
    expect(await within(1, async () => (await ask(testApi, token)).status === 503)).toBe(true)
    const { json, headers } = await ask(testApi, token)
    expect(json['error']).toBe('temporarily_unavailable')
    expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0)
    expect((await introspect(server, testApi, token)).text).toBe('{"active":false}')
  })
})
