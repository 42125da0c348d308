import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { basic, known, requestToken, send, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const api = 'https://api.example.com'
const other = 'https://other.example.com/v1?tenant=a'

let server: TestServer
let scene: Scene
/** Granted scopes of two resources, a default one of each. */
let wide: RegisteredClient
/** Granted one scope, which is not a default one. */
let narrow: RegisteredClient

beforeAll(async () => {
  server = await startTestServer()
  scene = await server.fixtures.scene()
  await server.fixtures.resource(other, { 'other:read': true, 'other:write': false })
  const organizationId = scene.organization.id
  wide = await server.fixtures.client({ organizationId, scopes: ['tournaments:read', 'tournaments:write', 'other:read'] })
  narrow = await server.fixtures.client({ organizationId, scopes: ['tournaments:write'] })
  await known(server, narrow)
})
afterAll(async () => { await server.stop() })

function ask (client: RegisteredClient, scope: string, resource?: string): Promise<Answer> {
  return requestToken(server, client, { scope, ...resource === undefined ? {} : { resource } })
}

function expectRefusal ({ status, json }: Answer, error = 'invalid_scope'): void {
  expect({ status, error: json['error'] }).toEqual({ status: 400, error })
}

/** With `resource` as often as it is given. */
function askWithTargets (client: RegisteredClient, scope: string | undefined, targets: readonly string[]): Promise<Answer> {
  const body = new URLSearchParams({ grant_type: 'client_credentials' })
  if (scope !== undefined) body.set('scope', scope)
  for (const target of targets) body.append('resource', target)
  return send(`${server.issuer}/oauth/v2/token`, {
    method: 'POST', body: body.toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...basic(client.id, client.secret) }
  })
}

describe('RFC 6749 §3.3 Access token scope', () => {
  it('grants exactly the scopes asked for, in their order, each once', async () => {
    expect((await ask(scene.partner, 'tournaments:write tournaments:read')).json['scope']).toBe('tournaments:write tournaments:read')
    expect((await ask(scene.partner, 'tournaments:read')).json['scope']).toBe('tournaments:read')
    expect((await ask(scene.partner, 'tournaments:read tournaments:read')).json['scope']).toBe('tournaments:read')
  })

  it('grants the client\'s default scopes when none are asked for, and says which', async () => {
    const { status, json } = await requestToken(server, scene.partner)
    expect({ status, scope: json['scope'] }).toEqual({ status: 200, scope: 'tournaments:read' })
  })

  it('answers invalid_scope when none are asked for and the client has no default ones', async () => {
    expectRefusal(await requestToken(server, narrow))
  })

  const malformed: [string, string][] = [
    ['two spaces', 'tournaments:read  tournaments:write'], ['a leading space', ' tournaments:read'], ['a trailing space', 'tournaments:read '], ['only a space', ' '],
    ['a quotation mark', 'a"b'], ['a backslash', 'a\\b'], ['a letter outside ASCII', 'tournaments:réad'], ['a no-break space', 'a\u00a0b']
  ]
  it.each(malformed)('row 13: refuses a scope with %s', async (_, scope) => {
    expectRefusal(await ask(scene.partner, scope))
  })

  it('row 13: refuses more than 100 items, even of one scope', async () => {
    expect((await ask(scene.partner, Array(100).fill('tournaments:read').join(' '))).status).toBe(200)
    expectRefusal(await ask(scene.partner, Array(101).fill('tournaments:read').join(' ')))
  })

  it('row 13: refuses what does not exist and what is not granted, names them, and drops nothing silently', async () => {
    const answer = await ask(narrow, 'tournaments:write tournaments:read nothing:at-all')
    expectRefusal(answer)
    expect(answer.json['error_description']).toContain('tournaments:read nothing:at-all')
    expect(answer.json['error_description']).not.toContain('tournaments:write')
  })

  it('row 13: does not tell a scope that exists from one that does not', async () => {
    const [ungranted, unknown] = await Promise.all([ask(narrow, 'other:write'), ask(narrow, 'other:wrote')])
    expect(ungranted.text.replaceAll('other:write', 'x')).toBe(unknown.text.replaceAll('other:wrote', 'x'))
  })

  it('row 13: matches exactly: no case, no prefix, no wildcard', async () => {
    for (const scope of ['Tournaments:read', 'tournaments', 'tournaments:', 'tournaments:*', '*', 'tournaments:read,tournaments:write', '__proto__', 'constructor']) {
      expectRefusal(await ask(scene.partner, scope))
    }
  })

  it('row 14: refuses scopes of two resources', async () => {
    expectRefusal(await ask(wide, 'tournaments:read other:read'))
  })

  it('row 14: refuses default scopes of two resources, when none are asked for and no resource is named', async () => {
    expectRefusal(await requestToken(server, wide))
  })

  it('R16 refuses a scope of as many items as the body can hold, and looks at no more than a hundred and one of them', async () => {
    expectRefusal(await ask(scene.partner, 'a '.repeat(8_000)))
    expectRefusal(await ask(scene.partner, `${'a '.repeat(100)}"`)) // the malformed one is not reached
    expect((await ask(scene.partner, 'a '.repeat(100_000))).status).toBe(413)
  })

  it('refuses scopes whose token would be larger than 4 KiB', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `long:${String(index).padStart(100, '0')}`)
    await server.fixtures.resource('https://long.example.com', Object.fromEntries(names.map((name) => [name, false])))
    const greedy = await server.fixtures.client({ organizationId: scene.organization.id, scopes: names })
    await known(server, greedy)
    expectRefusal(await ask(greedy, names.join(' ')))
    const { json } = await ask(greedy, names.slice(0, 20).join(' '))
    expect(String(json['access_token']).length).toBeLessThanOrEqual(4_096)
  })
})

