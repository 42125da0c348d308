import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { VerificationError, type Verifier } from '../../../packages/verifier/src/index.ts'
import { answer, startIssuer, ttlSeconds, type TestIssuer } from './issuer.ts'
import { causesOf, refused } from './refused.ts'

let issuer: TestIssuer
let verifier: Verifier
let token: string

beforeEach(async () => {
  issuer = await startIssuer()
  verifier = issuer.verifier()
  token = await issuer.token()
})
afterEach(async () => { await issuer.stop() })

function pass (seconds: number): void {
  issuer.clock.now += seconds * 1_000
}

/** How often the list was asked for since the last time. */
function fetches (): number {
  return issuer.requests(issuer.listPath)
}

/** Ends when the next answer of the list has been sent, in whose name nobody waits. */
async function nextFetch (): Promise<void> {
  const list = await issuer.statusListToken()
  await new Promise<void>((resolve) => {
    issuer.serve(issuer.listPath, (_, response) => { response.end(list, resolve) })
  })
}

describe('how the verifier keeps status lists', () => {
  it(`fetches a list once in its ttl of ${ttlSeconds} seconds, however many tokens come at the same moment`, async () => {
    await Promise.all(Array.from({ length: 100 }, () => verifier.verify(token)))
    expect(fetches()).toBe(1)
    issuer.clock.now += 24_999
    await verifier.verify(token)
    expect(fetches()).toBe(0)
    issuer.clock.now += 1
    await Promise.all(Array.from({ length: 100 }, () => verifier.verify(token)))
    expect(fetches()).toBe(1)
  })

  it('refuses a token that was revoked meanwhile with the first request after the ttl, without asking about that token', async () => {
    await verifier.verify(token)
    issuer.revoke(0)
    pass(24)
    await expect(verifier.verify(token)).resolves.toBeDefined()
    pass(1)
    issuer.requests()
    expect(await refused(verifier.verify(token))).toMatchObject({ code: 'invalid_token', message: 'The access token was revoked: get another one.' })
    expect([fetches(), issuer.requests()]).toEqual([1, 0])
  })

  it.each([[0, 25], [0.5, 22.5], [0.999, 20.005]])('renews a list early, by a random part of the last fifth of its ttl: %d is after %d seconds', async (random, due) => {
    const early = issuer.verifier({ random: () => random })
    await early.verify(token)
    issuer.clock.now += due * 1_000 - 1
    await early.verify(token)
    expect(fetches()).toBe(1)
    issuer.clock.now += 1
    const fetched = nextFetch()
    await early.verify(token)
    await fetched
  })

  it('lets nobody wait while it renews a list that is still fresh', async () => {
    const early = issuer.verifier({ random: () => 0.5, timeoutSeconds: 60 })
    await early.verify(token)
    pass(23)
    const asked = new Promise<void>((resolve) => { issuer.serve(issuer.listPath, () => { resolve() }) })
    await Promise.all(Array.from({ length: 10 }, () => early.verify(token)))
    await asked
    expect(fetches()).toBe(2)
  })

  it('uses the old list while a new one cannot be had, up to its exp and the difference of clocks, and not a second longer', async () => {
    await verifier.verify(token)
    issuer.serve(issuer.listPath, answer(500))
    for (const seconds of [25, 100, 100, 79]) {
      pass(seconds)
      await expect(verifier.verify(token)).resolves.toBeDefined()
    }
    pass(1)
    const error = await refused(verifier.verify(token))
    expect(error).toMatchObject({ code: 'temporarily_unavailable', status: 503, headers: { 'retry-after': '2' } })
    expect(causesOf(error)).toContain('answered 500')
  })

  it('asks at most every 2 seconds while a new list cannot be had', async () => {
    await verifier.verify(token)
    issuer.serve(issuer.listPath, answer(500))
    pass(25)
    for (let count = 0; count < 10; count += 1) await verifier.verify(token)
    expect(fetches()).toBe(2)
    pass(1.9)
    await verifier.verify(token)
    expect(fetches()).toBe(0)
  })

  it('lets only the first request of an outage wait: after it the old list is used at once, and a new one is there with the next', async () => {
    const patient = issuer.verifier({ timeoutSeconds: 0.1 })
    await patient.verify(token)
    pass(25)
    issuer.serve(issuer.listPath, () => {})
    await patient.verify(token)
    pass(2)
    issuer.revoke(0)
    const fetched = nextFetch()
    await expect(patient.verify(token), 'in the middle of an outage').resolves.toBeDefined()
    await fetched
    await expect.poll(async () => await patient.verify(token).then(() => 'accepted', (error: unknown) => error instanceof VerificationError ? error.code : error)).toBe('invalid_token')
  })

  it('waits again when the last failure is half a minute old: whoever comes rarely gets no old news', async () => {
    await verifier.verify(token)
    issuer.serve(issuer.listPath, answer(500))
    pass(25)
    await verifier.verify(token)
    issuer.serve(issuer.listPath, undefined)
    issuer.revoke(0)
    pass(30)
    expect(await refused(verifier.verify(token))).toMatchObject({ code: 'invalid_token' })
  })

  it('takes a ttl that is longer than an hour for an hour, and an exp that comes before the ttl is over for the end', async () => {
    const exp = Math.floor(issuer.clock.now / 1_000) + 1_000_000
    issuer.serve(issuer.listPath, answer(200, await issuer.statusListToken('a', { claims: { ttl: 1e12, exp } })))
    await verifier.verify(token)
    pass(3_599)
    await verifier.verify(token)
    expect(fetches()).toBe(1)
    pass(1)
    issuer.serve(issuer.listPath, answer(200, await issuer.statusListToken('a', { claims: { ttl: 100, exp: Math.floor(issuer.clock.now / 1_000) + 10 } })))
    await verifier.verify(token)
    issuer.serve(issuer.listPath, undefined)
    pass(15)
    await verifier.verify(token)
    expect(fetches()).toBe(2)
  })

  it('trusts a list for no longer when the clock is set back', async () => {
    await verifier.verify(token)
    issuer.revoke(0)
    pass(-3_600)
    issuer.serve(issuer.listPath, answer(200, await issuer.statusListToken()))
    expect(await refused(verifier.verify(token))).toMatchObject({ code: 'invalid_token' })
  })

  it('does not believe that what was revoked is good again: one process of the issuer may know less than another', async () => {
    const old = await issuer.statusListToken()
    issuer.revoke(0)
    expect(await refused(verifier.verify(token))).toMatchObject({ code: 'invalid_token' })
    issuer.serve(issuer.listPath, answer(200, old))
    for (let times = 0; times < 2; times += 1) {
      pass(25)
      expect(await refused(verifier.verify(token))).toMatchObject({ code: 'invalid_token' })
      await expect(verifier.verify(await issuer.token(1))).resolves.toBeDefined()
    }
  })

  it('keeps lists apart', async () => {
    issuer.revoke(0, 'b')
    const other = await issuer.token(0, { claims: { status: { status_list: { idx: 0, uri: issuer.uri('b') } } } })
    const outcomes = await Promise.allSettled([token, other, token, other].map((each) => verifier.verify(each)))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
  })

  it('keeps 256 of them, and forgets the one that was not used for longest', async () => {
    const tokens = await Promise.all(Array.from({ length: 257 }, (_, index) => issuer.token(0, { claims: { status: { status_list: { idx: 0, uri: issuer.uri(`list-${index}`) } } } })))
    const [first = '', second = ''] = tokens
    for (const each of tokens.slice(0, 256)) await verifier.verify(each)
    await verifier.verify(first)
    await verifier.verify(tokens.at(-1) ?? '')
    issuer.requests()
    await verifier.verify(first)
    expect(issuer.requests()).toBe(0)
    await verifier.verify(second)
    expect(issuer.requests()).toBe(1)
  })
})

