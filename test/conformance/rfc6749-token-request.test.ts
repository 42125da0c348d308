import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Scene } from '../support/fixtures.ts'
import { formLines, sendRaw } from '../support/raw-http.ts'
import { basic, known, postForm, requestToken, send, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const form = 'application/x-www-form-urlencoded'
let server: TestServer
let scene: Scene

beforeAll(async () => {
  server = await startTestServer()
  scene = await server.fixtures.scene()
  await known(server, scene.partner)
})
afterAll(async () => { await server.stop() })

function good (more = ''): string {
  const { id, secret } = scene.partner
  return `grant_type=client_credentials&client_id=${id}&client_secret=${secret}&scope=tournaments%3Aread${more}`
}

function post (body: RequestInit['body'], headers: Readonly<Record<string, string>> = { 'Content-Type': form }, path = 'token'): Promise<Answer> {
  return send(`${server.issuer}/oauth/v2/${path}`, { method: 'POST', body: body ?? null, headers, ...body instanceof ReadableStream ? { duplex: 'half' } : {} })
}

function expectRefusal ({ status, json }: Answer, expectedStatus = 400, error = 'invalid_request'): void {
  expect({ status, error: json['error'] }).toEqual({ status: expectedStatus, error })
}

describe('RFC 6749 §3.2 Token endpoint', () => {
  describe('row 1: the body is at most 16 KiB', () => {
    const padded = (bytes: number): string => good('&padding=').padEnd(bytes, 'x')

    it('accepts one of 16384 bytes and refuses one of 16385 with 413', async () => {
      expect((await post(padded(16_384))).status).toBe(200)
      expectRefusal(await post(padded(16_385)), 413)
    })

    it('refuses one that is sent in chunks without a length', async () => {
      const stream = new Blob([padded(40_000)]).stream()
      expectRefusal(await post(stream), 413)
    })

    it('refuses it at introspection and revocation too', async () => {
      for (const path of ['introspect', 'revoke']) expectRefusal(await post(padded(17_000), { 'Content-Type': form }, path), 413)
    })
  })

  describe('row 2: the media type is application/x-www-form-urlencoded', () => {
    const accepted = [form, `${form}; charset=UTF-8`, `${form};charset=utf-8`, `${form}; charset="utf-8"`, 'Application/X-WWW-Form-Urlencoded']
    it.each(accepted)('accepts %s', async (type) => {
      expect((await post(good(), { 'Content-Type': type })).status).toBe(200)
    })

    // R37: no spelling of a content type gets a body past the form reader.
    const refused = [
      'application/json', 'text/plain', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded2', `${form}/`, `${form},application/json`,
      `${form}; charset=utf-8; x=y`, `${form} x`, 'application/x-www-form-urlencodedx', 'x/application/x-www-form-urlencoded', '*/*', 'application/*', 'a/b;c', `${form};boundary=x`,
      'nonsense', ';', `"${form}"`, `${form}\tx`
    ]
    it.each(refused)('R37 refuses %j with 400 and names it', async (type) => {
      for (const path of ['token', 'introspect', 'revoke']) {
        const answer = await post(good(), { 'Content-Type': type }, path)
        expectRefusal(answer)
        expect(answer.json['error_description'], path).toContain(`not as ${type.replaceAll('"', '\'').replaceAll('\t', '?')}`)
      }
    })

    it('refuses a body without a media type, and an absent body, with 400', async () => {
      expectRefusal(await post(Buffer.from(good()), {}))
      const { body, status } = await sendRaw(server.origin, ['POST /oauth/v2/token HTTP/1.1', 'Host: x', 'Content-Length: 0', 'Connection: close'])
      expect({ status, ...JSON.parse(body) as object }).toMatchObject({ status: 400, error: 'invalid_request' }) // an error body is an object
    })

    it('refuses a JSON body with the same members', async () => {
      const { id, secret } = scene.partner
      expectRefusal(await post(JSON.stringify({ grant_type: 'client_credentials', client_id: id, client_secret: secret }), { 'Content-Type': 'application/json' }))
    })

    it('refuses a compressed body, whatever it claims to be', async () => {
      for (const encoding of ['gzip', 'br', 'deflate', 'identity, gzip']) expectRefusal(await post(good(), { 'Content-Type': form, 'Content-Encoding': encoding }))
      expect((await post(good(), { 'Content-Type': form, 'Content-Encoding': 'identity' })).status).toBe(200)
    })
  })

  describe('row 3: well-formed percent-encoding and UTF-8, no control characters, at most 64 parameters', () => {
    const malformed: [string, string][] = [
      ['a lone percent sign', '&x=%'], ['a percent sign without two hex digits', '&x=%4'], ['no hex digits', '&x=%zz'], ['an overlong encoding', '&x=%c0%af'],
      ['an encoded surrogate', '&x=%ed%a0%80'], ['a broken sequence', '&x=%e2%82'], ['a name that is malformed', '&%f=1'],
      ['an encoded NUL', '&x=a%00b'], ['an encoded newline', '&x=a%0Ab'], ['a DEL', '&x=%7f'], ['a raw tab', '&x=a\tb'], ['a control character in a name', '&x%01=a']
    ]
    it.each(malformed)('refuses %s', async (_, more) => {
      expectRefusal(await post(good(more)))
    })

    it('refuses octets that are not UTF-8', async () => {
      expectRefusal(await post(Buffer.concat([Buffer.from(good('&x=')), Buffer.from([0xff])])))
    })

    it('accepts 64 parameters and refuses 65', async () => {
      const extra = (count: number): string => Array.from({ length: count }, (_, index) => `&p${index}=x`).join('')
      expect((await post(good(extra(60)))).status).toBe(200)
      expectRefusal(await post(good(extra(61))))
    })

    it('accepts raw and encoded UTF-8', async () => {
      expect((await post(good('&x=ü€𝄞&y=%C3%BC'))).status).toBe(200)
    })
  })

  describe('row 4: no parameter twice', () => {
    it.each(['grant_type', 'client_id', 'client_secret', 'scope', 'client_assertion', 'unknown'])('S6 refuses %s twice, and names it', async (name) => {
      for (const value of ['a', '']) {
        const answer = await post(good(`&${name}=${value}&${name}=b`))
        expectRefusal(answer)
        expect(answer.json['error_description']).toContain(name)
      }
    })

    it('S6 refuses one that is repeated in another spelling of its name', async () => {
      expectRefusal(await post(good('&%73cope=tournaments:read')))
    })

    it('S6 refuses a repeated parameter in the query, and a parameter of the body in the query', async () => {
      expectRefusal(await post(good(), { 'Content-Type': form }, 'token?x=1&x=2'))
      for (const name of ['scope', 'grant_type', 'client_id', 'resource']) expectRefusal(await post(good(), { 'Content-Type': form }, `token?${name}=a`))
    })

    it('lets resource repeat', async () => {
      const same = encodeURIComponent('https://api.example.com')
      expect((await post(good(`&resource=${same}&resource=${same}`))).status).toBe(200)
    })

    it('ignores unknown parameters, in the query too', async () => {
      expect((await post(good('&foo=bar&__proto__=x&constructor=y'), { 'Content-Type': form }, 'token?foo=bar')).status).toBe(200)
    })

    it('counts an empty value as absent', async () => {
      const { status, json } = await requestToken(server, scene.partner, { scope: '', resource: '', grant_type: '' })
      expect({ status, scope: json['scope'] }).toEqual({ status: 200, scope: 'tournaments:read' })
    })
  })

  it('R42 closes the connection on a request whose length is ambiguous, with 400', async () => {
    const body = good()
    const ambiguous = [[`Content-Length: ${body.length + 1}`], ['Transfer-Encoding: chunked'], [`Content-Length: ${body.length}, ${body.length}`]]
    for (const lines of ambiguous) {
      const { status, header } = await sendRaw(server.origin, formLines('/oauth/v2/token', body, lines).filter((line) => line !== 'Connection: close'), body)
      expect(status, lines[0]).toBe(400)
      expect(header('Connection')).toBe('close')
    }
  })
})

describe('RFC 6749 §4.4.2 Access token request', () => {
  it('row 5: an absent grant_type means client_credentials when the body carries client_secret', async () => {
    expect((await requestToken(server, scene.partner)).status).toBe(200)
  })

  it.each(['assertion', 'client_assertion', 'subject_token', 'actor_token', 'refresh_token', 'token', 'code'])('row 5: it is an error beside %s', async (name) => {
    const answer = await requestToken(server, scene.partner, { [name]: 'x' })
    expectRefusal(answer)
    expect(answer.json['error_description']).toContain('grant_type')
  })

  it('row 5: it is an error with Basic credentials, and with none', async () => {
    expectRefusal(await postForm(`${server.issuer}/oauth/v2/token`, { scope: 'tournaments:read' }, basic(scene.partner.id, scene.partner.secret)))
    expectRefusal(await postForm(`${server.issuer}/oauth/v2/token`, {}))
  })

  it('row 5: REQUIRE_GRANT_TYPE=true makes it an error always', async () => {
    const strict = await server.startSibling({ REQUIRE_GRANT_TYPE: 'true' })
    const token = `${strict.origin}/oauth/v2/token`
    const credentials = { client_id: scene.partner.id, client_secret: scene.partner.secret }
    expectRefusal(await postForm(token, credentials))
    expect((await postForm(token, { ...credentials, grant_type: 'client_credentials' })).status).toBe(200)
  })

  it.each(['password', 'authorization_code', 'refresh_token', 'implicit', 'urn:ietf:params:oauth:grant-type:saml2-bearer', 'urn:ietf:params:oauth:grant-type:device_code', 'urn:ietf:params:oauth:grant-type:Token-Exchange',
    'Client_Credentials', 'client_credentials ', 'constructor', '__proto__', 'ü'])('row 6: answers unsupported_grant_type to %s', async (grantType) => {
    const answer = await requestToken(server, scene.partner, { grant_type: grantType })
    expectRefusal(answer, 400, 'unsupported_grant_type')
  })

  it('row 10: answers unauthorized_client when the client may not use the grant', async () => {
    const answer = await requestToken(server, scene.api, { grant_type: 'client_credentials', scope: 'tournaments:read' })
    expectRefusal(answer, 400, 'unauthorized_client')
  })

  it('reads nothing of another grant: no username, password or redirect_uri matters', async () => {
    expect((await requestToken(server, scene.partner, { grant_type: 'client_credentials', username: 'a', redirect_uri: 'https://x' })).status).toBe(200)
  })
})
