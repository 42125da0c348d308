import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { formLines, sendRaw } from '../support/raw-http.ts'
import { basic, known, postForm, requestToken, within, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { importSecret } from '../support/stored-secrets.ts'

const grant = { grant_type: 'client_credentials', scope: 'tournaments:read' }

describe('RFC 6749 §2.3.1 Client password', () => {
  let server: TestServer
  let scene: Scene
  let importing: RegisteredClient
  const imported = 'p%41ss: wörd+%3A="\\'

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    importing = await server.fixtures.client({ organizationId: scene.organization.id })
    await importSecret(server, importing.id, imported)
    if (!await within(2, async () => (await tokenWith(basic(importing.id, imported))).status === 200)) throw new Error('the imported secret stayed unknown')
  })
  afterAll(async () => { await server.stop() })

  function tokenWith (headers: Readonly<Record<string, string>>, parameters: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return postForm(`${server.issuer}/oauth/v2/token`, { ...grant, ...parameters }, headers)
  }

  function basicOf (credentials: string): { readonly Authorization: string } {
    return { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
  }

  it('accepts the credentials in the body', async () => {
    expect((await requestToken(server, scene.partner, grant)).status).toBe(200)
  })

  it('accepts them as Basic credentials, whatever the case of the scheme', async () => {
    const { Authorization } = basic(scene.partner.id, scene.partner.secret)
    for (const scheme of ['Basic', 'basic', 'BASIC', 'Basic  ']) {
      expect((await tokenWith({ Authorization: Authorization.replace('Basic', scheme) })).status, scheme).toBe(200)
    }
  })

  it('accepts Basic credentials with the same client_id in the body', async () => {
    expect((await tokenWith(basic(scene.partner.id, scene.partner.secret), { client_id: scene.partner.id })).status).toBe(200)
  })

  it('S10 form-decodes both halves of Basic credentials: %3A, plus, UTF-8 and an encoded percent sign', async () => {
    expect((await tokenWith(basic(importing.id, imported))).status).toBe(200)
    const everythingEncoded = [...Buffer.from(imported)].map((octet) => `%${octet.toString(16).padStart(2, '0')}`).join('')
    expect((await tokenWith(basicOf(`${importing.id}:${everythingEncoded}`))).status).toBe(200)
    expect((await tokenWith(basicOf(`${importing.id.replaceAll('_', '%5F')}:${everythingEncoded.toUpperCase()}`))).status).toBe(200)
    const raw = imported.replaceAll('%', '%25').replaceAll('+', '%2B')
    expect((await tokenWith(basicOf(`${importing.id}:${raw}`))).status).toBe(200)
  })

  it('S10 does not take the undecoded text for the secret', async () => {
    expect((await tokenWith(basicOf(`${importing.id}:${imported}`))).status).toBe(401)
  })

  it('accepts an imported secret of any characters in the body too', async () => {
    expect((await tokenWith({}, { client_id: importing.id, client_secret: imported })).status).toBe(200)
  })

  const malformed: [string, string][] = [
    ['nothing after the scheme', 'Basic'], ['a space after the scheme', 'Basic '], ['no base64', 'Basic !!!!'], ['base64url', 'Basic Y2xpZW50OnNlY3JldA-_'],
    ['no colon', basicOf('clientsecret').Authorization], ['no text', 'Basic ===='], ['a colon only', basicOf(':').Authorization],
    ['no client id', basicOf(':secret').Authorization], ['no secret', basicOf('cl_live_x:').Authorization],
    ['a lone percent sign', basicOf('cl_live_x:%').Authorization], ['encoded octets that are not UTF-8', basicOf('cl_live_x:%ff%fe').Authorization],
    ['octets that are not UTF-8', `Basic ${Buffer.from([0x61, 0x3a, 0xff, 0xfe]).toString('base64')}`], ['a NUL', basicOf('cl_live_x\u0000:s\u0000').Authorization],
    ['two credentials', 'Basic YTpi YTpi'], ['another scheme', 'Bearer abc'], ['a Digest', 'Digest username="a"'], ['nonsense', '%%%'],
    ['8 KiB', basicOf(`cl_live_x:${'s'.repeat(8_000)}`).Authorization]
  ]

  it.each(malformed)('S10 answers 401 with a challenge to an Authorization header with %s, on each endpoint that authenticates', async (_, Authorization) => {
    for (const path of ['token', 'introspect', 'revoke']) {
      const answer = await postForm(`${server.issuer}/oauth/v2/${path}`, { ...grant, token: 'x' }, { Authorization })
      expect(answer.status, path).toBe(401)
      expect(answer.json['error']).toBe('invalid_client')
      expect(answer.headers.get('WWW-Authenticate')).toBe('Basic realm="signet", charset="UTF-8"')
    }
  })

  it('S10 answers 401 to an empty Authorization header', async () => {
    const body = new URLSearchParams(grant).toString()
    expect((await sendRaw(server.origin, formLines('/oauth/v2/token', body, ['Authorization:']), body)).status).toBe(401)
  })

  it('S10 refuses an Authorization header of 64 KiB with 431, on every route', async () => {
    for (const path of ['/oauth/v2/token', '/oauth/v2/jwks', '/health/live', '/nowhere']) {
      const answer = await sendRaw(server.origin, [`GET ${path} HTTP/1.1`, 'Host: 127.0.0.1', `Authorization: Basic ${'YTpi'.repeat(16_384)}`, 'Connection: close'])
      expect(answer.status, path).toBe(431)
      expect(JSON.parse(answer.body)).toMatchObject({ error: 'invalid_request' })
      expect(answer.header('X-Request-Id')).toBeDefined()
    }
  })

  it('S10 lets no Authorization header disturb a route that authenticates nobody', async () => {
    for (const [, Authorization] of malformed) {
      const statuses = await Promise.all(['/oauth/v2/jwks', '/.well-known/oauth-authorization-server', '/health/live', '/docs/errors'].map(async (path) =>
        (await fetch(server.origin + path, { headers: { Authorization } })).status))
      expect(statuses, Authorization.slice(0, 40)).toEqual([200, 200, 200, 200])
    }
  })

  it('S5 answers 400 when two kinds of client authentication are presented', async () => {
    const { id, secret } = scene.partner
    const attempts = await Promise.all([
      tokenWith(basic(id, secret), { client_id: id, client_secret: secret }),
      tokenWith(basic(id, secret), { client_secret: secret }),
      tokenWith({ Authorization: 'Bearer abc' }, { client_id: id, client_secret: secret }),
      tokenWith(basic(id, secret), { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: 'a.b.c' }),
      tokenWith({}, { client_id: id, client_secret: secret, client_assertion: 'a.b.c' })
    ])
    for (const { status, json } of attempts) expect({ status, error: json['error'] }).toEqual({ status: 400, error: 'invalid_request' })
  })

  it('S5 answers 400 to two Authorization headers, even two equal and right ones', async () => {
    const { id, secret } = scene.partner
    const line = `Authorization: ${basic(id, secret).Authorization}`
    const body = new URLSearchParams(grant).toString()
    expect((await sendRaw(server.origin, formLines('/oauth/v2/token', body, [line]), body)).status).toBe(200)
    for (const lines of [[line, line], [line, 'Authorization: Basic eDp5'], ['Authorization: Basic eDp5', line]]) {
      const answer = await sendRaw(server.origin, formLines('/oauth/v2/token', body, lines), body)
      expect(answer.status).toBe(400)
      expect(JSON.parse(answer.body)).toMatchObject({ error: 'invalid_request' })
    }
  })

  it('S5 answers 400 to two assertions', async () => {
    const answer = await postForm(`${server.issuer}/oauth/v2/token`, [['grant_type', 'client_credentials'], ['client_assertion', 'a.b.c'], ['client_assertion', 'a.b.d']])
    expect(answer.status).toBe(400)
    expect(answer.json['error_description']).toContain('client_assertion')
  })

  it('answers 400 when the body names another client than the Basic credentials', async () => {
    const { status, json } = await tokenWith(basic(scene.partner.id, scene.partner.secret), { client_id: scene.api.id })
    expect({ status, error: json['error'] }).toEqual({ status: 400, error: 'invalid_request' })
  })

  const lacking: [string, Readonly<Record<string, string>>][] = [
    ['nothing', {}], ['a client_id alone', { client_id: 'cl_live_x' }], ['a client_secret alone', { client_secret: 'x' }],
    ['an empty client_secret', { client_id: 'cl_live_x', client_secret: '' }], ['an assertion of a type that the server does not have', { client_assertion: 'a.b.c', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer' }]
  ]
  it.each(lacking)('answers 401 when the request presents %s', async (_, parameters) => {
    const { status, json, headers } = await tokenWith({}, parameters)
    expect({ status, error: json['error'] }).toEqual({ status: 401, error: 'invalid_client' })
    expect(headers.get('WWW-Authenticate')).toBe('Basic realm="signet", charset="UTF-8"')
  })

  it('R28 knows a client by its exact id only: no other case, no space, no full-width letter', async () => {
    const { id, secret } = scene.partner
    await known(server, scene.api)
    for (const variant of [id.toUpperCase(), id.replace('cl_', 'CL_'), `${id} `, ` ${id}`, `${id}/`, id.replace('l', 'ｌ'), `${id}\u200b`]) {
      expect((await postForm(`${server.issuer}/oauth/v2/token`, { ...grant, client_id: variant, client_secret: secret })).status, variant).toBe(401)
    }
    expect((await requestToken(server, scene.partner, grant)).status).toBe(200)
  })
})

describe('RFC 6749 §2.3.1 No credentials in the URL', () => {
  let server: TestServer
  let scene: Scene

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    await known(server, scene.api)
  })
  afterAll(async () => { await server.stop() })

  it('S9 answers 400 to a secret in the query, beside whatever is right in the body, and does not log it', async () => {
    const { id, secret } = scene.partner
    for (const path of ['token', 'introspect', 'revoke']) {
      const url = `${server.issuer}/oauth/v2/${path}?client_id=${id}&client_secret=${secret}`
      for (const body of [{ ...grant, token: 'x' }, { ...grant, token: 'x', client_id: id, client_secret: secret }]) {
        const { status, json, text } = await postForm(url, body)
        expect({ status, error: json['error'] }, path).toEqual({ status: 400, error: 'invalid_request' })
        expect(json['error_description']).toContain('never in the URL')
        expect(text).not.toContain(secret)
      }
    }
    expect(JSON.stringify(server.logs)).not.toContain(secret)
  })

  it('S9 does not log a secret in the query or the path of any other request', async () => {
    const { secret } = scene.partner
    await Promise.all([
      fetch(`${server.issuer}/oauth/v2/token?client_secret=${secret}`), fetch(`${server.issuer}/oauth/v2/jwks?client_secret=${secret}`),
      fetch(`${server.origin}/nowhere/${secret}`), fetch(`${server.origin}/oauth/v2/token/${secret}?x=${secret}`), fetch(`${server.origin}/%zz/${secret}`)
    ])
    expect(JSON.stringify(server.logs)).not.toContain(secret)
  })
})