describe('a list of which the issuer says that there is none', () => {
  const none = answer(404, JSON.stringify({ error: 'invalid_request', error_description: 'There is no such status list.' }), { 'content-type': 'application/json' })

  it.each(['refuse', 'accept'] as const)('is no outage: its tokens are refused, so that their clients get others (%s)', async (choice) => {
    const chosen = issuer.verifier({ whenStatusUnavailable: choice })
    await chosen.verify(token)
    issuer.serve(issuer.listPath, none)
    pass(25)
    issuer.requests()
    for (let count = 0; count < 10; count += 1) expect(await refused(chosen.verify(token))).toMatchObject({ code: 'invalid_token', status: 401 })
    expect(fetches(), 'asked once').toBe(1)
    issuer.serve(issuer.listPath, undefined)
    pass(2)
    await expect(chosen.verify(token), 'it is there after all').resolves.toBeDefined()
  })

  it.each([['an empty one', ''], ['HTML', '<h1>404</h1>'], ['other JSON', '{"message":"no route"}'], ['no object', 'null'], ['one that is too long', JSON.stringify({ error: 'x'.repeat(5_000) })]])('is not said by the 404 of somebody else: %s', async (_, body) => {
    await verifier.verify(token)
    issuer.serve(issuer.listPath, answer(404, body))
    pass(25)
    await expect(verifier.verify(token)).resolves.toBeDefined()
    pass(280)
    expect(await refused(verifier.verify(token))).toMatchObject({ code: 'temporarily_unavailable' })
  })
})

describe('whenStatusUnavailable', () => {
  it.each(['refuse', 'accept'] as const)('%s: decides where there never was a list, and not about a list that is there', async (choice) => {
    const chosen = issuer.verifier({ whenStatusUnavailable: choice })
    issuer.revoke(1)
    issuer.serve(issuer.listPath, answer(503))
    if (choice === 'refuse') expect(await refused(chosen.verify(token))).toMatchObject({ code: 'temporarily_unavailable', status: 503 })
    else await expect(chosen.verify(await issuer.token(1))).resolves.toBeDefined()
    issuer.serve(issuer.listPath, undefined)
    pass(30)
    await expect(chosen.verify(token)).resolves.toBeDefined()
    expect(await refused(chosen.verify(await issuer.token(1)))).toMatchObject({ code: 'invalid_token' })
  })

  it('accept: never concerns the keys, without which nothing is known', async () => {
    issuer.serve(issuer.jwksPath, answer(503))
    expect(await refused(issuer.verifier({ whenStatusUnavailable: 'accept' }).verify(token))).toMatchObject({ code: 'temporarily_unavailable' })
  })
})
