import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../../src/clients/client.ts'
import type { AuthenticationMethod } from '../../src/oauth/authentication-methods.ts'
import { jwtBearerGrant, tokenExchangeGrant, type GrantType } from '../../src/oauth/grant-types.ts'
import { clientAssertionType } from '../../src/oauth/parameters.ts'
import { assertionBy, assertionClaims, assertionFor, macWith, newPair } from '../support/assertions.ts'
import { exchange } from '../support/exchange.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { compact } from '../support/forged-tokens.ts'
import { sendRaw } from '../support/raw-http.ts'
import { basic, known, postForm, requestToken, send, tokenOf, type Answer } from '../support/requests.ts'
import { freePort, startTestServer, type TestServer } from '../support/server.ts'

describe('RFC 8414 Authorization server metadata', () => {
  let server: TestServer
  let scene: Scene
  let signing: Client
  let macing: RegisteredClient
  let login: RegisteredClient
  let exchanging: RegisteredClient
  const pair = newPair()

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    macing = await server.fixtures.client({ organizationId: scene.organization.id, authenticationMethods: ['client_secret_jwt'] })
    signing = await server.fixtures.signingClient({ organizationId: scene.organization.id, keys: [pair] })
    login = await server.fixtures.client({ organizationId: scene.organization.id, type: 'jwt', scopes: ['tournaments:read'] })
    exchanging = await server.fixtures.client({ organizationId: scene.organization.id, resourceId: scene.resource.id, scopes: ['tournaments:read'], grants: [tokenExchangeGrant] })
    await known(server, exchanging)
  })
  afterAll(async () => { await server.stop() })

  const livePaths = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']
  const testPaths = [
    '/.well-known/oauth-authorization-server/test', '/.well-known/openid-configuration/test',
    '/test/.well-known/openid-configuration', '/test/.well-known/oauth-authorization-server'
  ]

  it('§2 has exactly the members that the server acts on, for the live issuer', async () => {
    const methods = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt']
    const algorithms = ['HS256', 'HS384', 'HS512', 'RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']
    for (const path of livePaths) {
      const { status, json } = await send(server.issuer + path)
      expect(status, path).toBe(200)
      expect(json).toEqual({
        issuer: server.issuer,
        token_endpoint: `${server.issuer}/oauth/v2/token`,
        introspection_endpoint: `${server.issuer}/oauth/v2/introspect`,
        revocation_endpoint: `${server.issuer}/oauth/v2/revoke`,
        jwks_uri: `${server.issuer}/oauth/v2/jwks`,
        status_list_aggregation_endpoint: `${server.issuer}/oauth/v2/status-lists`,
        grant_types_supported: ['client_credentials', 'urn:ietf:params:oauth:grant-type:jwt-bearer', 'urn:ietf:params:oauth:grant-type:token-exchange'],
        response_types_supported: [],
        token_endpoint_auth_methods_supported: methods,
        introspection_endpoint_auth_methods_supported: methods,
        revocation_endpoint_auth_methods_supported: methods,
        token_endpoint_auth_signing_alg_values_supported: algorithms,
        introspection_endpoint_auth_signing_alg_values_supported: algorithms,
        revocation_endpoint_auth_signing_alg_values_supported: algorithms,
        introspection_signing_alg_values_supported: ['RS256'],
        dpop_signing_alg_values_supported: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'],
        tls_client_certificate_bound_access_tokens: false
      })
    }
  })

  it('§2 names the test issuer and its keys, and the same endpoints', async () => {
    const live = await send(server.issuer + String(livePaths[0]))
    for (const path of testPaths) {
      const { status, json } = await send(server.issuer + path)
      expect(status, path).toBe(200)
      expect(json).toEqual({ ...live.json, issuer: `${server.issuer}/test`, jwks_uri: `${server.issuer}/test/oauth/v2/jwks`, status_list_aggregation_endpoint: `${server.issuer}/test/oauth/v2/status-lists` })
    }
  })

  it('S14 offers neither the password nor the implicit grant', async () => {
    const { text } = await send(server.issuer + String(livePaths[0]))
    expect(text).not.toMatch(/password|implicit|"token"/)
  })

  it('§3.2 is application/json, public, and readable from any origin', async () => {
    for (const path of [...livePaths, ...testPaths]) {
      const { headers } = await send(server.issuer + path)
      expect(headers.get('Content-Type'), path).toMatch(/^application\/json(; charset=utf-8)?$/)
      expect(headers.get('Cache-Control')).toMatch(/^public, max-age=\d+$/)
      expect(headers.get('Access-Control-Allow-Origin')).toBe('*')
    }
  })

  it('S45 names the issuer of the configuration, whatever Host, Forwarded and X-Forwarded-* say', async () => {
    const lies = ['Host: evil.example', 'X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: https', 'X-Forwarded-Port: 444', 'X-Forwarded-Prefix: /evil', 'Forwarded: host=evil.example;proto=https', 'X-Original-URL: /evil']
    for (const path of [...livePaths, ...testPaths]) {
      const { status, body } = await sendRaw(server.origin, [`GET ${path} HTTP/1.1`, ...lies, 'Connection: close'])
      expect({ status, mentions: body.includes('evil') }, path).toEqual({ status: 200, mentions: false })
      expect(body).toContain(`"token_endpoint":"${server.issuer}/oauth/v2/token"`)
    }
  })

  it('S45 puts the configured issuer into tokens and error_uri, whatever Host says', async () => {
    const body = new URLSearchParams({ client_id: scene.partner.id, client_secret: scene.partner.secret }).toString()
    const ask = (text: string): Promise<string> => new Promise((resolve, reject) => {
      const outgoing = request(`${server.origin}/oauth/v2/token`, {
        method: 'POST', headers: { Host: 'evil.example', 'X-Forwarded-Host': 'evil.example', 'Content-Type': 'application/x-www-form-urlencoded' }
      }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => { resolve(Buffer.concat(chunks).toString()) })
      })
      outgoing.on('error', reject).end(text)
    })
    const [, claims = ''] = (await ask(body)).split('.')
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ iss: server.issuer })
    expect(await ask('')).toContain(`"error_uri":"${server.issuer}/docs/errors#`)
  })

  it('S47 every grant type and every authentication method that it lists works, at each endpoint that lists it', async () => {
    const { json } = await send(server.issuer + String(livePaths[0]))
    const { id, secret } = scene.partner
    const grants = listOf(json['grant_types_supported'])
    expect(grants.length).toBeGreaterThan(0)
    const withGrant: Readonly<Record<GrantType, () => Promise<Answer>>> = {
      client_credentials: () => requestToken(server, scene.partner, { grant_type: 'client_credentials' }),
      [jwtBearerGrant]: () => postForm(String(json['token_endpoint']), { grant_type: jwtBearerGrant, assertion: assertionFor('player-1001', login, server.issuer, Date.now()) }),
      [tokenExchangeGrant]: async () => await exchange(server, exchanging, await tokenOf(server, scene.partner))
    }
    for (const grant of grants) expect((await withGrant[grant as GrantType]()).status, grant).toBe(200) // the list names grants
    const token = await tokenOf(server, scene.partner)
    // Certificates do not reach this server, so it lists no method that needs one.
    const withMethod: Readonly<Record<Exclude<AuthenticationMethod, `${string}tls_client_auth`>, (url: string, form: Readonly<Record<string, string>>) => Promise<Answer>>> = {
      client_secret_basic: (url, form) => postForm(url, form, basic(id, secret)),
      client_secret_post: (url, form) => postForm(url, { ...form, client_id: id, client_secret: secret }),
      client_secret_jwt: (url, form) => postForm(url, {
        ...form, client_assertion_type: clientAssertionType, client_assertion: compact({ alg: 'HS256' }, assertionClaims(server.issuer, macing.id, Date.now()), macWith(macing.secret))
      }),
      private_key_jwt: (url, form) => postForm(url, {
        ...form, client_assertion_type: clientAssertionType, client_assertion: assertionBy(pair, assertionClaims(server.issuer, signing.id, Date.now()))
      })
    }
    for (const name of ['token', 'introspection', 'revocation']) {
      for (const method of listOf(json[`${name}_endpoint_auth_methods_supported`])) {
        const form = { grant_type: 'client_credentials', token: name === 'revocation' ? 'nothing' : token }
        const { status } = await withMethod[method as keyof typeof withMethod](String(json[`${name}_endpoint`]), form) // the list names methods
        expect(status, `${name} ${method}`).toBe(200)
      }
    }
    expect((await send(String(json['jwks_uri']))).status).toBe(200)
  })

  it('S47 nothing works that it does not list', async () => {
    for (const grant of ['password', 'authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code', 'urn:ietf:params:oauth:grant-type:saml2-bearer']) {
      expect((await requestToken(server, scene.partner, { grant_type: grant })).json['error'], grant).toBe('unsupported_grant_type')
    }
    for (const path of ['/authorize', '/oauth/v2/authorize', '/oauth/v2/userinfo', '/oauth/v2/register', '/oauth/v2/par', '/oauth/v2/device_authorization', '/oauth/token', '/token', '/login', '/admin', '/']) {
      expect((await send(server.origin + path)).status, path).toBe(404)
    }
    const assertion = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: 'a.b.c', grant_type: 'client_credentials' }
    expect((await postForm(`${server.issuer}/oauth/v2/token`, assertion)).status).toBe(401)
    expect((await postForm(`${server.issuer}/oauth/v2/token`, { client_id: scene.partner.id, grant_type: 'client_credentials' })).status).toBe(401)
  })
})

