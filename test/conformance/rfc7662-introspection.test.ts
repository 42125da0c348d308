import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { partsOf } from '../support/forged-tokens.ts'
import { basic, introspect, known, postForm, revoke, send, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const inactive = '{"active":false}'

describe('RFC 7662 Token introspection', () => {
  let server: TestServer
  let scene: Scene
  let otherApi: RegisteredClient
  let token: string
  let now = Date.now()

  beforeAll(async () => {
    server = await startTestServer({ clock: () => now })
    scene = await server.fixtures.scene()
    const other = await server.fixtures.resource('https://other.example.com', { 'other:read': false })
    otherApi = await server.fixtures.client({ organizationId: scene.organization.id, resourceId: other.id })
    await known(server, otherApi)
    token = await tokenOf(server, scene.partner)
  })
  afterAll(async () => { await server.stop() })

  describe('§2.1 request', () => {
    it('takes both ways of client authentication', async () => {
      const { id, secret } = scene.api
      const url = `${server.issuer}/oauth/v2/introspect`
      expect((await postForm(url, { token }, basic(id, secret))).json['active']).toBe(true)
      expect((await postForm(url, { token, client_id: id, client_secret: secret })).json['active']).toBe(true)
    })

    it('S33 answers 401 with a challenge to no caller and to a wrong one', async () => {
      const { id, secret } = scene.api
      const attempts: [string, string | undefined, string | undefined][] = [
        ['no caller', undefined, undefined], ['a wrong secret', id, `${secret}x`], ['an unknown client', 'cl_live_00000000000000000000', secret], ['a client without its secret', id, undefined]
      ]
      for (const [who, clientId, clientSecret] of attempts) {
        const parameters = { token, ...clientId === undefined ? {} : { client_id: clientId }, ...clientSecret === undefined ? {} : { client_secret: clientSecret } }
        const { status, json, headers, text } = await postForm(`${server.issuer}/oauth/v2/introspect`, parameters)
        expect({ status, error: json['error'] }, who).toEqual({ status: 401, error: 'invalid_client' })
        expect(headers.get('WWW-Authenticate')).toContain('Basic')
        expect(text).not.toContain('active')
      }
    })

    it('S33 does not take the token itself, as a Bearer token, for authentication', async () => {
      expect((await postForm(`${server.issuer}/oauth/v2/introspect`, { token }, { Authorization: `Bearer ${token}` })).status).toBe(401)
    })

    it('answers 400 when token is missing, empty or there twice', async () => {
      const { id, secret } = scene.api
      for (const body of ['', 'token=', `token=${token}&token=${token}`, 'token_type_hint=access_token']) {
        const { status, json } = await send(`${server.issuer}/oauth/v2/introspect`, {
          method: 'POST', body, headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...basic(id, secret) }
        })
        expect({ status, error: json['error'] }, body.slice(0, 20)).toEqual({ status: 400, error: 'invalid_request' })
      }
    })

    it('heeds no token_type_hint, known or not', async () => {
      for (const hint of ['access_token', 'refresh_token', 'nonsense']) {
        const { json } = await postForm(`${server.issuer}/oauth/v2/introspect`, { token, token_type_hint: hint }, basic(scene.api.id, scene.api.secret))
        expect(json['active'], hint).toBe(true)
      }
    })

    it('S16 refuses a token in the query', async () => {
      for (const name of ['token', 'access_token']) {
        expect((await postForm(`${server.issuer}/oauth/v2/introspect?${name}=${token}`, { token }, basic(scene.api.id, scene.api.secret))).status).toBe(400)
      }
      expect(JSON.stringify(server.logs)).not.toContain(token)
    })
  })

  describe('§2.2 response', () => {
    it('tells what is in an active token: exactly its claims, and that it is a Bearer token', async () => {
      const { status, json, headers } = await introspect(server, scene.api, token)
      expect(status).toBe(200)
      expect(json).toEqual({ active: true, token_type: 'Bearer', ...partsOf(token).claims })
      expect(headers.get('Content-Type')).toContain('application/json')
      expect(headers.get('Cache-Control')).toBe('no-store')
      expect(headers.get('Pragma')).toBe('no-cache')
    })

    const garbage = ['x', '.', '..', 'a.b.c', 'null', '{}', 'eyJhbGciOiJSUzI1NiJ9', 'eyJhbGciOiJSUzI1NiJ9..', '😀', ' '.repeat(100), '%', 'a.b.c.d.e', '../../etc/passwd', '\'; DROP TABLE clients; --', '0'.repeat(16_000)]
    it.each(garbage.map((text) => [text.slice(0, 30), text]))('S34 answers exactly {"active":false} to %j', async (_, text) => {
      const answer = await introspect(server, scene.api, text)
      expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: inactive })
    })

    it('S34 answers exactly {"active":false} to a secret, a client id and a part of a token', async () => {
      for (const text of [scene.partner.secret, scene.partner.id, token.slice(0, -10), token.slice(5), token.split('.').slice(0, 2).join('.')]) {
        expect((await introspect(server, scene.api, text)).text).toBe(inactive)
      }
    })

    it('S34 answers exactly {"active":false} to a revoked token', async () => {
      const revoked = await tokenOf(server, scene.partner)
      expect((await revoke(server, scene.partner, revoked)).status).toBe(200)
      expect((await introspect(server, scene.api, revoked)).text).toBe(inactive)
    })

    it('S34 answers exactly {"active":false} from the second on in which the token expires', async () => {
      const issued = await tokenOf(server, scene.partner)
      const before = now
      now = Number(partsOf(issued).claims['exp']) * 1000 - 1
      expect((await introspect(server, scene.api, issued)).json['active']).toBe(true)
      now += 1
      expect((await introspect(server, scene.api, issued)).text).toBe(inactive)
      now = before
    })

    it('S37 answers exactly {"active":false} to a caller outside the audience', async () => {
      expect((await introspect(server, otherApi, token)).text).toBe(inactive)
    })

    it('S37 answers exactly {"active":false} to a caller that stands for no resource, even about its own token', async () => {
      expect((await introspect(server, scene.partner, token)).text).toBe(inactive)
    })

    it('gives each kind of inactive token the same bytes, and the reason to the operator only', async () => {
      const answer = await introspect(server, otherApi, token)
      const line = server.logs.find(({ requestId }) => requestId === answer.headers.get('X-Request-Id'))
      expect(line).toMatchObject({ outcome: 'token.introspected_inactive', clientId: otherApi.id })
      expect(String(line?.['cause'])).toContain('another resource')
    })

    it('believes only the one canonical spelling of a token', async () => {
      const spellings = [`${token}=`, `${token}==`, ` ${token}`, `${token} `, `${token}.`, token.replaceAll('.', '. '), respellLast(token), token.replaceAll('-', '+').replaceAll('_', '/')]
      for (const spelling of spellings.filter((each) => each !== token)) {
        expect((await introspect(server, scene.api, spelling)).text, spelling.slice(-12)).toBe(inactive)
      }
    })

    it('R36 refuses a token of nothing but dots at once', async () => {
      const durations: number[] = []
      for (let round = 0; round < 10; round += 1) {
        const startedAt = performance.now()
        expect((await introspect(server, scene.api, '.'.repeat(16_000))).text).toBe(inactive)
        durations.push(performance.now() - startedAt)
      }
      expect(Math.min(...durations)).toBeLessThan(5)
      expect((await introspect(server, scene.api, '.'.repeat(1_000_000))).status).toBe(413)
    })
  })

  describe('§4 stored facts beat the token\'s own claims (S38)', () => {
    it('S34 answers inactive within a second when the client is deleted', async () => {
      const client = await server.fixtures.client({ organizationId: scene.organization.id })
      await known(server, client)
      const issued = await tokenOf(server, client)
      expect((await introspect(server, scene.api, issued)).json['active']).toBe(true)
      await server.database.client.delete({ where: { id: client.id } })
      expect(await within(1, async () => (await introspect(server, scene.api, issued)).text === inactive)).toBe(true)
    })

    it('S38 answers inactive when the client was moved to another organization', async () => {
      const client = await server.fixtures.client({ organizationId: scene.organization.id })
      await known(server, client)
      const issued = await tokenOf(server, client)
      const organizationId = (await server.fixtures.organization()).id
      await server.database.client.update({ where: { id: client.id }, data: { organizationId } })
      expect(await within(1, async () => (await introspect(server, scene.api, issued)).text === inactive)).toBe(true)
    })
  })
})

/** The last character carries unused bits: another one decodes to the same octets. */
function respellLast (token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + alphabet.charAt(alphabet.indexOf(token.slice(-1)) ^ 1)
}
