import { METHODS } from 'node:http'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Scene } from '../support/fixtures.ts'
import { basic, known, requestToken, tokenOf } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { exchange, type RawAnswer } from '../support/raw-http.ts'
import { expectOwnAnswer, fieldValue, octets, randomTimes, request } from './own-answer.ts'

const paths = [
  '/oauth/v2/token', '/oauth/v2/introspect', '/oauth/v2/revoke', '/oauth/v2/jwks', '/test/oauth/v2/jwks', '/.well-known/jwks.json',
  '/.well-known/oauth-authorization-server', '/.well-known/openid-configuration', '/health/live', '/health/ready', '/docs', '/docs/errors', '/docs/openapi.json', '/', '/oauth/v2'
] as const
const formPaths = ['/oauth/v2/token', '/oauth/v2/introspect', '/oauth/v2/revoke'] as const

describe('random requests: whatever arrives, the answer is the server\'s own', () => {
  let server: TestServer
  let scene: Scene
  let token: string

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    await known(server, scene.api)
    token = await tokenOf(server, scene.partner)
  })
  afterAll(async () => { await server.stop() })

  /** Parameters of a form: mostly sensible, so that every check is reached, and then anything. */
  function parameters (): fc.Arbitrary<[string, string][]> {
    const { partner, api } = scene
    const sensible = fc.constantFrom<[string, string]>(['grant_type', 'client_credentials'], ['scope', 'tournaments:read'], ['scope', 'tournaments:read tournaments:write'], ['resource', 'https://api.example.com'], ['token', token], ['token_type_hint', 'access_token'])
    const names = fc.constantFrom('client_id', 'client_secret', 'grant_type', 'scope', 'resource', 'audience', 'token', 'client_assertion', 'code', '__proto__')
    const values = fc.oneof(fc.constantFrom(partner.id, partner.secret, api.id, token.slice(0, -1), 'openid', ''), fc.string({ unit: 'binary', maxLength: 40 }), fc.webUrl(), fc.base64String({ maxLength: 60 }))
    const anything = fc.tuple(fc.oneof({ weight: 5, arbitrary: names }, { weight: 1, arbitrary: fc.string({ maxLength: 10 }) }), values)
    const pair = fc.oneof({ weight: 3, arbitrary: sensible }, { weight: 1, arbitrary: anything })
    return fc.oneof(fc.uniqueArray(pair, { maxLength: 4, selector: ([name]) => name }), fc.array(pair, { maxLength: 6 }))
  }

  interface Authentication { readonly headers: readonly string[], readonly pairs: readonly [string, string][] }

  function authentications (): fc.Arbitrary<Authentication> {
    const { partner, api } = scene
    const known = fc.constantFrom(partner, api)
    const text = fc.string({ unit: 'binary', maxLength: 40 })
    return fc.oneof(
      known.map(({ id, secret }): Authentication => ({ headers: [], pairs: [['client_id', id], ['client_secret', secret]] })),
      known.map(({ id, secret }) => ({ headers: [`Authorization: ${basic(id, secret).Authorization}`], pairs: [] })),
      fc.tuple(text, text).map(([id, secret]) => ({ headers: [`Authorization: Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`], pairs: [] })),
      fieldValue.map((value) => ({ headers: [`Authorization: ${value}`], pairs: [] })),
      fc.constant({ headers: [], pairs: [] })
    )
  }

  const otherHeaders = fc.array(fc.tuple(
    fc.constantFrom('Accept', 'Accept-Encoding', 'Content-Encoding', 'Cookie', 'DPoP', 'Forwarded', 'If-None-Match', 'If-Modified-Since', 'Origin', 'Range', 'TE', 'User-Agent', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Http-Method-Override', 'X-Request-Id', 'X-Api-Key'),
    fieldValue
  ).map(([name, value]) => `${name}: ${value}`), { maxLength: 5 })

  const contentTypes = fc.oneof(
    { weight: 6, arbitrary: fc.constant('application/x-www-form-urlencoded') },
    { weight: 1, arbitrary: fc.constantFrom('application/json', 'text/plain', 'multipart/form-data; boundary=a', 'application/x-www-form-urlencoded; charset=utf-16') },
    { weight: 1, arbitrary: fieldValue }
  )

  const check = (sent: Buffer, path: string): Promise<RawAnswer> => expectOwnAnswer(server.origin, sent, path)

  it('random octets as the body of a form endpoint', async () => {
    await fc.assert(fc.asyncProperty(fc.constantFrom(...formPaths), octets, async (path, body) => {
      const { status } = await check(request(`POST ${path}`, ['Content-Type: application/x-www-form-urlencoded'], body), path)
      expect([400, 401]).toContain(status)
    }), { numRuns: 300 * randomTimes })
  }, 60_000 * randomTimes)

  it('random forms of known names, with good and bad values, secrets and tokens', async () => {
    const reached = new Set<string>()
    await fc.assert(fc.asyncProperty(fc.constantFrom(...formPaths), parameters(), authentications(), otherHeaders, contentTypes, async (path, pairs, authentication, headers, contentType) => {
      const body = new URLSearchParams([...authentication.pairs, ...pairs]).toString()
      const { status } = await check(request(`POST ${path}`, [`Content-Type: ${contentType}`, ...authentication.headers, ...headers], body), path)
      reached.add(`${path} ${status}`)
    }), { numRuns: 700 * randomTimes })
    for (const path of formPaths) for (const status of [200, 400, 401]) expect([...reached]).toContain(`${path} ${status}`)
  }, 60_000 * randomTimes)

  it('random methods, paths, queries and headers', async () => {
    const methods = METHODS.filter((method) => method !== 'CONNECT' && method !== 'HEAD') // the one is dropped, the other has no body
    const target = fc.tuple(fc.constantFrom(...paths), fc.oneof(fc.constant(''), fc.webQueryParameters().map((query) => `?${query}`), fc.webPath())).map((parts) => parts.join(''))
    await fc.assert(fc.asyncProperty(fc.constantFrom(...methods), target, otherHeaders, contentTypes, octets, async (method, path, headers, contentType, body) => {
      await check(request(`${method} ${path}`, [`Content-Type: ${contentType}`, ...headers], body), path.replace(/\?.*/s, ''))
    }), { numRuns: 500 * randomTimes })
  }, 60_000 * randomTimes)

  it('random octets instead of a request', async () => {
    await fc.assert(fc.asyncProperty(octets, async (bytes) => {
      const { answers } = await exchange(server.origin, Buffer.concat([Buffer.from('\x16'), bytes]), '\r\n\r\n')
      expect(answers.map(({ status }) => status)).toEqual([400])
    }), { numRuns: 100 * randomTimes })
  }, 20_000 * randomTimes)

  it('leaves a server that works, and a log without a server error', async () => {
    expect((await requestToken(server, scene.partner)).status).toBe(200)
    expect(server.logs.filter(({ status, level }) => Number(status) >= 500 || Number(level) >= 50)).toEqual([])
  })
})