function listOf (value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}

describe('RFC 8414 §3.1 an issuer with a path (S46)', () => {
  let server: TestServer
  let scene: Scene
  let issuer: string

  beforeAll(async () => {
    const port = await freePort()
    issuer = `http://127.0.0.1:${port}/auth/v1`
    server = await startTestServer({ environment: { PORT: String(port), ISSUER: `${issuer}/` } })
    scene = await server.fixtures.scene()
    await known(server, scene.api)
  })
  afterAll(async () => { await server.stop() })

  const places: [string, string, string][] = ['oauth-authorization-server', 'openid-configuration'].flatMap((name): [string, string, string][] => [
    ['live', `/.well-known/${name}/auth/v1`, ''], ['live', `/auth/v1/.well-known/${name}`, ''],
    ['test', `/.well-known/${name}/auth/v1/test`, '/test'], ['test', `/auth/v1/test/.well-known/${name}`, '/test']
  ])
  it.each(places)('serves the metadata of the %s issuer at %s', async (_, path, suffix) => {
    const { status, json } = await send(new URL(path, server.origin).href)
    expect(status).toBe(200)
    expect(json).toMatchObject({ issuer: issuer + suffix, jwks_uri: `${issuer}${suffix}/oauth/v2/jwks`, token_endpoint: `${issuer}/oauth/v2/token` })
    expect((await send(String(json['jwks_uri']))).status).toBe(200)
  })

  it('serves every endpoint below the path, and none of them beside it', async () => {
    expect((await requestToken(server, scene.partner)).status).toBe(200)
    expect((await send(`${issuer}/.well-known/jwks.json`)).status).toBe(200)
    const errorUri = String((await requestToken(server, scene.partner, { scope: 'x' })).json['error_uri'])
    expect(errorUri).toBe(`${issuer}/docs/errors#invalid_scope`)
    expect((await send(errorUri)).status).toBe(200)
    for (const path of ['/oauth/v2/token', '/oauth/v2/jwks', '/.well-known/jwks.json', '/.well-known/oauth-authorization-server', '/.well-known/openid-configuration', '/docs/errors']) {
      expect((await send(server.origin + path)).status, path).toBe(404)
    }
  })

  it('puts the path into iss', async () => {
    const [, claims = ''] = (await tokenOf(server, scene.partner)).split('.')
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ iss: issuer })
  })
})
