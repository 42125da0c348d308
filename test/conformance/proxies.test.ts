import { createHook } from 'node:async_hooks'
import { lookup } from 'node:dns/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { send, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/** Every kind of question that node can put to a resolver. */
const resolverResources = new Set(['GETADDRINFOREQWRAP', 'GETNAMEINFOREQWRAP', 'QUERYWRAP', 'DNSCHANNEL'])

describe('addresses and forwarded headers', () => {
  let plain: TestServer
  let trusting: TestServer
  const lookups: string[] = []
  const hook = createHook({ init (_id, type) { if (resolverResources.has(type)) lookups.push(type) } })

  beforeAll(async () => {
    plain = await startTestServer()
    trusting = await plain.startSibling({ TRUST_PROXY: '127.0.0.1, 10.0.0.0/8' })
    hook.enable()
  })
  afterAll(async () => {
    hook.disable()
    await plain.stop()
  })

  async function addressSeen (server: TestServer, headers: Readonly<Record<string, string>>): Promise<unknown> {
    const answer = await send(`${server.origin}/oauth/v2/jwks`, { headers })
    const find = (): Record<string, unknown> | undefined => server.logs.find(({ requestId }) => requestId === answer.headers.get('X-Request-Id'))
    await within(0.5, async () => find() !== undefined)
    return find()?.['address']
  }

  it('believes no X-Forwarded-For unless a proxy is trusted', async () => {
    expect(await addressSeen(plain, { 'X-Forwarded-For': '203.0.113.7', Forwarded: 'for=203.0.113.7', 'X-Real-IP': '203.0.113.7' })).toBe('127.0.0.1')
  })

  it('believes what a trusted proxy says, and looks through trusted ones only', async () => {
    expect(await addressSeen(trusting, { 'X-Forwarded-For': '203.0.113.7' })).toBe('203.0.113.7')
    expect(await addressSeen(trusting, { 'X-Forwarded-For': '198.51.100.1, 203.0.113.7, 10.1.2.3' })).toBe('203.0.113.7')
    expect(await addressSeen(trusting, { 'X-Forwarded-For': '2001:db8::1' })).toBe('2001:db8::1')
  })

  it('R19 takes no host name for an address, and looks none up', async () => {
    for (const name of ['localhost', 'evil.example', '203.0.113.7.evil.example', '127.0.0.1.nip.io', '[::1]', '1', 'x'.repeat(5_000), '<script>', '10.0.0.1, evil.example', '203.0.113.7:80']) {
      for (const server of [plain, trusting]) expect(await addressSeen(server, { 'X-Forwarded-For': name, 'X-Forwarded-Host': name, Referer: `http://${name}/` }), name.slice(0, 30)).toMatch(/^(127\.0\.0\.1|10\.0\.0\.1)$/)
    }
    expect(lookups).toEqual([])
    await lookup('localhost')
    expect(lookups, 'the control: a look-up is noticed').not.toEqual([])
  })
})
