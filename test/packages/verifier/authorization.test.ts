import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createVerifier, type TokenRequest } from '../../../packages/verifier/src/index.ts'
import { audience, bearer, startIssuer, type TestIssuer } from './issuer.ts'
import { refused } from './refused.ts'

let issuer: TestIssuer
let token: string

beforeAll(async () => {
  issuer = await startIssuer()
  token = await issuer.token()
})
afterAll(async () => { await issuer.stop() })

describe('RFC 6750 §2 where a request carries its token', () => {
  it.each<[string, (token: string) => TokenRequest]>([
    ['Bearer', (good) => bearer(good)],
    ['bearer in another case', (good) => ({ headers: { authorization: `bEARER ${good}` } })],
    ['several spaces', (good) => ({ headers: { authorization: `Bearer   ${good} ` } })],
    ['a header name in capitals', (good) => ({ headers: { Authorization: `Bearer ${good}` } })],
    ['a query that has nothing to do with it', (good) => ({ ...bearer(good), url: '/tournaments?page=2&accessible=yes' })]
  ])('takes it from the Authorization header: %s', async (_, request) => {
    await expect(issuer.verifier().verify(request(token))).resolves.toMatchObject({ iss: issuer.name })
  })

  it.each<[string, TokenRequest]>([
    ['no Authorization header', { headers: {} }],
    ['another scheme', { headers: { authorization: 'Basic YTpi' } }],
    ['a scheme that begins like it', { headers: { authorization: 'Bearerx abc' } }],
    ['the scheme DPoP, where bound tokens are not taken', { headers: { authorization: 'DPoP abc' } }]
  ])('challenges a request with %s, and names no error (RFC 6750 §3.1)', async (_, request) => {
    expect(await refused(issuer.verifier({ realm: 'games' }).verify(request))).toMatchObject({ status: 401, challenge: 'Bearer realm="games"' })
  })

  it.each<[string, (token: string) => TokenRequest]>([
    ['no token', () => ({ headers: { authorization: 'Bearer ' } })],
    ['nothing but the scheme', () => ({ headers: { authorization: 'Bearer' } })],
    ['two tokens', (good) => ({ headers: { authorization: `Bearer ${good} ${good}` } })],
    ['two tokens and a comma', (good) => ({ headers: { authorization: `Bearer ${good}, Bearer ${good}` } })],
    ['characters that no token has', () => ({ headers: { authorization: 'Bearer a"b' } })],
    ['two Authorization headers, of which Node.js shows one', (good) => ({ ...bearer(good), rawHeaders: ['Authorization', `Bearer ${good}`, 'Host', 'x', 'authorization', 'Basic YTpi'] })],
    ['two Authorization headers as a list', (good) => ({ headers: { authorization: [`Bearer ${good}`, `Bearer ${good}`] } })],
    ['a token in the URL too', (good) => ({ ...bearer(good), url: `/tournaments?access_token=${good}` })],
    ['a token in the URL alone', (good) => ({ headers: {}, url: `/tournaments?page=1&access_token=${good}` })],
    ['a token in the URL, its name encoded', (good) => ({ headers: {}, url: `/tournaments?access%5Ftoken=${good}` })],
    ['a token in the URL before a router cut it', (good) => ({ headers: {}, url: '/', originalUrl: `/tournaments?access_token=${good}` })]
  ])('answers 400 invalid_request to %s', async (_, request) => {
    const error = await refused(issuer.verifier().verify(request(token)))
    expect(error).toMatchObject({ code: 'invalid_request', status: 400, body: { error: 'invalid_request' } })
    expect(error.challenge).toMatch(/^Bearer realm="https:\/\/api\.example\.com", error="invalid_request", error_description="[^"\\]+"$/)
    expect(error.message).not.toContain(token)
  })
})

