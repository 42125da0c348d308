/**
 * The change feed keeps every process's memory true. Triggers append each change to the table `changes`, in
 * commit order; each process listens for the notice, polls besides, and reads anew what changed. A gap, a
 * sequence that went backwards or a new connection means a full reload.
 */
import pg from 'pg'
import type { Logger } from 'pino'
import { ownSchema, patience, timeLimits } from '../db.ts'
import type { View } from './view.ts'

export const feedEntities = ['organization', 'resource', 'client', 'signing_key', 'revoked_token', 'exchanged_token', 'status_list', 'revoked_index'] as const
export type FeedEntity = typeof feedEntities[number]

/** What has come by the feed, and is in force in this process. */
export interface News {
  /** The id of the last change. */
  readonly position: bigint
  /** For each transaction that revoked tokens, how long ago it was stored, by the database's clock. */
  readonly revokedSecondsAgo: readonly number[]
}

export interface FeedOptions {
  readonly url: string
  readonly views: Readonly<Record<FeedEntity, View>>
  readonly logger: Logger
  readonly onNews?: (news: News) => void
  readonly pollIntervalMillis?: number
}

export interface Feed {
  /** Connects and loads every view. @throws when the database is away or a view cannot be loaded */
  start (): Promise<void>
  /** Seconds since the views were last known to agree with the database. */
  stalenessSeconds (): number
  /** Whether the last attempt to reach the database succeeded. */
  isConnected (): boolean
  /** Resolves when whatever was committed before the call is in force in this process. @throws when the database is away */
  catchUp (): Promise<void>
  stop (): Promise<void>
}

/** Ids are read as text, for JavaScript's numbers are too small; `changes.id` in ORDER BY, for that text would sort 10 before 9. */
interface Position { readonly id: string, readonly changedAt: string }
interface Revoked { readonly changedAt: string, readonly ageSeconds: number }
interface ChangeRow extends Position, Revoked { readonly entity: string, readonly key: string }

const batchSize = 1_000
const revocationEntities: readonly string[] = ['revoked_token', 'revoked_index'] satisfies FeedEntity[]
const ageSeconds = 'extract(epoch FROM clock_timestamp() - changed_at)::float8 AS "ageSeconds"'
/** So many changed rows of one table are read faster with all the others than one by one. */
const reloadAbove = 50
const reconnectDelayMillis = 250

export function createFeed ({ url, views, logger, onNews, pollIntervalMillis = 250 }: FeedOptions): Feed {
  let connection: pg.Client | undefined
  let last: Position | undefined
  let confirmedAt = performance.now()
  let wake: () => void = () => {}
  let notified = false
  let stopping = false
  const isStopping = (): boolean => stopping
  let waiting: { resolve: () => void, reject: (error: unknown) => void }[] = []
  let running: Promise<void> = Promise.resolve()

  async function connect (): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: url, application_name: 'signet feed', keepAlive: true, ...ownSchema, ...timeLimits(patience.request)
    })
    client.on('error', (error) => { logger.warn({ err: error }, 'feed.connection_lost'); wake() })
    client.on('notification', () => { notified = true; wake() })
    await client.connect()
    try {
      await client.query('LISTEN signet_changes')
      await reload(client)
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
    return client
  }

  /** The position is read before the tables, so that nothing committed meanwhile is missed. */
  async function reload (client: pg.Client): Promise<void> {
    const startedAt = performance.now()
    const { rows: [position] } = await client.query<Position>('SELECT id::text, changed_at::text AS "changedAt" FROM changes ORDER BY changes.id DESC LIMIT 1')
    // Those that came while the feed was cut off took the longest of all.
    const { rows: missed } = last === undefined ? { rows: [] } : await client.query<Revoked>(`SELECT DISTINCT ON (changed_at) changed_at::text AS "changedAt", ${ageSeconds} FROM changes WHERE changes.id > $1 AND entity = ANY ($2) LIMIT ${batchSize}`, [last.id, revocationEntities])
    const readAt = performance.now()
    await Promise.all(Object.values(views).map((view) => view.load()))
    last = position
    confirmedAt = startedAt
    tell(missed, readAt)
    logger.debug({ position: last?.id }, 'feed.reloaded')
  }

  async function readNews (client: pg.Client): Promise<void> {
    for (;;) {
      const startedAt = performance.now()
      // The row of the last position itself is asked for too: when it is gone, the feed has been pruned past
      // us or went backwards (a restored database), and only a reload tells the truth.
      const { rows } = await client.query<ChangeRow>(
        `SELECT id::text, changed_at::text AS "changedAt", entity, key, ${ageSeconds} FROM changes WHERE changes.id >= $1 ORDER BY changes.id LIMIT $2`, [last?.id ?? '0', batchSize + 1])
      const readAt = performance.now()
      const [first, ...news] = rows
      const continuous = first?.id === last?.id && first?.changedAt === last?.changedAt
      if (!continuous) {
        await reload(client)
        return
      }
      await apply(news)
      last = news.at(-1) ?? last
      confirmedAt = startedAt
      tell(news.filter(({ entity }) => revocationEntities.includes(entity)), readAt)
      if (news.length < batchSize) return
    }
  }

  /** Their ages are of the moment of the answer at the latest: with the time of the query besides it would count twice. */
  function tell (revoked: readonly Revoked[], readAt: number): void {
    const ages = new Map(revoked.map(({ changedAt, ageSeconds }) => [changedAt, ageSeconds]))
    const sinceReading = (performance.now() - readAt) / 1000
    onNews?.({ position: BigInt(last?.id ?? 0), revokedSecondsAgo: [...ages.values()].map((age) => age + sinceReading) })
  }

  async function apply (changes: readonly ChangeRow[]): Promise<void> {
    const everything = changes.some(({ entity }) => entity === 'everything')
    for (const entity of feedEntities) {
      const keys = new Set(changes.filter((change) => change.entity === entity).map(({ key }) => key))
      const { load, refresh, refreshMany } = views[entity]
      if (everything || (keys.size > reloadAbove && refreshMany === undefined)) await load()
      else if (keys.size > reloadAbove) await refreshMany?.([...keys])
      else for (const key of keys) await refresh(key)
    }
  }

  async function follow (): Promise<void> {
    while (!isStopping()) {
      // Whoever comes while news are read may have come too late for them.
      const waited = waiting
      waiting = []
      try {
        connection ??= await connect()
        notified = false
        await readNews(connection)
        for (const { resolve } of waited) resolve()
      } catch (error) {
        for (const { reject } of waited) reject(error)
        if (isStopping()) return
        logger.warn({ err: error }, 'feed.interrupted')
        // Not awaited: a frozen server would never answer the farewell.
        connection?.end().catch(() => {})
        connection = undefined
      }
      if (!notified && waiting.length === 0 && !isStopping()) await pause(connection === undefined ? reconnectDelayMillis : pollIntervalMillis)
    }
  }

  function pause (millis: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, millis)
      wake = () => { clearTimeout(timer); resolve() }
    })
  }

  return {
    async start () {
      connection = await connect()
      running = follow()
    },
    stalenessSeconds: () => (performance.now() - confirmedAt) / 1000,
    isConnected: () => connection !== undefined,
    catchUp: () => new Promise((resolve, reject) => {
      waiting.push({ resolve, reject })
      wake()
    }),
    async stop () {
      stopping = true
      wake()
      await running
      for (const { reject } of waiting) reject(new Error('the feed was stopped'))
      await connection?.end().catch(() => {})
    }
  }
}
