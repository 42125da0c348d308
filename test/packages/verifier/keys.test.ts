import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answer, newKey, startIssuer, type TestIssuer } from './issuer.ts'
import { causesOf, refused } from './refused.ts'

let issuer: TestIssuer

beforeEach(async () => { issuer = await startIssuer() })
afterEach(async () => { await issuer.stop() })

function pass (seconds: number): void {
  issuer.clock.now += seconds * 1_000
}

describe('the keys of the verifier', () => {
  it('are fetched once, however many tokens come at the same moment and after it', async () => {
    const verifier = issuer.verifier()
    const token = await issuer.token()
    await Promise.all(Array.from({ length: 100 }, () => verifier.verify(token)))
    pass(20)
    await verifier.verify(token)
    expect([issuer.requests(issuer.metadataPath), issuer.requests(issuer.jwksPath)]).toEqual([1, 1])
  })

  it('are found by the metadata of the issuer, which may have a path (RFC 8414 §3)', async () => {
    const test = await startIssuer({ path: '/test' })
    await expect(test.verifier().verify(await test.token())).resolves.toMatchObject({ iss: test.name })
    expect(test.requests('/.well-known/oauth-authorization-server/test')).toBe(1)
    await test.stop()
  })

  it('are fetched from jwksUri where that is given, without any metadata', async () => {
    issuer.serve('/keys', answer(200, JSON.stringify({ keys: [issuer.key.publicJwk] })))
    await issuer.verifier({ jwksUri: `${issuer.name}/keys` }).verify(await issuer.token())
    expect([issuer.requests(issuer.metadataPath), issuer.requests('/keys')]).toEqual([0, 1])
  })

  it('are fetched from internalOrigin, as all else below the issuer, while the issuer is a mere name', async () => {
    const name = 'https://id.example.com/games'
    const inside = await startIssuer({ path: '/games' })
    inside.serve(inside.metadataPath, answer(200, JSON.stringify({ issuer: name, jwks_uri: `${name}/oauth/v2/jwks` })))
    const uri = `${name}/oauth/v2/status-lists/a`
    inside.serve(inside.listPath, answer(200, await inside.statusListToken('a', { claims: { sub: uri } })))
    const token = await inside.token(0, { claims: { iss: name, status: { status_list: { idx: 0, uri } } } })
    const verifier = inside.verifier({ issuer: name, internalOrigin: new URL(inside.name).origin })
    await expect(verifier.verify(token)).resolves.toMatchObject({ iss: name })
    inside.serve(inside.metadataPath, answer(200, JSON.stringify({ issuer: name, jwks_uri: 'https://ID.example.com:443/games/oauth/v2/jwks' })))
    await expect(inside.verifier({ issuer: name, internalOrigin: new URL(inside.name).origin }).verify(token), 'the origin spelled in another way').resolves.toBeDefined()
    await inside.stop()
  })

  it('are fetched again for a kid that is not among them, once in 30 seconds: a key that signs at once is known at once', async () => {
    const verifier = issuer.verifier()
    await verifier.verify(await issuer.token())
    const next = await newKey('next')
    issuer.publish(issuer.key, next)
    pass(30)
    await Promise.all(Array.from({ length: 20 }, async () => await verifier.verify(await issuer.token(0, { key: next }))))
    expect(issuer.requests(issuer.jwksPath)).toBe(2)

    const last = await newKey('last')
    issuer.publish(issuer.key, next, last)
    const token = await issuer.token(0, { key: last })
    pass(29)
    expect(await refused(verifier.verify(token)), 'within the 30 seconds').toMatchObject({ code: 'invalid_token' })
    expect(issuer.requests(issuer.jwksPath)).toBe(0)
    pass(1)
    await verifier.verify(token)
    expect(issuer.requests(issuer.jwksPath)).toBe(1)
  })

  it('are not fetched more often for a thousand tokens with a kid of nobody', async () => {
    const verifier = issuer.verifier()
    await verifier.verify(await issuer.token())
    pass(60)
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(Array.from({ length: 100 }, async (_, index) => await refused(verifier.verify(await issuer.token(0, { header: { kid: `nobody-${round}-${index}` } })))))
    }
    expect(issuer.requests(issuer.jwksPath)).toBe(2)
  })

  it('are forgotten when the issuer publishes them no longer: a key that was withdrawn is refused after 5 minutes', async () => {
    const verifier = issuer.verifier()
    const token = await issuer.token()
    await verifier.verify(token)
    const next = await newKey('next')
    issuer.publish(next)
    issuer.serve(issuer.listPath, answer(200, await issuer.statusListToken('a', { key: next, claims: { exp: Math.floor(issuer.clock.now / 1_000) + 3_600 } })))
    pass(299)
    await verifier.verify(await issuer.token(0, { key: next }))
    expect(await refused(verifier.verify(token)), 'and earlier if another kid came in between').toMatchObject({ code: 'invalid_token' })
    const other = issuer.verifier()
    issuer.publish(issuer.key, next)
    await other.verify(token)
    issuer.publish(next)
    pass(299)
    await expect(other.verify(token)).resolves.toBeDefined()
    pass(1)
    expect(await refused(other.verify(token))).toMatchObject({ code: 'invalid_token' })
  })

  it('are renewed early and in passing, at a time that is random, so that no request waits and not all APIs ask at once', async () => {
    const token = await issuer.token()
    const verifier = issuer.verifier({ random: () => 0.5 })
    await verifier.verify(token)
    pass(269)
    await verifier.verify(token)
    expect(issuer.requests(issuer.jwksPath)).toBe(1)
    pass(1)
    const asked = new Promise<void>((resolve) => {
      issuer.serve(issuer.jwksPath, (_, response) => {
        resolve()
        response.end(JSON.stringify({ keys: [issuer.key.publicJwk] }))
      })
    })
    await verifier.verify(token)
    await asked
  })

  it('go on being used while the issuer is away, for as long as keysUsableSeconds says, and then the answer is 503', async () => {
    const verifier = issuer.verifier({ keysUsableSeconds: 1_200, whenStatusUnavailable: 'accept' })
    const token = await issuer.token()
    await verifier.verify(token)
    for (const path of [issuer.metadataPath, issuer.listPath]) issuer.serve(path, answer(500))
    pass(1_199)
    await expect(verifier.verify(token)).resolves.toBeDefined()
    pass(1)
    const error = await refused(verifier.verify(token))
    expect(error).toMatchObject({ code: 'temporarily_unavailable', status: 503, challenge: undefined, headers: { 'retry-after': '2' } })
    expect(causesOf(error)).toContain('answered 500')
  })
})

