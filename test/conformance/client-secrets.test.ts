import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSecretFormat, parseTaggedSecret } from '../../src/clients/secret-format.ts'
import { maxUsableSecrets } from '../../src/clients/registration.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { acceptsSecret, known, knownClient, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { importSecret, storedSecrets } from '../support/stored-secrets.ts'

let server: TestServer
let scene: Scene
let now = Date.now()

beforeAll(async () => {
  server = await startTestServer({ clock: () => now })
  scene = await server.fixtures.scene()
  await known(server, scene.api)
})
afterAll(async () => { await server.stop() })

const accepts = (client: { readonly id: string }, secret: string, at = server): Promise<boolean> => acceptsSecret(at, client, secret)
const newClient = (): Promise<RegisteredClient> => knownClient(server, scene.organization.id)

describe('client secrets that overlap, expire and are revoked', () => {
  it('accepts every usable secret of a client', async () => {
    const client = await newClient()
    const second = await server.fixtures.addSecret(client.id)
    const third = await server.fixtures.addSecret(client.id)
    expect(await within(1, () => accepts(client, third.secret))).toBe(true)
    for (const secret of [client.secret, second.secret, third.secret]) expect(await accepts(client, secret)).toBe(true)
  })

  it('refuses a secret from the millisecond on in which it expires, by the server\'s clock, though it was verified before', async () => {
    const client = await newClient()
    const expiresAt = new Date(now + 3_600_000)
    const { secret } = await server.fixtures.addSecret(client.id, expiresAt)
    expect(await within(1, () => accepts(client, secret))).toBe(true)
    const before = now
    now = expiresAt.getTime() - 1
    expect(await accepts(client, secret)).toBe(true)
    now = expiresAt.getTime()
    expect(await accepts(client, secret)).toBe(false)
    expect(await accepts(client, client.secret)).toBe(true)
    now = before
  })

  it('refuses a revoked secret within a second, though it was verified before, and goes on accepting the others', async () => {
    const client = await newClient()
    const { secretId, secret } = await server.fixtures.addSecret(client.id)
    expect(await within(1, () => accepts(client, secret))).toBe(true)
    await server.database.clientSecret.update({ where: { id: secretId }, data: { revokedAt: new Date() } })
    expect(await within(1, async () => !await accepts(client, secret))).toBe(true)
    expect(await accepts(client, client.secret)).toBe(true)
  })

  it('R13 a revoked secret stays dead whatever is written to its row, its client or beside it', async () => {
    const client = await newClient()
    const { secretId, secret } = await server.fixtures.addSecret(client.id)
    await server.database.clientSecret.update({ where: { id: secretId }, data: { revokedAt: new Date() } })
    expect(await within(1, async () => !await accepts(client, secret))).toBe(true)
    await server.database.$executeRaw`UPDATE client_secrets SET revoked_at = NULL, expires_at = NULL WHERE id = ${secretId}`
    await server.database.$executeRaw`UPDATE client_secrets SET revoked_at = now() + interval '1 year' WHERE id = ${secretId}`
    await server.database.client.update({ where: { id: client.id }, data: { name: 'Renamed', disabledAt: new Date() } })
    await server.database.client.update({ where: { id: client.id }, data: { disabledAt: null } })
    now = Date.now() // enabling cut off what came before, by the database's clock
    const { secret: newest } = await server.fixtures.addSecret(client.id)
    expect(await within(1, () => accepts(client, newest))).toBe(true)
    expect(await accepts(client, secret)).toBe(false)
    expect(await accepts(client, secret, await server.startSibling())).toBe(false)
  })

  it('lets a client have no more than its share of usable secrets, so that no request has many to try', async () => {
    const client = await newClient()
    for (let count = 1; count < maxUsableSecrets; count += 1) await server.fixtures.addSecret(client.id)
    await expect(server.fixtures.addSecret(client.id)).rejects.toThrow(`${maxUsableSecrets} is the most`)
    const [first] = await storedSecrets(server, client.id)
    await server.database.clientSecret.update({ where: { id: first?.id ?? '' }, data: { revokedAt: new Date() } })
    await expect(server.fixtures.addSecret(client.id)).resolves.toBeDefined()
  })

  it('refuses a genuine tag with another body, and every secret of another client or another server', async () => {
    const client = await newClient()
    const foreign = createSecretFormat(Buffer.alloc(32, 7)).generate(client.id, 'live').secret
    const parsed = parseTaggedSecret(client.secret)
    const swapped = `${foreign.slice(0, foreign.lastIndexOf('_'))}_${parsed?.tag ?? ''}`
    for (const secret of [foreign, swapped, scene.partner.secret, client.secret.toLowerCase(), `${client.secret} `, client.secret.slice(0, -1)]) expect(await accepts(client, secret)).toBe(false)
    expect(await accepts(client, client.secret)).toBe(true)
  })
})

describe('imported secrets, an operator\'s own', () => {
  it('are accepted without a tag, by whatever method, and never get a verifier', async () => {
    const client = await newClient()
    await importSecret(server, client.id, 'correct horse battery staple')
    expect(await within(1, () => accepts(client, 'correct horse battery staple'))).toBe(true)
    expect(await accepts(client, 'correct horse battery stapl')).toBe(false)
    expect(await accepts(scene.partner, 'correct horse battery staple')).toBe(false)
    expect(await accepts(client, client.secret)).toBe(true)
    const stored = await storedSecrets(server, client.id)
    expect(stored.filter(({ id }) => id.startsWith('imported')).map(({ verifier }) => verifier)).toEqual([null])
  })

  it('of several of a client the newest usable one works, and the one before it when that expires (ADR 0007: one request costs one hash)', async () => {
    const client = await newClient()
    await importSecret(server, client.id, 'the elder secret')
    expect(await within(1, () => accepts(client, 'the elder secret'))).toBe(true)
    const younger = await importSecret(server, client.id, 'the younger secret')
    expect(await within(1, () => accepts(client, 'the younger secret'))).toBe(true)
    expect(await accepts(client, 'the elder secret')).toBe(false)
    await server.database.clientSecret.update({ where: { id: younger }, data: { expiresAt: new Date(now) } })
    expect(await within(1, () => accepts(client, 'the elder secret'))).toBe(true)
    expect(await accepts(client, 'the younger secret')).toBe(false)
  })

  it('that look like a generated one are judged as one: without a genuine tag they fail', async () => {
    const client = await newClient()
    const lookalike = createSecretFormat(Buffer.alloc(32, 7)).generate(client.id, 'live').secret
    await importSecret(server, client.id, lookalike)
    await importSecret(server, client.id, 'the one that tells when both are known')
    expect(await within(1, () => accepts(client, 'the one that tells when both are known'))).toBe(true)
    expect(await accepts(client, lookalike)).toBe(false)
  })
})
