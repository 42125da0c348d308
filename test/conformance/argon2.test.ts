import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { acceptsSecret, known, knownClient, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { hashWith, importSecret, storedSecrets } from '../support/stored-secrets.ts'

let server: TestServer
let scene: Scene

beforeAll(async () => {
  server = await startTestServer()
  scene = await server.fixtures.scene()
  await known(server, scene.api)
})
afterAll(async () => { await server.stop() })

const accepts = (client: { readonly id: string }, secret: string, at = server): Promise<boolean> => acceptsSecret(at, client, secret)
const newClient = (): Promise<RegisteredClient> => knownClient(server, scene.organization.id)

describe('OWASP password storage: argon2id', () => {
  it('hashes every secret with m >= 19456 KiB, t >= 2, p = 1, a salt of its own and 32 octets', async () => {
    const client = await newClient()
    await server.fixtures.addSecret(client.id)
    const hashes = (await server.database.clientSecret.findMany({ select: { hash: true } })).map(({ hash }) => hash)
    expect(hashes.length).toBeGreaterThan(3)
    const salts = new Set<string>()
    for (const hash of hashes.filter((each) => !each.includes('m=4194304'))) {
      const [, memory, passes, lanes, salt = '', digest = ''] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(hash) ?? []
      expect(Number(memory)).toBeGreaterThanOrEqual(19_456)
      expect(Number(passes)).toBeGreaterThanOrEqual(2)
      expect(Number(lanes)).toBe(1)
      expect(Buffer.from(salt, 'base64').length).toBeGreaterThanOrEqual(16)
      expect(Buffer.from(digest, 'base64').length).toBe(32)
      salts.add(salt)
    }
    expect(salts.size).toBe(hashes.length)
  })

  it('stores a verifier beside the hash at the first success, and is right with it after a start', async () => {
    const client = await newClient()
    await tokenOf(server, client)
    expect(await within(1, async () => (await storedSecrets(server, client.id))[0]?.verifier != null)).toBe(true)
    const [stored] = await storedSecrets(server, client.id)
    expect(Buffer.from(stored?.verifier ?? '', 'base64url').length).toBe(32)
    const sibling = await server.startSibling()
    expect(await accepts(client, client.secret, sibling)).toBe(true)
    expect(await accepts(client, `${client.secret.slice(0, -1)}_`, sibling)).toBe(false)
  })

  it('a verifier is worth nothing beside another hash, another secret\'s row or another client', async () => {
    const [one, other] = [await newClient(), await newClient()]
    await tokenOf(server, one)
    expect(await within(1, async () => (await storedSecrets(server, one.id))[0]?.verifier != null)).toBe(true)
    const [stored] = await storedSecrets(server, one.id)
    const [target] = await storedSecrets(server, other.id)
    if (stored === undefined || target === undefined) throw new Error('two secrets')
    await server.database.clientSecret.update({ where: { id: target.id }, data: { hash: stored.hash, verifier: stored.verifier } })
    const sibling = await server.startSibling()
    expect(await accepts(other, other.secret, sibling)).toBe(false)
    expect(await accepts(other, one.secret, sibling)).toBe(false)
    expect(await accepts(one, one.secret, sibling)).toBe(true)
  })

  it.each([['generated', false], ['imported', true]])('rehashes a %s secret of older parameters at its next success, and it stays good', async (_, imported) => {
    const client = await newClient()
    const secret = imported ? 'from the old system' : client.secret
    const outdated = await hashWith(secret, { memoryKiB: 8_192, passes: 1 })
    if (imported) await importSecret(server, client.id, secret, outdated)
    else await server.database.clientSecret.updateMany({ where: { clientId: client.id }, data: { hash: outdated, verifier: null } })
    const current = async (): Promise<string | undefined> => (await storedSecrets(server, client.id)).find(({ id }) => id.startsWith('imported') === imported)?.hash
    expect(await within(2, async () => await accepts(client, secret) && await current() !== outdated)).toBe(true)
    expect(await current()).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(await accepts(client, secret)).toBe(true)
  })

  it('refuses a stored hash of m = 4 GiB and does not run it', async () => {
    const client = await newClient()
    const monstrous = (await hashWith(client.secret, { memoryKiB: 19_456, passes: 2 })).replace('m=19456', 'm=4194304')
    await server.database.clientSecret.updateMany({ where: { clientId: client.id }, data: { hash: monstrous, verifier: null } })
    const before = process.memoryUsage().rss
    expect(await within(1, async () => !await accepts(client, client.secret))).toBe(true)
    const startedAt = performance.now()
    expect(await accepts(client, client.secret)).toBe(false)
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024)
  })

  it.each([
    ['too many passes', 'm=19456,t=4294967295,p=1'], ['too many lanes', 'm=19456,t=2,p=255'], ['no memory', 'm=0,t=2,p=1'], ['no passes', 'm=19456,t=0,p=1'],
    ['no lanes', 'm=19456,t=2,p=0'], ['less memory than argon2 can do', 'm=1,t=1,p=1']
  ])('answers 401, never 500, to a stored hash with %s', async (_, parameters) => {
    const client = await newClient()
    const hash = (await hashWith(client.secret, { memoryKiB: 19_456, passes: 2 })).replace('m=19456,t=2,p=1', parameters)
    await server.database.clientSecret.updateMany({ where: { clientId: client.id }, data: { hash, verifier: null } })
    expect(await within(1, async () => !await accepts(client, client.secret))).toBe(true)
  })

  it.each(['', 'plain', '$2b$12$abcdefghijklmnopqrstuv', '$argon2i$v=19$m=19456,t=2,p=1$c2lnbmV0LWR1bW15LXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA', '$argon2id$v=16$m=19456,t=2,p=1$c2FsdHNhbHQ$AAAA'])('answers 401 to the stored hash %j', async (hash) => {
    const client = await newClient()
    await server.database.clientSecret.updateMany({ where: { clientId: client.id }, data: { hash, verifier: null } })
    expect(await within(1, async () => !await accepts(client, client.secret))).toBe(true)
  })
})
