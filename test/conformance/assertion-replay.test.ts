import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../../src/clients/client.ts'
import { createReplayGuard } from '../../src/replay/guard.ts'
import { createUsedIdentifierStore } from '../../src/replay/store.ts'
import { assertionBy, assertionClaims, newPair, withAssertion } from '../support/assertions.ts'
import type { Part } from '../support/forged-tokens.ts'
import type { Scene } from '../support/fixtures.ts'
import { replayRaces } from '../support/races.ts'
import { within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

describe('RFC 7523 §3 (point 7) an assertion is good once', () => {
  let now = Date.now()
  let server: TestServer
  let sibling: TestServer
  let scene: Scene
  let partner: Client
  let other: Client
  const pair = newPair()

  beforeAll(async () => {
    server = await startTestServer({ clock: () => now })
    sibling = await server.startSibling()
    scene = await server.fixtures.scene()
    partner = await server.fixtures.signingClient({ organizationId: scene.organization.id, keys: [pair] })
    other = await server.fixtures.signingClient({ organizationId: scene.organization.id, keys: [pair] })
    for (const process of [server, sibling]) {
      if (!await within(2, async () => (await withAssertion(process, assertionBy(pair, good(other)))).status === 200)) throw new Error('the clients stayed unknown')
    }
  })
  afterAll(async () => { await server.stop() })

  const good = (client = partner): Part => assertionClaims(server.issuer, client.id, now)

  it('S29 of 50 uses of one jti at the same moment on two processes exactly one wins', { timeout: 20_000 * replayRaces }, async () => {
    for (let race = 0; race < replayRaces; race += 1) {
      const [one, two] = [assertionBy(pair, good()), assertionBy(pair, good())]
      const uses = Array.from({ length: 50 }, (_, index) => withAssertion(index % 2 === 0 ? server : { ...sibling, issuer: sibling.origin }, index < 25 ? one : two))
      const statuses = (await Promise.all(uses)).map(({ status }) => status)
      expect(statuses.slice(0, 25).filter((status) => status === 200)).toHaveLength(1)
      expect(statuses.slice(25).filter((status) => status === 200)).toHaveLength(1)
      expect(new Set(statuses)).toEqual(new Set([200, 401]))
    }
  })

  it('S29 100 races of one jti between two processes have 100 winners', async () => {
    for (let race = 0; race < 100; race++) {
      const assertion = assertionBy(pair, good())
      const answers = await Promise.all([withAssertion(server, assertion), withAssertion({ ...sibling, issuer: sibling.origin }, assertion)])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 401])
    }
  })

  it('the same jti in another assertion of the client is refused, in another client\'s it is not', async () => {
    const jti = 'chosen'
    const use = async (client: Client): Promise<number> => (await withAssertion(server, assertionBy(pair, { ...good(client), jti }))).status
    expect([await use(partner), await use(partner), await use(other), await use(other)]).toEqual([200, 401, 200, 401])
  })

  it('what is refused for another reason is not used up', async () => {
    const claims = good()
    expect((await withAssertion(server, assertionBy(newPair(), claims, { kid: pair.kid }))).status).toBe(401)
    expect((await withAssertion(server, assertionBy(pair, { ...claims, aud: 'https://other.example.com' }))).status).toBe(401)
    expect((await withAssertion(server, assertionBy(pair, claims))).status).toBe(200)
  })

  it('what was used stays used until it would be refused as too old, and is forgotten then', async () => {
    const assertion = assertionBy(pair, { ...good(), exp: Math.floor(now / 1000) + 300 })
    const guard = createReplayGuard(createUsedIdentifierStore(server.database), () => now)
    expect((await withAssertion(server, assertion)).status).toBe(200)
    for (const seconds of [240, 60, 8]) {
      now += seconds * 1000
      await guard.purgeExpired()
      expect((await withAssertion(server, assertion)).status, String(seconds)).toBe(401)
    }
    now += 3_000 // its end, and the skew
    expect((await withAssertion(server, assertion)).status).toBe(401)
    expect(server.logs.findLast(({ cause }) => cause !== undefined)?.['cause']).toMatch(/it has expired/)
  })

  it('R14 (CVE-2025-2559) what was used is kept for minutes: no assertion of an hour is taken, and rows go by themselves', async () => {
    expect((await withAssertion(server, assertionBy(pair, { ...good(), exp: Math.floor(now / 1000) + 3_600 }))).status).toBe(401)
    const store = createUsedIdentifierStore(server.database)
    const guard = createReplayGuard(store, Date.now)
    const before = await server.database.usedIdentifier.count()
    await server.database.$executeRaw`
      INSERT INTO used_identifiers (owner, digest, expires_at) SELECT ${partner.id}, sha256(i::text::bytea), now() - interval '2 minutes' FROM generate_series(1, 12001) AS i`
    expect(await guard.purgeExpired(), 'more than one statement deletes').toBeGreaterThanOrEqual(12_001)
    expect(await server.database.usedIdentifier.count()).toBeLessThanOrEqual(before)
    const latest = await server.database.usedIdentifier.findFirst({ orderBy: { expiresAt: 'desc' } })
    expect((latest?.expiresAt.getTime() ?? 0) - now).toBeLessThan(7 * 60_000)
  })

  it('R14 forgets all of them when another process takes a part of what it is about to forget', async () => {
    const guard = createReplayGuard(createUsedIdentifierStore(server.database), Date.now)
    await server.database.$executeRaw`
      INSERT INTO used_identifiers (owner, digest, expires_at) SELECT ${partner.id}, sha256(i::text::bytea), now() - interval '2 minutes' FROM generate_series(1, 12001) AS i`
    const purging = await sibling.database.$transaction(async (session) => {
      // Half of them, so that some are in whatever batch comes first.
      await session.$executeRaw`DELETE FROM used_identifiers WHERE expires_at < now() - interval '1 minute' AND digest < decode('80', 'hex')`
      const purged = guard.purgeExpired()
      const isWaiting = async (): Promise<boolean> => (await session.$queryRaw<unknown[]>`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%used_identifiers%'`).length === 1
      expect(await within(4, isWaiting)).toBe(true)
      return [purged] // a promise alone would be waited for here
    })
    expect(await purging[0]).toBeGreaterThan(5_000)
    expect(await server.database.usedIdentifier.count({ where: { expiresAt: { lt: new Date(Date.now() - 60_000) } } })).toBe(0)
  })

  it('answers 503 with Retry-After, and no token, while the use cannot be stored', async () => {
    const assertion = assertionBy(pair, good())
    await server.database.$executeRaw`ALTER TABLE used_identifiers RENAME TO used_identifiers_away`
    const answer = await withAssertion(server, assertion)
    await server.database.$executeRaw`ALTER TABLE used_identifiers_away RENAME TO used_identifiers`
    expect({ status: answer.status, error: answer.json['error'] }).toEqual({ status: 503, error: 'temporarily_unavailable' })
    expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0)
    expect(answer.text).not.toContain('access_token')
    expect((await withAssertion(server, assertion)).status).toBe(200)
  })
})
