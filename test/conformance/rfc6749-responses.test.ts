import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSecretFormat } from '../../src/clients/secret-format.ts'
import { errorTable } from '../../src/oauth/errors.ts'
import type { Scene } from '../support/fixtures.ts'
import { basic, known, postForm, requestToken, send, within, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let scene: Scene

beforeAll(async () => {
  server = await startTestServer()
  scene = await server.fixtures.scene()
  await known(server, scene.api)
})
afterAll(async () => { await server.stop() })

describe('RFC 6749 §5.1 Successful response', () => {
  it('holds access_token, token_type, expires_in and scope, and nothing else', async () => {
    const { status, json, headers } = await requestToken(server, scene.partner, { scope: 'tournaments:read' })
    expect(status).toBe(200)
    expect(Object.keys(json)).toEqual(['access_token', 'token_type', 'expires_in', 'scope'])
    expect(json).toMatchObject({ token_type: 'Bearer', expires_in: 90_000, scope: 'tournaments:read' })
    expect(headers.get('Content-Type')).toMatch(/^application\/json(; charset=utf-8)?$/)
  })

  it('is never cached', async () => {
    const { headers } = await requestToken(server, scene.partner)
    expect(headers.get('Cache-Control')).toBe('no-store')
    expect(headers.get('Pragma')).toBe('no-cache')
  })

  it('issues another token each time', async () => {
    const [one, two] = await Promise.all([requestToken(server, scene.partner), requestToken(server, scene.partner)])
    expect(one.json['access_token']).not.toBe(two.json['access_token'])
  })

  it('is JSON whatever Accept says', async () => {
    for (const accept of ['text/html', 'application/xml', 'image/*', '*/*;q=0']) {
      const { headers } = await postForm(`${server.issuer}/oauth/v2/token`, { client_id: scene.partner.id, client_secret: scene.partner.secret }, { Accept: accept })
      expect(headers.get('Content-Type'), accept).toContain('application/json')
    }
  })
})

describe('RFC 6749 §5.2 Error response', () => {
  /** As the bytes would be, apart from what differs between any two answers. */
  function comparable ({ status, headers, text }: Answer): string {
    const kept = [...headers].filter(([name]) => !['x-request-id', 'date'].includes(name))
    return JSON.stringify({ status, headers: kept, text })
  }

  it('S4 answers one and the same 401 whatever is wrong with the client or its secret', async () => {
    const { fixtures, database, prepared } = server
    const organizationId = scene.organization.id
    const [disabled, expired, revoked, unregistered] = await Promise.all([1, 2, 3, 4].map(async () => fixtures.client({ organizationId })))
    if (disabled === undefined || expired === undefined || revoked === undefined || unregistered === undefined) throw new Error('four clients')
    const orphan = await fixtures.client({ organizationId: (await fixtures.organization()).id })
    for (const each of [disabled, expired, revoked, unregistered, orphan]) await known(server, each)
    const past = new Date(Date.now() - 1000)
    await database.client.update({ where: { id: disabled.id }, data: { disabledAt: past } })
    await database.clientSecret.updateMany({ where: { clientId: expired.id }, data: { expiresAt: past } })
    await database.clientSecret.updateMany({ where: { clientId: revoked.id }, data: { revokedAt: past } })
    await database.client.update({ where: { id: unregistered.id }, data: { authenticationMethods: [] } })
    await database.organization.update({ where: { id: orphan.client.organizationId }, data: { disabledAt: past } })
    if (!await within(2, async () => (await requestToken(server, orphan)).status === 401)) throw new Error('the changes were not seen')

    const format = createSecretFormat(prepared.serverKeys.secretTag)
    const { id, secret } = scene.partner
    const causes: Record<string, [string, string]> = {
      'unknown client': ['cl_live_00000000000000000000', secret],
      'unknown client, plain secret': ['cl_live_00000000000000000000', 'plain'],
      'client id of no form': ['no such client', 'plain'],
      'client id of 2000 characters': ['c'.repeat(2_000), 'plain'],
      'secret of 2000 characters': [id, 's'.repeat(2_000)],
      'wrong secret, forged': [id, `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`],
      'wrong secret, plain': [id, 'plain'],
      'genuine secret that was never stored': [id, format.generate(id, 'live').secret],
      'another client\'s secret': [id, scene.api.secret],
      'client disabled': [disabled.id, disabled.secret],
      'organization disabled': [orphan.id, orphan.secret],
      'secret expired': [expired.id, expired.secret],
      'secret revoked': [revoked.id, revoked.secret],
      'method not registered': [unregistered.id, unregistered.secret]
    }
    const token = `${server.issuer}/oauth/v2/token`
    const answers = new Map<string, string>()
    for (const [cause, [clientId, clientSecret]] of Object.entries(causes)) {
      answers.set(`${cause}, in the body`, comparable(await postForm(token, { client_id: clientId, client_secret: clientSecret, grant_type: 'client_credentials' })))
      answers.set(`${cause}, Basic`, comparable(await postForm(token, { grant_type: 'client_credentials' }, basic(clientId, clientSecret))))
    }
    const [expected] = answers.values()
    expect(expected).toContain('"status":401')
    expect(expected).toContain('"www-authenticate"')
    for (const [cause, answer] of answers) expect(answer, cause).toBe(expected)
  })

  it('tells the operator the cause that it does not tell the caller', async () => {
    const { headers } = await requestToken(server, { ...scene.partner, id: 'cl_live_00000000000000000000' })
    const line = server.logs.find(({ requestId }) => requestId === headers.get('X-Request-Id'))
    expect(line).toMatchObject({ outcome: 'invalid_client', status: 401 })
    expect(typeof line?.['cause']).toBe('string')
  })

  const refusals: [string, () => Promise<Answer>][] = [
    ['invalid_request', () => requestToken(server, scene.partner, { token: 'x' })],
    ['invalid_client', () => requestToken(server, { ...scene.partner, secret: 'x' })],
    ['unauthorized_client', () => requestToken(server, scene.api)],
    ['unsupported_grant_type', () => requestToken(server, scene.partner, { grant_type: 'password' })],
    ['invalid_scope', () => requestToken(server, scene.partner, { scope: 'x' })],
    ['invalid_target', () => requestToken(server, scene.partner, { resource: 'https://x.example' })]
  ]
  it.each(refusals)('%s: JSON with error, error_description and error_uri, never cached', async (code, refuse) => {
    const { status, json, headers } = await refuse()
    expect(status).toBe(code === 'invalid_client' ? 401 : 400)
    expect(Object.keys(json)).toEqual(['error', 'error_description', 'error_uri'])
    expect(json['error']).toBe(code)
    expect(headers.get('Content-Type')).toMatch(/^application\/json(; charset=utf-8)?$/)
    expect(headers.get('Cache-Control')).toBe('no-store')
    expect(headers.get('Pragma')).toBe('no-cache')
    expect(headers.get('WWW-Authenticate')).toBe(code === 'invalid_client' ? 'Basic realm="signet", charset="UTF-8"' : null)
  })

  it.each(refusals)('%s: error_uri leads to what the code means', async (code, refuse) => {
    const uri = new URL(String((await refuse()).json['error_uri']))
    const { status, text, headers } = await send(uri.href)
    expect({ status, fragment: uri.hash }).toEqual({ status: 200, fragment: `#${code}` })
    expect(headers.get('Content-Type')).toContain('text/html')
    expect(text).toContain(`id="${code}"`)
  })

  it('has an anchor for each code of the error table at /docs/errors', async () => {
    const { text } = await send(`${server.issuer}/docs/errors`)
    expect([...text.matchAll(/<section id="(\w+)">/g)].map(([, id]) => id)).toEqual(Object.keys(errorTable))
  })

  it('describes in the characters that RFC 6749 allows and in at most 200 of them, whatever the caller sent', async () => {
    const nasty = ['"quoted"', 'back\\slash', 'ünï€𝄞', '<script>alert(1)</script>', 'x'.repeat(5_000), '\u2028', '%n%s$(x)', '‮', '😀'.repeat(300)]
    for (const text of nasty) {
      const answers = await Promise.all([
        requestToken(server, scene.partner, { scope: text }),
        requestToken(server, scene.partner, { grant_type: text }),
        requestToken(server, scene.partner, { resource: `https://x.example/${text}` }),
        send(`${server.issuer}/oauth/v2/token`, { method: 'POST', body: `${encodeURIComponent(text)}=1&${encodeURIComponent(text)}=2`, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }),
        send(`${server.issuer}/oauth/v2/token`, { method: 'POST', body: 'x', headers: { 'Content-Type': `text/${text.replace(/[^\x20-\x7e]/g, '')}` } })
      ])
      for (const { status, json } of answers) {
        expect(status).toBe(400)
        expect(json['error_description'], text.slice(0, 20)).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]{1,200}$/)
      }
    }
  })
})
