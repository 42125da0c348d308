import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pruneChanges } from '../../src/changes/store.ts'
import { loadConfig } from '../../src/config.ts'
import { createDatabase, type Database } from '../../src/db.ts'
import { createExchangedTokens, type ExchangedTokens } from '../../src/exchanged-tokens/directory.ts'
import { newExchangedTokenId } from '../../src/exchanged-tokens/exchanged-token.ts'
import { createExchangedTokenStore } from '../../src/exchanged-tokens/store.ts'
import { createLogger } from '../../src/logger.ts'
import { defaultAccessTokenTtlSeconds } from '../../src/oauth/claims.ts'
import { prepare } from '../../src/setup/prepare.ts'
import { createAllocator, type Allocator } from '../../src/status-lists/allocate.ts'
import { createStatusLists, type StatusLists } from '../../src/status-lists/directory.ts'
import { createOwnLists } from '../../src/status-lists/own-lists.ts'
import type { StatusReference } from '../../src/status-lists/status-list.ts'
import { createStatusListStore, type Holder } from '../../src/status-lists/store.ts'
import { createTestDatabase, superuserUrl, type TestDatabase } from '../support/embedded.ts'
import { createFixtures, type Fixtures } from '../support/fixtures.ts'

/** `WEEK_TOKENS_PER_SECOND=100 npm test -- test/robustness/storage` for nine million living tokens. */
const tokensPerSecond = Number(process.env['WEEK_TOKENS_PER_SECOND'] ?? 0.1)
const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]
const [processCount, busyClients, dailyClients, days, stepMillis] = [3, 8, 24, 8, hour] as const
const [exchangesOfStep, revocationsOfStep] = [4, 3] as const
const tables = ['status_lists', 'status_blocks', 'revoked_indexes', 'exchanged_tokens', 'changes'] as const
/** STALE_LIMIT_SECONDS by default. */
const awayMillis = 900_000
const lifetime = defaultAccessTokenTtlSeconds * 1_000

type Stored = Readonly<Record<typeof tables[number] | 'bytes', number>>

interface Process {
  readonly statusLists: StatusLists
  readonly allocator: Allocator
}