describe('RFC 8707 §2 Resource parameter', () => {
  it('accepts a resource that the scopes belong to, and one given twice', async () => {
    expect((await ask(scene.partner, 'tournaments:read', api)).status).toBe(200)
    expect((await askWithTargets(scene.partner, 'tournaments:read', [api, api])).status).toBe(200)
    expect((await ask(wide, 'other:read', other)).status).toBe(200)
  })

  it('chooses the default scopes of the resource named', async () => {
    expect((await askWithTargets(wide, undefined, [api])).json['scope']).toBe('tournaments:read')
    expect((await askWithTargets(wide, undefined, [other])).json['scope']).toBe('other:read')
  })

  const refused: [string, string][] = [
    ['a relative reference', '/v1'], ['no URI', 'api.example.com'], ['a fragment', `${api}#x`], ['an empty fragment', `${api}#`], ['an unknown resource', 'https://unknown.example.com'],
    ['a trailing slash too many', `${api}/`], ['another case', 'https://API.example.com'], ['another scheme', 'http://api.example.com'], ['a name of the prototype', '__proto__']
  ]
  it.each(refused)('S51 answers invalid_target to %s', async (_, resource) => {
    expectRefusal(await ask(scene.partner, 'tournaments:read', resource), 'invalid_target')
  })

  it('S51 answers invalid_target to a known resource beside an unknown one', async () => {
    for (const targets of [[api, 'https://unknown.example.com'], ['https://unknown.example.com', api]]) {
      expectRefusal(await askWithTargets(scene.partner, 'tournaments:read', targets), 'invalid_target')
    }
  })

  it('S51 answers invalid_target when the scopes belong to another resource than the one named', async () => {
    expectRefusal(await ask(wide, 'tournaments:read', other), 'invalid_target')
  })

  it('names the resource in the audience, never the parameter\'s own text', async () => {
    const { json } = await askWithTargets(wide, 'tournaments:read', [other, api])
    const [, claims = ''] = String(json['access_token']).split('.')
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ aud: api })
  })
})