describe('RFC 6750 §3 what the verifier says', () => {
  it('answers 403 insufficient_scope with the scope that is needed, and serves who has all of it', async () => {
    const verifier = issuer.verifier({ realm: 'games' })
    const error = await refused(verifier.verify(bearer(token), { scope: 'tournaments:read tournaments:write' }))
    expect(error).toMatchObject({ code: 'insufficient_scope', status: 403, body: { error: 'insufficient_scope', error_description: 'The access token lacks the scope tournaments:write.' } })
    expect(error.challenge).toBe('Bearer realm="games", error="insufficient_scope", error_description="The access token lacks the scope tournaments:write.", scope="tournaments:read tournaments:write"')
    const both = await issuer.token(0, { claims: { scope: 'tournaments:write tournaments:read' } })
    await expect(verifier.verify(bearer(both), { scope: 'tournaments:read tournaments:write' })).resolves.toBeDefined()
  })

  it.each([['a scope that begins like it', 'tournaments:reader'], ['a scope that it begins like', 'tournaments'], ['another case', 'Tournaments:read'], ['none', undefined], ['an empty one', '']])('wants the very scope: not %s', async (_, scope) => {
    expect(await refused(issuer.verifier().verify(await issuer.token(0, { claims: { scope } }), { scope: 'tournaments:read' }))).toMatchObject({ code: 'insufficient_scope' })
  })

  it('gives everything to answer with: status, headers and body', async () => {
    const { status, headers, body, challenge } = await refused(issuer.verifier().verify(bearer('garbage')))
    expect({ status, headers, body }).toEqual({
      status: 401,
      headers: { 'www-authenticate': challenge },
      body: { error: 'invalid_token', error_description: 'The access token is not one for this API.' }
    })
  })
})

describe('the options of the verifier', () => {
  const good = { issuer: 'https://id.example.com', audience, whenStatusUnavailable: 'refuse' } as const

  it('takes the three that have no default, and asks nothing of anybody before the first token', () => {
    expect(() => createVerifier(good)).not.toThrow()
  })

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['whenStatusUnavailable', { whenStatusUnavailable: undefined }],
    ['whenStatusUnavailable', { whenStatusUnavailable: 'maybe' }],
    ['issuer', { issuer: undefined }],
    ['issuer', { issuer: 'http://id.example.com' }],
    ['issuer', { issuer: 'https://id.example.com/' }],
    ['issuer', { issuer: 'https://id.example.com?x' }],
    ['issuer', { issuer: 'https://user:pass@id.example.com' }],
    ['https://id.example.com', { issuer: 'https://ID.example.com' }],
    ['https://id.example.com', { issuer: 'https://id.example.com:443' }],
    ['https://id.example.com/b', { issuer: 'https://id.example.com/a/../b' }],
    ['audience', { audience: '' }],
    ['audience', { audience: [audience] }],
    ['jwksUri', { jwksUri: 'http://id.example.com/jwks' }],
    ['internalOrigin', { internalOrigin: 'http://signet:8080/path' }],
    ['algorithms', { algorithms: ['HS256'] }],
    ['algorithms', { algorithms: ['none'] }],
    ['algorithms', { algorithms: [] }],
    ['realm', { realm: 'a "quoted" one' }],
    ['realm', { realm: 'a\r\nline' }],
    ['clockToleranceSeconds', { clockToleranceSeconds: -1 }],
    ['clockToleranceSeconds', { clockToleranceSeconds: Number.NaN }],
    ['timeoutSeconds', { timeoutSeconds: 0 }],
    ['dpop.url', { dpop: { url: 'api.example.com' } }],
    ['maxProofs', { dpop: { url: audience, maxProofs: 0 } }],
    ['no option failOpen', { failOpen: true }],
    ['no option dpop.nonce', { dpop: { url: audience, nonce: true } }]
  ])('throws a TypeError at once, which names it, for a wrong %s: %j', (name, change) => {
    const options = { ...good, ...change } as Parameters<typeof createVerifier>[0] // wrong on purpose
    expect(() => createVerifier(options)).toThrow(TypeError)
    expect(() => createVerifier(options)).toThrow(name)
  })
})
