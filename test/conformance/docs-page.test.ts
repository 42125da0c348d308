import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { shellVariables } from '../../src/docs/curl.ts'
import type { OpenApiDocument } from '../../src/docs/openapi-types.ts'
import { errorTable } from '../../src/oauth/errors.ts'
import { tokenExchangeGrant } from '../../src/oauth/grant-types.ts'
import { samples } from '../../src/oauth/samples.ts'
import { readDocument } from '../documents/markdown.ts'
import { assertionFor } from '../support/assertions.ts'
import { operationsOf } from '../support/openapi.ts'
import { known, send, tokenOf, type Answer } from '../support/requests.ts'
import { freePort, startTestServer, type TestServer } from '../support/server.ts'
import { listIdOf } from '../support/status.ts'

const hasCurl = await once(execFile('curl', ['--version']), 'exit').then(([code]) => code === 0, () => false)

/** Below a path, where a link that forgets it leads nowhere. */
describe('the page /docs', () => {
  let server: TestServer
  let page: Answer
  let document: OpenApiDocument

  beforeAll(async () => {
    const port = await freePort()
    server = await startTestServer({ environment: { PORT: String(port), ISSUER: `http://127.0.0.1:${port}/auth/v1` } })
    page = await send(`${server.issuer}/docs`)
    document = (await send(`${server.issuer}/docs/openapi.json`)).json as unknown as OpenApiDocument // documents/openapi.test.ts holds that it is one
  })
  afterAll(async () => { await server.stop() })

  it('is HTML that may be cached, and below the issuer\'s path only', async () => {
    expect(page.status).toBe(200)
    expect(page.headers.get('Content-Type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('Cache-Control')).toBe('public, max-age=3600')
    expect(page.headers.get('Pragma')).toBeNull()
    for (const path of ['/docs', '/docs/openapi.json', '/docs/errors']) expect((await send(server.origin + path)).status, path).toBe(404)
  })

  it.each(['/docs', '/docs/errors'])('%s runs no script, takes no input and loads nothing: its style is in it, and allowed by its hash', async (path) => {
    const { text, headers } = await send(server.issuer + path)
    expect(text).not.toMatch(/<(script|form|input|textarea|button|iframe|object|embed|img|link|base)\b|\son\w+=|\ssrc=|\sstyle=|javascript:/i)
    const [style = '', ...more] = [...text.matchAll(/<style>([^]*?)<\/style>/g)].map(([, each = '']) => each)
    expect(more).toEqual([])
    expect(style).not.toMatch(/url\(|@import|@font-face/i)
    expect(headers.get('Content-Security-Policy')).toBe(`default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`)
  })

  it('links to places that are there, and outside to specifications only', async () => {
    const ids = idsOf(page.text)
    expect(new Set(ids).size).toBe(ids.length)
    const targets = { '': new Set(ids), '/auth/v1/docs': new Set(ids), '/auth/v1/docs/errors': new Set(idsOf((await send(`${server.issuer}/docs/errors`)).text)), '/auth/v1/docs/openapi.json': new Set<string>() }
    const links = [...page.text.matchAll(/ href="([^"]+)"/g)].map(([, link = '']) => link)
    expect(links.length).toBeGreaterThan(50)
    for (const link of links) {
      if (/^https:\/\/(www\.rfc-editor\.org\/rfc|spec\.openapis\.org|datatracker\.ietf\.org\/doc\/html)\//.test(link)) continue
      const [path = '', anchor] = link.split('#')
      const anchors = Object.entries(targets).find(([target]) => target === path)?.[1]
      expect(anchors, link).toBeDefined()
      if (anchor !== undefined) expect(anchors?.has(anchor), link).toBe(true)
    }
  })

  it('has every operation with its anchor, its paths, its parameters, its answers and its errors', () => {
    for (const { path, server: base, operation } of operationsOf(document)) {
      expect(page.text.includes(`<span>${base}${path}</span>`), path).toBe(true)
      if (operation['x-same-as'] === undefined) expect(page.text.includes(`<article id="${operation.operationId}">`), operation.operationId).toBe(true)
    }
    const members = Object.values(document.components.schemas).flatMap(({ properties = {}, anyOf = [] }) => [...Object.keys(properties), ...anyOf.flatMap((each) => Object.keys(each.properties ?? {}))])
    expect(members.length).toBeGreaterThan(40)
    const terms = [...members, ...Object.keys(document.components.headers), ...Object.keys(document.components.parameters)].map((name) => `<dt><code>${name}</code>`)
    const codes = Object.keys(errorTable).map((code) => `<a href="/auth/v1/docs/errors#${code}"><code>${code}</code></a>`)
    const statuses = ['200', '304', '400', '401', '404', '405', '408', '413', '414', '431', '500', '503'].map((status) => `>${status}</span>`)
    expect([...terms, ...codes, ...statuses].filter((shown) => !page.text.includes(shown))).toEqual([])
  })

  it('shows nothing of the examples\' placeholders', () => {
    expect(page.text).not.toMatch(/ISSUER|127\.0\.0\.1:8080|undefined|\[object|\$ref/)
  })

  it.skipIf(!hasCurl)('has commands that can be pasted as they are, and each is answered the status that is shown below it', async () => {
    const { partner, api, resource } = await server.fixtures.scene()
    const other = await server.fixtures.client({ organizationId: partner.client.organizationId })
    const login = await server.fixtures.client({ organizationId: partner.client.organizationId, type: 'jwt', scopes: ['tournaments:read'] })
    const stats = await server.fixtures.resource(samples.backResource, { [samples.backScope]: true })
    const service = await server.fixtures.client({ organizationId: partner.client.organizationId, resourceId: resource.id, scopes: [samples.backScope], grants: ['client_credentials', tokenExchangeGrant], exchangeResources: [stats.id] })
    const tester = await server.fixtures.client({ organizationId: partner.client.organizationId, environment: 'test', scopes: ['tournaments:read'] })
    for (const client of [api, other, login, service, tester]) await known(server, client)
    const values = { client_id: partner.id, client_secret: partner.secret, api_id: api.id, api_secret: api.secret, other_id: other.id, other_secret: other.secret, login_id: login.id, login_secret: login.secret, assertion: assertionFor('player-1001', login, server.issuer, Date.now()), service_id: service.id, service_secret: service.secret, service_token: await tokenOf(server, service, samples.backScope), token: await tokenOf(server, partner), list_id: listIdOf(await tokenOf(server, partner)), test_list_id: listIdOf(await tokenOf(server, tester)) }
    expect(Object.keys(values)).toEqual(Object.keys(shellVariables))
    const shown = [...page.text.matchAll(/<pre class="curl">([^]*?)<\/pre><pre class="answer"><span class="soft">HTTP\/1\.1 (\d+) /g)].map(([, command = '', status = '']) => ({ command: textOf(command), status }))
    expect(shown.length).toBeGreaterThan(30)
    const script = ['curl () { command curl --silent --show-error --noproxy "*" --output /dev/null --write-out "%{http_code}\\n" "$@"; }', ...shown.map(({ command }) => command)].join('\n')
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { env: { PATH: process.env['PATH'], ...values } })
    expect(stdout.trim().split('\n').map((status, index) => [shown[index]?.command, status])).toEqual(shown.map(({ command, status }) => [command, status]))
  })
})

describe('the document /docs/openapi.json', () => {
  let server: TestServer

  beforeAll(async () => { server = await startTestServer() })
  afterAll(async () => { await server.stop() })

  it('names the issuer of the server, and the origin for what is not below it', async () => {
    const { json, headers } = await send(`${server.issuer}/docs/openapi.json`)
    expect(json['servers']).toEqual([expect.objectContaining({ url: '{issuer}', variables: { issuer: expect.objectContaining({ default: server.issuer }) as unknown } })])
    expect(JSON.stringify(json)).not.toMatch(/ISSUER|127\.0\.0\.1:8080/)
    expect(headers.get('Content-Type')).toContain('application/json')
    expect(headers.get('Access-Control-Allow-Origin')).toBe('*')
  })

  it('is the document of the repository, but for the issuer', async () => {
    const { text } = await send(`${server.issuer}/docs/openapi.json`)
    expect(text.replaceAll(server.issuer, 'http://127.0.0.1:8080') === readDocument('docs/openapi.json')).toBe(true)
  })
})

function idsOf (text: string): string[] {
  return [...text.matchAll(/ id="([^"]+)"/g)].map(([, id = '']) => id)
}

/** What a reader copies. */
function textOf (markup: string): string {
  return markup.replace(/<[^>]+>/g, '').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
}
