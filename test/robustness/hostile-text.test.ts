import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { basic, introspect, known, postForm, requestToken, revoke, send, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const endpoints = { token: '/oauth/v2/token', introspection: '/oauth/v2/introspect', revocation: '/oauth/v2/revoke' } as const

/** Each is a value (or a name) of a form, as it goes over the wire. */
const malformed: Readonly<Record<string, string | Buffer>> = {
  'a lone percent sign': 'a%',
  'half an escape': 'a%4',
  'an escape that is not hexadecimal': 'a%zz',
  'an overlong encoding of a slash': '%C0%AF',
  'an overlong encoding of NUL': '%C0%80',
  'an encoded surrogate': '%ED%A0%80',
  'a code point beyond Unicode': '%F4%90%80%80',
  'an escaped octet that is no UTF-8': '%FF',
  'a raw octet that is no UTF-8': Buffer.from([0x61, 0xff]),
  'half a raw UTF-8 character': Buffer.from([0xe2, 0x82]),
  'an escaped NUL': 'a%00b',
  'a raw NUL': 'a\0b',
  'an escaped line feed': 'a%0Ab',
  'an escaped carriage return': 'a%0Db',
  'a raw line end': 'a\r\nb',
  'a raw tab': 'a\tb',
  'an escaped DEL': 'a%7Fb',
  'an escaped escape character': 'a%1B[31m'
}

const strange = ['é', 'ſ', '😀', '\u0085', '\u2028', '\ufeff', '\u202e', '\'; DROP TABLE clients; --', '<script>', '{{7*7}}', '../../etc/passwd', '__proto__', 'constructor', 'toString', 'hasOwnProperty']

describe('hostile text, wherever a string enters', () => {
  let server: TestServer
  let scene: Scene

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    await known(server, scene.api)
  })
  afterAll(async () => { await server.stop() })

  function post (path: string, body: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return send(server.issuer + path, { method: 'POST', body: new Uint8Array(body), headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers } })
  }

  function credentials ({ id, secret }: RegisteredClient): string {
    return `client_id=${id}&client_secret=${secret}`
  }

  for (const [name, value] of Object.entries(malformed)) {
    it(`answers ${name} with 400 invalid_request as any value and as a name, on every endpoint`, async () => {
      const octets = Buffer.from(value)
      for (const path of Object.values(endpoints)) {
        for (const parameter of ['client_id', 'client_secret', 'grant_type', 'scope', 'resource', 'token', 'unheard_of']) {
          const { status, json } = await post(path, Buffer.concat([Buffer.from(`${parameter}=`), octets]), basic(scene.api.id, scene.api.secret))
          expect([status, json['error']], `${path} ${parameter}`).toEqual([400, 'invalid_request'])
        }
        const { status } = await post(path, Buffer.concat([Buffer.from(`${credentials(scene.api)}&`), octets, Buffer.from('=v')]))
        expect(status, `${path}, as a name`).toBe(400)
      }
    })

    it(`answers ${name} in Basic credentials with 401 and a challenge, on every endpoint`, async () => {
      const octets = Buffer.from(value)
      const pairs = [Buffer.concat([octets, Buffer.from(':secret')]), Buffer.concat([Buffer.from(`${scene.api.id}:`), octets])]
      for (const path of Object.values(endpoints)) {
        for (const pair of pairs) {
          const { status, json, headers } = await post(path, Buffer.from('grant_type=client_credentials&token=a'), { Authorization: `Basic ${pair.toString('base64')}` })
          expect([status, json['error']], path).toEqual([401, 'invalid_client'])
          expect(headers.get('www-authenticate')).toBe('Basic realm="signet", charset="UTF-8"')
        }
      }
    })
  }

  it('answers what looks like Basic credentials and is none with 401, on every endpoint (S10)', async () => {
    const headers = ['Basic', 'Basic ', 'Basic :', 'Basic ====', 'Basic %%%', 'Basic YQ', 'Basic Og==', 'Basic YTo=', 'Basic OmI=', 'Basic a b', 'Bearer abc', 'Negotiate', 'basic', 'BasicYTpi', 'Basic YTpi,Basic YTpi', `Basic ${'YTpi'.repeat(3000)}`]
    for (const path of Object.values(endpoints)) {
      for (const authorization of headers) {
        const { status, json } = await postForm(server.issuer + path, { grant_type: 'client_credentials', token: 'a' }, { Authorization: authorization })
        expect([status, json['error']], `${path} ${authorization.slice(0, 40)}`).toEqual([401, 'invalid_client'])
      }
    }
  })

  it('knows no client of a strange name, and says so in one way (S4)', async () => {
    const reference = await requestToken(server, { ...scene.partner, id: 'cl_live_unknown' })
    expect(reference.status).toBe(401)
    for (const id of strange) {
      for (const answer of [await requestToken(server, { ...scene.partner, id }), await introspect(server, { ...scene.api, id }, 'a'), await revoke(server, { ...scene.api, id }, 'a')]) {
        expect([answer.status, answer.text], id).toEqual([401, reference.text])
      }
    }
  })

  it('takes another spelling of a client id for nobody\'s (R28)', async () => {
    const { id } = scene.partner
    const spellings = [id.toUpperCase(), id.replace('cl_live', 'CL_LIVE'), ` ${id}`, `${id} `, `${id}.`, `${id}/`, `${id}%20`, `${id}\u200b`, `\ufeff${id}`, id.replace('l', 'ｌ'), id.replace('i', 'ı'), id.replace('live', 'test'), `${id},${id}`]
    for (const spelling of spellings) expect((await requestToken(server, { ...scene.partner, id: spelling })).status, spelling).toBe(401)
    // Percent-encoding is the form's own, not another spelling.
    const escaped = id.replace(/./g, (character) => `%${character.charCodeAt(0).toString(16)}`)
    expect((await post(endpoints.token, Buffer.from(`client_id=${escaped}&client_secret=${scene.partner.secret}`))).status).toBe(200)
  })

  it('refuses strange scopes, targets and grant types by name, in the characters that RFC 6749 §5.2 allows', async () => {
    for (const text of strange) {
      const answers = {
        invalid_scope: await requestToken(server, scene.partner, { scope: text.replaceAll(' ', '_') }),
        invalid_target: await requestToken(server, scene.partner, { resource: text }),
        unsupported_grant_type: await requestToken(server, scene.partner, { grant_type: text })
      }
      for (const [error, { status, json }] of Object.entries(answers)) {
        expect([status, json['error']], text).toEqual([400, error])
        expect(json['error_description'], text).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]{1,200}$/)
      }
    }
  })

  it('ignores parameters named like members of Object.prototype', async () => {
    const { status, json } = await requestToken(server, scene.partner, { ['__proto__']: 'x', constructor: 'x', toString: 'x', hasOwnProperty: 'x', 'a[__proto__]': 'x', 'scope[]': 'y', scope: 'tournaments:read' })
    expect([status, json['scope']]).toEqual([200, 'tournaments:read'])
    expect(({} as Record<string, unknown>)['x']).toBeUndefined() // an empty object has whatever was put on its prototype
  })

  it('finds strange strings inactive, and nothing to revoke in them', async () => {
    for (const text of [...strange, 'a.b.c', '..', 'e30.e30.e30', '%', 'null', 'Bearer a']) {
      expect((await introspect(server, scene.api, text)).text, text).toBe('{"active":false}')
      const { status, text: body } = await revoke(server, scene.partner, text)
      expect([status, body], text).toEqual([200, ''])
    }
  })

  it('keeps a sane X-Request-Id, and replaces any other by one of its own', async () => {
    for (const [given, kept] of [['order-2026-11-23:0001', true], ['short', false], ['a b c d e f g h', false], ['x'.repeat(129), false], ['<script>alert(1)</script>', false], ['aaaaaaaa, bbbbbbbb', false]] as const) {
      const { headers } = await send(`${server.issuer}/oauth/v2/jwks`, { headers: { 'X-Request-Id': given } })
      if (kept) expect(headers.get('x-request-id')).toBe(given)
      else expect(headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/)
    }
  })

  it('has logged neither a secret nor a server error in all of this', () => {
    const text = JSON.stringify(server.logs)
    expect(text).not.toContain(scene.partner.secret)
    expect(text).not.toContain(scene.api.secret)
    expect(server.logs.filter(({ status }) => Number(status) >= 500)).toEqual([])
  })
})