describe('S44 more than a week of issuing, exchanging and revoking, by processes that crash every day', { timeout: 900_000 }, () => {
  let test: TestDatabase
  let database: Database
  let superuser: pg.Client
  let fixtures: Fixtures
  let exchangedTokens: ExchangedTokens
  let resourceId: string
  const holders: Holder[] = []
  const processes: Process[] = []
  /** By list: when the last of its tokens expires. */
  const lastOf = new Map<string, number>()
  const began = Date.now()
  // All of it has been by the clock of the database, which nobody can inject.
  let now = began - (days + 5) * day
  const clock = (): number => now
  const logger = createLogger('silent')
  const store = (): ReturnType<typeof createStatusListStore> => createStatusListStore(database)

  beforeAll(async () => {
    test = await createTestDatabase({ durable: false })
    database = createDatabase({ url: test.url, applicationName: 'signet test', poolSize: 2 })
    superuser = new pg.Client({ connectionString: superuserUrl(test.url) })
    await superuser.connect()
    const config = loadConfig({ MASTER_KEY: '19'.repeat(32) })
    fixtures = createFixtures({ database, ...await prepare({ config, url: test.url, embedded: false, clock, progress: () => {} }), clock })
    exchangedTokens = createExchangedTokens({ reading: createExchangedTokenStore(database), writing: createExchangedTokenStore(database), clock, limit: Infinity })
    const { id: organizationId } = await fixtures.organization()
    resourceId = (await fixtures.resource('https://api.example.com', { 'tournaments:read': true })).id
    const { kid } = await database.signingKey.findFirstOrThrow({ where: { environment: 'live' } })
    for (let index = 0; index < busyClients + dailyClients; index += 1) {
      const { id: clientId, client: { secrets } } = await fixtures.client({ organizationId })
      holders.push({ clientId, organizationId, credential: `secret:${String([...secrets.keys()][0])}`, kid, clientCutOff: null, organizationCutOff: null })
    }
    for (let index = 0; index < processCount; index += 1) processes.push(startProcess())
  })
  afterAll(async () => {
    await superuser.end()
    await database.$disconnect()
    await test.drop()
  })

  function startProcess (): Process {
    const statusLists = createStatusLists({ reading: store(), writing: store(), clock })
    const ownLists = createOwnLists({ statusLists, store: store(), clock, awayMillis })
    return { statusLists, allocator: createAllocator({ ownLists, statusLists, store: store(), clock, logger, awayMillis }) }
  }

  function any<Item> (items: readonly Item[]): Item {
    const item = items[Math.floor(Math.random() * items.length)]
    if (item === undefined) throw new Error('nothing to choose from')
    return item
  }

  async function issue (holder: Holder): Promise<StatusReference> {
    const expiresAt = now + lifetime
    const allocated = any(processes).allocator.allocate(holder, 'live', expiresAt)
    const status = allocated instanceof Promise ? await allocated : allocated
    if (status === undefined) throw new Error('nobody was stopped, and no index was given')
    if ((lastOf.get(status.listId) ?? 0) < expiresAt) lastOf.set(status.listId, expiresAt)
    return status
  }

  async function exchange (holder: Holder, subject: StatusReference): Promise<void> {
    const { clientId, organizationId, kid } = holder
    await exchangedTokens.add({ jti: newExchangedTokenId(), subjectJti: 'a jti', clientId, organizationId, issuedAt: Math.floor(now / 1_000), kid, resourceId, expiresAt: new Date(now + lifetime), status: await issue(holder), subjectStatus: subject })
  }

  /** What the database dated by its own clock. */
  async function date (): Promise<void> {
    for (const [table, column] of [['status_lists', 'created_at'], ['status_blocks', 'leased_at'], ['changes', 'changed_at']]) {
      await superuser.query(`UPDATE ${table} SET ${column} = $1 WHERE ${column} >= $2`, [new Date(now), new Date(began - minute)])
    }
  }

  /** What each process hears by the feed, and leases for those who got tokens from another one. */
  async function hear ({ statusLists, allocator }: Process): Promise<void> {
    await statusLists.lists.load()
    await statusLists.revoked.load()
    for (const { clientId, credential } of await store().readHolders(new Date(now - 2 * stepMillis), new Date(now - day))) {
      const holder = holders.find((each) => each.clientId === clientId && each.credential === credential)
      if (holder !== undefined) await allocator.prepare(holder, 'live', now + lifetime)
    }
    await allocator.renew(now - day)
  }

  async function tidyUp (): Promise<void> {
    await processes[0]?.statusLists.purgeExpired()
    await exchangedTokens.purgeExpired()
    await pruneChanges(database, now)
    const kept = new Set((await store().readAll()).map(({ id }) => id))
    for (const [listId, last] of lastOf) {
      expect(kept.has(listId) || last < now, 'no list goes before the last of its tokens').toBe(true)
      if (!kept.has(listId)) lastOf.delete(listId)
    }
  }

  async function step (number: number): Promise<void> {
    const statuses: { readonly holder: Holder, readonly status: StatusReference }[] = []
    for (const holder of holders.slice(0, busyClients)) {
      for (let count = 0; count < tokensPerSecond * stepMillis / 1_000 / busyClients; count += 1) statuses[count % 64] = { holder, status: await issue(holder) }
    }
    const stepsOfDay = day / stepMillis
    for (const [index, holder] of holders.slice(busyClients).entries()) if (number % stepsOfDay === index) await issue(holder)
    for (let count = 0; count < exchangesOfStep; count += 1) {
      const { holder, status } = any(statuses)
      await exchange(holder, status)
    }
    for (let count = 0; count < revocationsOfStep; count += 1) {
      const { listId, index } = any(statuses).status
      await store().revoke({ listId, firstIndex: index, lastIndex: index }, { actor: 'test' })
    }
    if (number % stepsOfDay === 20) await leak()
    await date()
    if (number % 2 === 0) for (const each of processes) await hear(each)
    for (let index = 0; index < processCount; index += 1) if (number % stepsOfDay === index * 8) processes[index] = startProcess()
    if (number % 3 === 0) await tidyUp()
  }

  /** Once a day a secret leaks: every block of it is revoked, and the client gets another one. */
  async function leak (): Promise<void> {
    const index = Math.floor(Math.random() * busyClients)
    const holder = any(holders.slice(index, index + 1))
    await database.clientSecret.update({ where: { id: holder.credential.slice('secret:'.length) }, data: { revokedAt: new Date(now) } })
    holders[index] = { ...holder, credential: `secret:${(await fixtures.addSecret(holder.clientId)).secretId}` }
  }

  async function stored (): Promise<Stored> {
    await superuser.query('VACUUM')
    const counts = tables.map((table) => `(SELECT count(*)::int FROM ${table}) AS ${table}`).join(', ')
    const bytes = tables.map((table) => `pg_total_relation_size('${table}')`).join(' + ')
    const { rows: [row] } = await superuser.query<Stored>(`SELECT ${counts}, (${bytes})::int AS bytes`)
    if (row === undefined) throw new Error('no row')
    return row
  }

  it('stores as much after eight days as after four, no list goes before the last of its tokens, and nothing is left when all have expired', async () => {
    const byDay: Stored[] = []
    for (let number = 0; number < days * day / stepMillis; number += 1) {
      await step(number)
      now += stepMillis
      if ((number + 1) * stepMillis % day === 0) byDay.push(await stored())
    }
    console.table(byDay)
    const [early, late] = [byDay.slice(2, 5), byDay.slice(5)]
    for (const what of [...tables, 'bytes'] as const) {
      const most = (of: typeof byDay): number => Math.max(...of.map((each) => each[what]))
      expect(most(late), what).toBeLessThanOrEqual(most(early) * 1.25)
    }
    for (let passed = 0; passed < 4 * day; passed += 4 * hour) {
      now += 4 * hour
      await date()
      await tidyUp()
    }
    expect({ ...await stored(), bytes: 0 }).toEqual({ status_lists: 0, status_blocks: 0, revoked_indexes: 0, exchanged_tokens: 0, changes: 1, bytes: 0 })
  })
})
