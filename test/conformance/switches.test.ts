import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authenticationMethods, needsCertificate } from '../../src/oauth/authentication-methods.ts'
import { grantTypes, jwtBearerGrant } from '../../src/oauth/grant-types.ts'
import { assertionFor } from '../support/assertions.ts'
import type { Scene } from '../support/fixtures.ts'
import { basic, known, postForm, requestToken, send, tokenOf, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const metadataPath = '/.well-known/oauth-authorization-server'

describe('what the operator turns off is gone from the server and from its metadata', () => {
  let server: TestServer
  let scene: Scene

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    await known(server, scene.api)
  })
  afterAll(async () => { await server.stop() })

  it('S47 GRANT_TYPES: one that is off is unsupported, and the metadata does not list it', async () => {
    for (const grantType of grantTypes.filter((_, __, all) => all.length > 1)) {
      const others = grantTypes.filter((each: string) => each !== grantType)
      const sibling = await server.startSibling({ GRANT_TYPES: others.join(',') })
      expect((await send(sibling.origin + metadataPath)).json['grant_types_supported']).toEqual(others)
      const { status, json } = await postForm(`${sibling.origin}/oauth/v2/token`, { grant_type: grantType, client_id: scene.partner.id, client_secret: scene.partner.secret })
      expect({ status, error: json['error'] }, grantType).toEqual({ status: 400, error: 'unsupported_grant_type' })
    }
  })

  it('S47 AUTHENTICATION_METHODS: with all secrets off no grant assertion is taken that a secret signed', async () => {
    const sibling = await server.startSibling({ AUTHENTICATION_METHODS: 'private_key_jwt' })
    const login = await server.fixtures.client({ organizationId: scene.organization.id, type: 'jwt', scopes: ['tournaments:read'] })
    await known(server, login)
    const ask = (origin: string): Promise<Answer> => postForm(`${origin}/oauth/v2/token`, { grant_type: jwtBearerGrant, assertion: assertionFor('player', login, server.issuer, Date.now()) })
    expect((await ask(server.origin)).status).toBe(200)
    expect((await ask(sibling.origin)).json['error']).toBe('invalid_grant')
  })

  it('S47 AUTHENTICATION_METHODS: one that is off is refused at every endpoint, and the metadata does not list it', async () => {
    const sibling = await server.startSibling({ AUTHENTICATION_METHODS: 'client_secret_post' })
    const { json } = await send(sibling.origin + metadataPath)
    for (const endpoint of ['token', 'introspection', 'revocation']) expect(json[`${endpoint}_endpoint_auth_methods_supported`]).toEqual(['client_secret_post'])
    const { id, secret } = scene.api
    const token = await tokenOf(server, scene.partner)
    for (const path of ['token', 'introspect', 'revoke']) {
      const ask = (inBody: Readonly<Record<string, string>>, inHeader = {}): Promise<Answer> => postForm(`${sibling.origin}/oauth/v2/${path}`, { grant_type: 'client_credentials', token, ...inBody }, inHeader)
      const refused = await ask({}, basic(id, secret))
      expect({ status: refused.status, error: refused.json['error'] }, path).toEqual({ status: 401, error: 'invalid_client' })
      expect((await ask({ client_id: id, client_secret: secret })).status, path).not.toBe(401)
    }
  })

  it('refuses a method that is off with the very answer of a wrong secret, and tells the operator why', async () => {
    const sibling = await server.startSibling({ AUTHENTICATION_METHODS: 'client_secret_post' })
    const off = await postForm(`${sibling.origin}/oauth/v2/token`, { grant_type: 'client_credentials' }, basic(scene.partner.id, scene.partner.secret))
    const wrong = await requestToken(sibling, { ...scene.partner, secret: 'wrong' })
    expect({ status: off.status, text: off.text, challenge: off.headers.get('WWW-Authenticate') })
      .toEqual({ status: wrong.status, text: wrong.text, challenge: wrong.headers.get('WWW-Authenticate') })
    const line = sibling.logs.find(({ requestId }) => requestId === off.headers.get('X-Request-Id'))
    expect(line?.['cause']).toMatch(/^method client_secret_basic is off/)
  })

  it('has everything on that the tables have and that needs no certificates, where nothing is said', async () => {
    const { json } = await send(server.issuer + metadataPath)
    expect(json).toMatchObject({ grant_types_supported: grantTypes, token_endpoint_auth_methods_supported: authenticationMethods.filter((method) => !needsCertificate(method)) })
  })
})
