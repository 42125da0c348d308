import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCredentialUsage, usageLimits } from '../../src/credential-usage/usage.ts'
import type { CountedUsage } from '../../src/credential-usage/store.ts'
import { createLogger } from '../../src/logger.ts'
import { databaseUrl, superuserUrl } from '../support/embedded.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { introspect, known, knownClient, requestToken, revoke, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const minute = 60_000
const day = 1_440 * minute

describe('what is recorded of the use of secrets', { timeout: 60_000 }, () => {
  let now = Date.now()
  let server: TestServer
  let siblings: readonly TestServer[]
  let scene: Scene

  beforeAll(async () => {
    server = await startTestServer({ clock: () => now })
    scene = await server.fixtures.scene()
    await known(server, scene.api)
    siblings = [server, await server.startSibling(), await server.startSibling()]
    for (const each of siblings) await known(each, scene.partner)
  }, 60_000)
  afterAll(async () => { await server.stop() })

  interface Usage { readonly tokens: number, readonly first: number | undefined, readonly last: number | undefined }

  async function usageOf ({ id }: { readonly id: string }, credential?: string): Promise<Usage | undefined> {
    const [row] = await server.database.credentialUsage.findMany({ where: { clientId: id, ...credential === undefined ? {} : { credential } } })
    return row === undefined ? undefined : { tokens: Number(row.tokensMinted), first: row.firstUsedAt?.getTime(), last: row.lastUsedAt?.getTime() }
  }

  /** A minute later. */
  async function recordAll (): Promise<void> {
    now += minute
    for (const each of siblings) await each.recordUsage()
  }

  const tokens = async (on: TestServer, client: RegisteredClient, count: number): Promise<void> => { for (let times = 0; times < count; times += 1) await tokenOf(on, client) }

  it('is counted exactly by all processes together, with the first and the last time', async () => {
    await recordAll()
    const client = await knownClient(server, scene.organization.id)
    for (const each of siblings) await known(each, client)
    const begin = now
    await Promise.all(siblings.map((each, index) => tokens(each, client, 10 + index)))
    await recordAll()
    expect(await usageOf(client)).toEqual({ tokens: 33, first: begin, last: begin })
    await tokens(siblings[1] ?? server, client, 4)
    await recordAll()
    expect(await usageOf(client)).toEqual({ tokens: 37, first: begin, last: begin + minute })
  })

  it('counts an authentication at any endpoint as use, and a refusal as nothing', async () => {
    const token = await tokenOf(server, scene.partner)
    await recordAll()
    const before = await usageOf(scene.partner)
    const { id, secret } = scene.partner
    expect((await requestToken(server, { ...scene.partner, secret: `${secret}x` })).status).toBe(401)
    await recordAll()
    expect(await usageOf(scene.partner)).toEqual(before)
    for (const use of [() => introspect(server, scene.partner, 'nothing'), () => revoke(server, scene.partner, token), () => requestToken(server, { ...scene.partner, id }, { scope: 'unknown' })]) {
      const usedAt = now
      await use()
      await recordAll()
      expect(await usageOf(scene.partner)).toEqual({ ...before, last: usedAt })
    }
  })

  it('is written at most once a minute, however often somebody wants to, and by no request', async () => {
    await recordAll()
    const before = await usageOf(scene.partner)
    await tokens(server, scene.partner, 5)
    for (const later of [1, 20_000, 39_998]) {
      now += later
      await server.recordUsage()
      expect(await usageOf(scene.partner)).toEqual(before)
    }
    now += 1
    await server.recordUsage()
    expect((await usageOf(scene.partner))?.tokens).toBe((before?.tokens ?? 0) + 5)
  })

  it('is written in one transaction for all clients, as a row each that grows, and the change feed is told of nothing', async () => {
    const clients = [scene.partner, scene.api, await knownClient(server, scene.organization.id)]
    await recordAll()
    for (const client of clients) for (let times = 0; times < 5; times += 1) await introspect(server, client, 'nothing')
    const changes = await server.database.change.count()
    const rows = await server.database.credentialUsage.count()
    now += minute
    await server.recordUsage()
    expect(await server.database.change.count()).toBe(changes)
    expect(await server.database.credentialUsage.count()).toBe(rows)
    const written = await server.database.$queryRaw`SELECT DISTINCT xmin::text FROM credential_usage WHERE client_id = ANY(${clients.map(({ id }) => id)})`
    expect(written).toHaveLength(1)
  })

  it('never goes back in time: a clock that is set back counts on, and moves no last use back', async () => {
    await tokens(server, scene.partner, 1)
    await recordAll()
    const before = await usageOf(scene.partner)
    const { tokens: counted = 0, last = 0 } = before ?? {}
    now -= 30 * minute
    await tokens(server, scene.partner, 2)
    await server.recordUsage() // at once: nobody knows how long a minute has lasted
    expect(await usageOf(scene.partner)).toMatchObject({ tokens: counted + 2, last })
    now += 31 * minute
    await recordAll()
  })

  it('is written when a process stops, though no minute has passed', async () => {
    const client = await knownClient(server, scene.organization.id)
    const leaving = await server.startSibling()
    await tokens(leaving, client, 7)
    expect((await usageOf(client))?.tokens).toBeUndefined()
    await leaving.stop()
    expect((await usageOf(client))?.tokens).toBe(7)
  })

  it('goes with its secret, its key and its client, and what comes late brings nothing back and stops nobody else', async () => {
    const [leaving, staying] = [await knownClient(server, scene.organization.id), await knownClient(server, scene.organization.id)]
    const { secret, secretId } = await server.fixtures.addSecret(staying.id)
    expect(await within(2, async () => (await requestToken(server, { ...staying, secret })).status === 200)).toBe(true)
    await tokens(server, leaving, 1)
    await tokens(server, staying, 2)
    await recordAll()
    expect((await usageOf(staying, `secret:${secretId}`))?.tokens).toBe(1)
    await tokens(server, leaving, 1)
    await tokens(server, staying, 1)
    await requestToken(server, { ...staying, secret })
    await server.database.client.delete({ where: { id: leaving.id } })
    await server.database.clientSecret.delete({ where: { id: secretId } })
    expect(await usageOf(leaving)).toBeUndefined()
    expect(await usageOf(staying, `secret:${secretId}`)).toBeUndefined()
    await recordAll()
    expect(await usageOf(leaving)).toBeUndefined()
    expect(await usageOf(staying, `secret:${secretId}`)).toBeUndefined()
    expect((await usageOf(staying))?.tokens).toBe(3)
  })

  it('waits for nobody who is deleting a client, and is written once that is done', async () => {
    const client = await knownClient(server, scene.organization.id)
    await tokens(server, client, 2)
    const deleting = new pg.Client({ connectionString: server.databaseUrl })
    await deleting.connect()
    await deleting.query('BEGIN')
    await deleting.query('DELETE FROM clients WHERE id = $1', [client.id])
    now += minute
    const recorded = server.recordUsage()
    await deleting.query('ROLLBACK')
    await deleting.end()
    await recorded
    expect((await usageOf(client))?.tokens).toBe(2)
  })

  it('warns of a secret and a key that are in use and expire within 14 days: once a day, by one process of all', async () => {
    await recordAll()
    const client = await knownClient(server, scene.organization.id)
    const lastUsedAt = new Date(now)
    await tokens(server, client, 1)
    const idle = await server.fixtures.addSecret(client.id, new Date(now + 10 * day))
    const [secretId = ''] = client.client.secrets.keys()
    const expiresAt = new Date(now + 13 * day)
    await server.database.clientSecret.update({ where: { id: secretId }, data: { expiresAt } })
    await server.database.clientKey.create({ data: { clientId: client.id, kid: 'its key', algorithm: 'ES256', jwk: {}, expiresAt } })
    await recordAll()
    await server.database.credentialUsage.create({ data: { clientId: client.id, credential: 'key:its key', kid: 'its key', lastUsedAt } })

    const warnings = (): readonly Record<string, unknown>[] => siblings.flatMap(({ logs }) => logs).filter(({ msg }) => String(msg).includes('expiring'))
    const lookAgain = async (millis: number): Promise<void> => {
      now += millis
      await Promise.all(siblings.map((each) => each.recordUsage()))
    }
    await lookAgain(10 * minute)
    const about = { level: 40, clientId: client.id, expiresAt: expiresAt.toISOString(), lastUsedAt: lastUsedAt.toISOString() }
    expect(warnings()).toHaveLength(2)
    expect(warnings()).toEqual(expect.arrayContaining([expect.objectContaining({ ...about, msg: 'secret.expiring', secretId }), expect.objectContaining({ ...about, msg: 'client.key_expiring', kid: 'its key' })]))
    expect(JSON.stringify(warnings())).not.toContain(idle.secretId)
    await lookAgain(day - 30 * minute)
    expect(warnings()).toHaveLength(2)
    await lookAgain(31 * minute)
    expect(warnings()).toHaveLength(4)
    await server.database.clientSecret.update({ where: { id: secretId }, data: { revokedAt: new Date() } })
    await server.database.clientKey.update({ where: { clientId_kid: { clientId: client.id, kid: 'its key' } }, data: { expiresAt: null } })
    await lookAgain(2 * day)
    expect(warnings()).toHaveLength(4)
  })
})