describe('when the keys cannot be had', () => {
  it.each([
    ['the metadata is another issuer\'s (RFC 8414 §3.3)', '{"issuer":"https://evil.example","jwks_uri":"https://evil.example/jwks"}', 'another issuer'],
    ['the metadata is no JSON', '<html>', 'JSON'],
    ['the metadata names keys over http on another machine', (name: string) => JSON.stringify({ issuer: name, jwks_uri: 'http://id.example.com/jwks' }), 'jwks_uri'],
    ['the metadata is longer than 256 KiB', ' '.repeat(262_145), 'more than 262144 bytes']
  ])('answers 503, which is no verdict on the token: %s', async (_, body, cause) => {
    issuer.serve(issuer.metadataPath, answer(200, typeof body === 'string' ? body : body(issuer.name)))
    const error = await refused(issuer.verifier().verify(await issuer.token()))
    expect(error).toMatchObject({ code: 'temporarily_unavailable', status: 503 })
    expect(causesOf(error)).toContain(cause)
  })

  it('follows no redirect, neither of the metadata nor of the keys', async () => {
    issuer.serve('/elsewhere', answer(200, JSON.stringify({ keys: [issuer.key.publicJwk], issuer: issuer.name, jwks_uri: `${issuer.name}/oauth/v2/jwks` })))
    for (const path of [issuer.metadataPath, issuer.jwksPath]) {
      issuer.serve(path, answer(302, '', { location: '/elsewhere' }))
      expect(causesOf(await refused(issuer.verifier().verify(await issuer.token())))).toContain('answered 302')
      issuer.serve(path, undefined)
    }
    expect(issuer.requests('/elsewhere')).toBe(0)
  })

  it.each(['no answer at all', 'an answer that does not end'])('waits no longer than timeoutSeconds: %s', async (kind) => {
    issuer.serve(issuer.jwksPath, (_, response) => { if (kind !== 'no answer at all') response.write('{"keys":[') })
    const error = await refused(issuer.verifier({ timeoutSeconds: 0.1 }).verify(await issuer.token()))
    expect(error.code).toBe('temporarily_unavailable')
    expect(causesOf(error)).toContain('timeout')
  })

  it('does not ask again for 2 seconds, however many tokens come, and then once', async () => {
    issuer.serve(issuer.jwksPath, answer(500))
    const verifier = issuer.verifier()
    const token = await issuer.token()
    for (let count = 0; count < 5; count += 1) await refused(verifier.verify(token))
    expect(issuer.requests(issuer.jwksPath)).toBe(1)
    issuer.serve(issuer.jwksPath, undefined)
    pass(2)
    await Promise.all(Array.from({ length: 10 }, () => verifier.verify(token)))
    expect(issuer.requests(issuer.jwksPath)).toBe(1)
  })

  it('answers 503 to an unknown kid while the keys cannot be renewed: nobody knows whether it is one', async () => {
    const verifier = issuer.verifier()
    await verifier.verify(await issuer.token())
    issuer.serve(issuer.jwksPath, answer(500))
    pass(60)
    const next = await newKey('next')
    expect(await refused(verifier.verify(await issuer.token(0, { key: next })))).toMatchObject({ code: 'temporarily_unavailable' })
    await expect(verifier.verify(await issuer.token()), 'the known one is as good as before').resolves.toBeDefined()
  })
})
