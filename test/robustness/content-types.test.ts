import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Scene } from '../support/fixtures.ts'
import { known, tokenOf } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { exchange, jsonOf, rawRequest, type RawAnswer } from '../support/raw-http.ts'

const form = 'application/x-www-form-urlencoded'

describe('R37 content types: an odd one never skips a check', () => {
  let server: TestServer
  let scene: Scene
  let bodies: Readonly<Record<string, string>>

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    await known(server, scene.api)
    const credentialsOf = ({ id, secret }: { id: string, secret: string }): string => `client_id=${id}&client_secret=${secret}`
    const token = await tokenOf(server, scene.partner)
    bodies = {
      '/oauth/v2/token': `${credentialsOf(scene.partner)}&scope=tournaments:read`,
      '/oauth/v2/introspect': `${credentialsOf(scene.api)}&token=${token}`,
      '/oauth/v2/revoke': `${credentialsOf(scene.partner)}&token=nothing`
    }
  })
  afterAll(async () => { await server.stop() })

  /** A request that is good in all but its content type. */
  async function post (path: string, contentTypes: readonly string[]): Promise<RawAnswer> {
    const body = bodies[path] ?? ''
    const headers = [...contentTypes.map((contentType) => `Content-Type: ${contentType}`), `Content-Length: ${body.length}`, 'Connection: close']
    const { answers: [answer] } = await exchange(server.origin, rawRequest(`POST ${path}`, headers, body))
    if (answer === undefined) throw new Error('no answer')
    return answer
  }

  const paths = ['/oauth/v2/token', '/oauth/v2/introspect', '/oauth/v2/revoke']
  const accepted = [
    form, 'APPLICATION/X-WWW-FORM-URLENCODED', `${form};charset=UTF-8`, `${form}; charset=utf-8`, `${form} ; charset="utf-8"`,
    `${form};\tCharset=UTF-8`, `  ${form}  `
  ]
  const refused = [
    'application/json', 'text/plain', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded+json',
    'x-application/x-www-form-urlencoded', 'application/x-www-form-urlencode', `${form}; boundary=x`, 'application/*', '*/*'
  ]
  const garbage = ['', 'garbage', '/', ';', `${form}, application/json`, `application/json, ${form}`, `application/json; ${form}`, 'application/', `/${form}`, ` ; ${form}`, '"application/x-www-form-urlencoded"', 'application / x-www-form-urlencoded']

  it('takes every spelling of the form\'s media type', async () => {
    for (const path of paths) {
      for (const contentType of accepted) expect((await post(path, [contentType])).status, `${path} ${contentType}`).toBe(200)
    }
  })

  it('takes the form\'s media type with an empty parameter (RFC 9110 §5.6.6)', async () => {
    for (const path of paths) expect((await post(path, [`${form};`])).status, path).toBe(200)
  })

  it('refuses every other media type, and names it', async () => {
    for (const path of paths) {
      for (const contentType of refused) {
        const answer = await post(path, [contentType])
        expect(answer.status, contentType).toBe(400)
        expect(jsonOf(answer)['error_description'], contentType).toContain(`not as ${contentType}.`)
      }
    }
  })

  it('says what to send when the content type is no media type at all', async () => {
    for (const path of paths) {
      for (const contentType of garbage) {
        const answer = await post(path, [contentType])
        expect(answer.status, contentType).toBe(400)
        expect(jsonOf(answer)['error_description'], contentType).toContain(form)
      }
    }
  })

  it('says what to send when there is no content type', async () => {
    for (const path of paths) {
      const answer = await post(path, [])
      expect(answer.status, path).toBe(400)
      expect(jsonOf(answer)['error_description'], path).toContain('Content-Type')
    }
  })

  it('refuses two content types, of which two readers might take either', async () => {
    for (const path of paths) {
      for (const second of ['text/plain', form]) expect((await post(path, [form, second])).status, `${path} ${second}`).toBe(400)
    }
  })

  it('accepts no content type but the form\'s, whatever is put around and inside it', async () => {
    const piece = fc.constantFrom(form, 'application', 'x-www-form-urlencoded', 'json', '/', ';', ',', ' ', '\t', '"', '=', 'charset', 'utf-8', '\x80', '\xff', 'ſ', '%', '\\')
    const contentType = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''))
    await fc.assert(fc.asyncProperty(contentType, fc.constantFrom(...paths), async (odd, path) => {
      const { status, headers } = await post(path, [odd])
      expect(headers.get('x-request-id')).toBeDefined()
      const isForm = /^\s*application\/x-www-form-urlencoded\s*(;\s*(charset\s*=\s*("[\w-]+"|[\w-]+)\s*)?)*$/i.test(odd)
      expect([400, ...(isForm ? [200] : [])]).toContain(status)
    }), { numRuns: 300 })
  })

  it('takes no longer for a content type made to backtrack', async () => {
    for (const odd of [`${form}${' '.repeat(12_000)}x`, `${form};${' '.repeat(12_000)}x`, `${form};charset=${'a'.repeat(12_000)}!`, `${form};charset=a${' '.repeat(12_000)}/`, `${form}${'; '.repeat(6_000)}x`]) {
      const before = process.cpuUsage()
      expect((await post('/oauth/v2/token', [odd])).status).toBe(400)
      const { user, system } = process.cpuUsage(before)
      expect((user + system) / 1000).toBeLessThan(100)
    }
  })
})