describe('what was counted while the database is away', { timeout: 60_000 }, () => {
  it('is kept, said once in the log, and written whole when it is back', async () => {
    let now = Date.now()
    const server = await startTestServer({ clock: () => now })
    const scene = await server.fixtures.scene()
    await known(server, scene.partner)
    await tokenOf(server, scene.partner)
    await server.database.$disconnect()
    const superuser = new pg.Client({ connectionString: databaseUrl(superuserUrl(server.databaseUrl), 'postgres') })
    await superuser.connect()
    const name = /@\/(\w+)\?/.exec(server.databaseUrl)?.[1] ?? ''
    await superuser.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)
    await superuser.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name])
    for (let minutes = 0; minutes < 3; minutes += 1) {
      await tokenOf(server, scene.partner)
      now += minute
      await server.recordUsage()
    }
    expect(server.logs.filter(({ msg }) => msg === 'credential_usage.not_stored')).toHaveLength(1)
    await superuser.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
    await superuser.end()
    await tokenOf(server, scene.partner)
    const written = async (): Promise<bigint | undefined> => (await server.database.credentialUsage.findFirst({ where: { clientId: scene.partner.id } }))?.tokensMinted
    expect(await within(5, async () => {
      now += minute
      await server.recordUsage()
      return await written() === 5n
    })).toBe(true)
    await server.stop()
  })
})

describe('what is counted in memory', () => {
  it('is bounded: keys at a jwks_uri, which their client names, are one, and credentials that there is no room for are not counted', async () => {
    const logged: string[] = []
    const added: CountedUsage[] = []
    let now = 0
    const usage = createCredentialUsage({
      store: { add: async (counted) => { added.push(...counted) } },
      clock: () => now,
      logger: createLogger('warn', { write: (line: string) => logged.push(line) })
    })
    const client = (id: string): { id: string, keys: Map<string, never> } => ({ id, keys: new Map<string, never>() })
    for (let index = 0; index < 1_000; index += 1) usage.minted(client('one'), `key:${index}`)
    for (let index = 0; index < usageLimits.credentials + 10; index += 1) usage.used(client(`client ${index}`), 'certificate')
    usage.minted(client('one'), 'key:another')
    now += minute
    await usage.record()
    expect(added).toHaveLength(usageLimits.credentials)
    expect(added[0]).toMatchObject({ clientId: 'one', credential: 'jwks_uri', tokens: 1_001 })
    expect(logged).toHaveLength(1)
    expect(logged[0]).toContain('credential_usage.not_counted')
  })
})
