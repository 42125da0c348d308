import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Verifier } from '../../../packages/verifier/src/index.ts'
import { answer, bearer, compressed, encodeList, newKey, startIssuer, type Changes, type TestIssuer } from './issuer.ts'
import { causesOf, refused } from './refused.ts'

let issuer: TestIssuer
let verifier: Verifier

beforeEach(async () => {
  issuer = await startIssuer()
  verifier = issuer.verifier()
})
afterEach(async () => { await issuer.stop() })

function inSeconds (seconds: number): number {
  return Math.floor(issuer.clock.now / 1_000) + seconds
}

describe('Token Status List §8.3, by the verifier', () => {
  it('refuses the very index that is revoked, as an invalid token', async () => {
    issuer.revoke(9)
    await expect(verifier.verify(await issuer.token(8))).resolves.toBeDefined()
    await expect(verifier.verify(await issuer.token(10))).resolves.toBeDefined()
    expect(await refused(verifier.verify(await issuer.token(9)))).toMatchObject({ code: 'invalid_token', status: 401, message: 'The access token was revoked: get another one.' })
  })

  it('asks for application/statuslist+jwt at the URI that the token names', async () => {
    let accept: string | undefined
    const list = await issuer.statusListToken()
    issuer.serve(issuer.listPath, (request, response) => {
      accept = request.headers.accept
      response.end(list)
    })
    await verifier.verify(await issuer.token())
    expect(accept).toBe('application/statuslist+jwt')
  })

  it.each([1, 2, 4, 8] as const)('reads lists of %d bits, and refuses every status but valid', async (bits) => {
    const most = 2 ** bits - 1
    const token = await issuer.statusListToken('a', { claims: { status_list: encodeList([0, 1, most, 0, 0, most, 0], bits) } })
    issuer.serve(issuer.listPath, answer(200, token))
    for (const index of [0, 3, 4, 6]) await expect(verifier.verify(await issuer.token(index)), String(index)).resolves.toBeDefined()
    for (const index of [1, 2, 5]) expect(await refused(verifier.verify(await issuer.token(index))), String(index)).toMatchObject({ code: 'invalid_token' })
  })

  it('reads a list that is signed with another algorithm than the API takes tokens with: the issuer signs lists with its default', async () => {
    const rsa = await newKey('rsa', 'RS256')
    issuer.publish(issuer.key, rsa)
    issuer.serve(issuer.listPath, answer(200, await issuer.statusListToken('a', { key: rsa })))
    const strict = issuer.verifier({ algorithms: ['ES256'] })
    await expect(strict.verify(await issuer.token())).resolves.toBeDefined()
    expect(await refused(strict.verify(await issuer.token(0, { key: rsa })))).toMatchObject({ code: 'invalid_token' })
  })

  it('S52 refuses a token whose index is outside its list, which says nothing about it, even where it accepts without a list', async () => {
    const open = issuer.verifier({ whenStatusUnavailable: 'accept' })
    await expect(open.verify(await issuer.token(63))).resolves.toBeDefined()
    for (const index of [64, 2 ** 20, Number.MAX_SAFE_INTEGER]) {
      const error = await refused(open.verify(await issuer.token(index)))
      expect(error).toMatchObject({ code: 'invalid_token' })
      expect(causesOf(error)).toContain('outside the status list')
    }
  })

  it.each<[string, unknown]>([
    ['no status', undefined],
    ['an empty one', {}],
    ['another mechanism', { identifier_list: { id: 'a', uri: 'https://id.example.com' } }],
    ['no index', { status_list: { uri: 'https://id.example.com' } }],
    ['no URI', { status_list: { idx: 1 } }],
    ['a negative index', { status_list: { idx: -1, uri: 'https://id.example.com' } }],
    ['half an index', { status_list: { idx: 0.5, uri: 'https://id.example.com' } }],
    ['an index that is text', { status_list: { idx: '1', uri: 'https://id.example.com' } }],
    ['a list of lists', { status_list: [{ idx: 1, uri: 'https://id.example.com' }] }]
  ])('refuses a token with %s, even where it accepts without a list: the status is mandatory', async (_, status) => {
    const error = await refused(issuer.verifier({ whenStatusUnavailable: 'accept' }).verify(await issuer.token(0, { claims: { status } })))
    expect(error).toMatchObject({ code: 'invalid_token' })
    expect(causesOf(error)).toContain('does not say where its status is')
  })

  it.each<[string, (issuer: TestIssuer) => string]>([
    ['another host', () => 'https://evil.example/oauth/v2/status-lists/a'],
    ['a host that begins like the issuer', ({ name }) => `${name}.evil.example/oauth/v2/status-lists/a`],
    ['another port', ({ name }) => `${name}1/oauth/v2/status-lists/a`],
    ['a user before another host', ({ name }) => `${name}@evil.example/list`],
    ['the issuer itself', ({ name }) => name],
    ['dot segments', ({ uri }) => `${uri()}/../a`],
    ['encoded dot segments', ({ uri }) => `${uri()}/%2e%2e/a`],
    ['backslashes', ({ name }) => `${name}/oauth\\v2\\status-lists\\a`],
    ['white space behind it', ({ uri }) => `${uri()} `],
    ['a query', ({ uri }) => `${uri()}?a=b`],
    ['an empty query', ({ uri }) => `${uri()}?`],
    ['a fragment', ({ uri }) => `${uri()}#a`],
    ['another scheme', () => 'file:///etc/passwd']
  ])('refuses a token whose list is not below the issuer, and fetches none: %s', async (_, uriOf) => {
    const token = await issuer.token(0, { claims: { status: { status_list: { idx: 0, uri: uriOf(issuer) } } } })
    expect(await refused(issuer.verifier({ whenStatusUnavailable: 'accept' }).verify(token))).toMatchObject({ code: 'invalid_token' })
    expect([issuer.requests(issuer.jwksPath), issuer.requests(issuer.metadataPath), issuer.requests()]).toEqual([1, 1, 0])
  })

  it('refuses a token of an issuer with a path whose list is beside that path', async () => {
    const test = await startIssuer({ path: '/test' })
    const uri = `${new URL(test.name).origin}/oauth/v2/status-lists/a`
    expect(await refused(test.verifier().verify(await test.token(0, { claims: { status: { status_list: { idx: 0, uri } } } })))).toMatchObject({ code: 'invalid_token' })
    await expect(test.verifier().verify(await test.token())).resolves.toBeDefined()
    await test.stop()
  })
})

describe('a status list that is none', () => {
  const changes: [string, () => Changes | Promise<Changes>, string][] = [
    ['another typ', () => ({ header: { typ: 'JWT' } }), '"typ"'],
    ['the typ of an access token', () => ({ header: { typ: 'at+jwt' } }), '"typ"'],
    ['another sub', () => ({ claims: { sub: issuer.uri('b') } }), '"sub"'],
    ['no sub', () => ({ claims: { sub: undefined } }), '"sub"'],
    ['an exp that is past', () => ({ claims: { exp: inSeconds(-6) } }), '"exp"'],
    ['no exp', () => ({ claims: { exp: undefined } }), '"exp"'],
    ['no iat', () => ({ claims: { iat: undefined } }), '"iat"'],
    ['no ttl', () => ({ claims: { ttl: undefined } }), '"ttl"'],
    ['a ttl of 0', () => ({ claims: { ttl: 0 } }), 'ttl'],
    ['a ttl that is text', () => ({ claims: { ttl: '25' } }), 'ttl'],
    ['an iss that is another', () => ({ claims: { iss: 'https://evil.example' } }), 'another issuer'],
    ['no list', () => ({ claims: { status_list: undefined } }), '"status_list"'],
    ['a list of 3 bits', () => ({ claims: { status_list: { ...encodeList([0]), bits: 3 } } }), '1, 2, 4 or 8'],
    ['a list that is not base64url', () => ({ claims: { status_list: { bits: 1, lst: 'eNrbuRgAAhcBXQ==' } } }), 'base64url'],
    ['a list that is not zlib', () => ({ claims: { status_list: { bits: 1, lst: 'AAAA' } } }), 'unknown compression'],
    ['a list that breaks off', () => ({ claims: { status_list: { bits: 1, lst: compressed(Buffer.from('abcdefgh')).slice(0, 8) } } }), 'unexpected end'],
    ['a list of 512 KiB and a byte', () => ({ claims: { status_list: { bits: 1, lst: compressed(Buffer.alloc(524_289)) } } }), 'larger than'],
    ['a bomb: 256 MiB out of 256 KiB', () => ({ claims: { status_list: { bits: 1, lst: compressed(Buffer.alloc(2 ** 28)) } } }), 'larger than'],
    ['a key of nobody', async () => ({ key: await newKey('nobody') }), 'no applicable key'],
    ['another key with the same kid', async () => ({ key: await newKey('first') }), 'signature']
  ]

  it.each(changes)('is none, whoever made it: %s', async (_, change, cause) => {
    issuer.serve(issuer.listPath, answer(200, await issuer.statusListToken('a', await change())))
    const error = await refused(verifier.verify(await issuer.token()))
    expect(error).toMatchObject({ code: 'temporarily_unavailable', status: 503, challenge: undefined })
    expect(causesOf(error)).toContain(cause)
  })

  it('takes one of 512 KiB: four times what Signet makes', async () => {
    issuer.serve(issuer.listPath, answer(200, await issuer.statusListToken('a', { claims: { status_list: { bits: 1, lst: compressed(Buffer.alloc(524_288)) } } })))
    await expect(verifier.verify(await issuer.token(4_194_303))).resolves.toBeDefined()
  })

  it('is none when it is an access token of the same issuer', async () => {
    issuer.serve(issuer.listPath, answer(200, await issuer.token()))
    expect(await refused(verifier.verify(await issuer.token()))).toMatchObject({ code: 'temporarily_unavailable' })
  })

  it('is none behind a redirect, which is not followed', async () => {
    issuer.serve('/elsewhere', answer(200, await issuer.statusListToken()))
    issuer.serve(issuer.listPath, answer(302, '', { location: '/elsewhere' }))
    expect(causesOf(await refused(verifier.verify(await issuer.token())))).toContain('answered 302')
    expect(issuer.requests('/elsewhere')).toBe(0)
  })

  it('is none when the answer is longer than 1 MiB, and the rest of it is not read', async () => {
    let sent = 0
    issuer.serve(issuer.listPath, (_, response) => {
      const write = (): void => { while (!response.destroyed && response.write(Buffer.alloc(65_536, 'a'))) sent += 65_536 }
      response.on('drain', write)
      write()
    })
    expect(causesOf(await refused(verifier.verify(await issuer.token())))).toContain('more than 1048576 bytes')
    expect(sent).toBeLessThan(64 * 1_048_576)
  })

  it.each(['no answer at all', 'an answer that does not end'])('is none when it takes longer than timeoutSeconds: %s', async (kind) => {
    issuer.serve(issuer.listPath, (_, response) => { if (kind !== 'no answer at all') response.write('eyJ') })
    const error = await refused(issuer.verifier({ timeoutSeconds: 0.1 }).verify(await issuer.token()))
    expect(causesOf(error)).toContain('timeout')
  })

  it('is told apart by onStatusUnavailable, each time that a token is accepted without one', async () => {
    const told: Error[] = []
    const open = issuer.verifier({ whenStatusUnavailable: 'accept', onStatusUnavailable: (cause) => told.push(cause) })
    await open.verify(bearer(await issuer.token()))
    expect(told).toEqual([])
    issuer.serve(issuer.listPath, answer(404))
    issuer.clock.now += 306_000
    for (let count = 0; count < 3; count += 1) await expect(open.verify(await issuer.token())).resolves.toBeDefined()
    expect(told.map((cause) => causesOf(cause))).toEqual(Array.from({ length: 3 }, () => `${issuer.uri()} answered 404`))
    expect(await refused(open.verify(await issuer.token(0), { scope: 'other' })), 'all else is checked').toMatchObject({ code: 'insufficient_scope' })
  })
})
