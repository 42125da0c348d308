/** Several processes on one database, all on one clock, and everybody who can be asked about a token. */
import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { createVerifier } from '../../packages/verifier/src/index.ts'
import { createDatabase, type Database } from '../../src/db.ts'
import { environments, issuerOf, type Environment } from '../../src/environment.ts'
import { createKeyRotation, type KeyRotation } from '../../src/keys/rotation.ts'
import { createSigningKeyStore } from '../../src/keys/store.ts'
import { bitAt } from '../../src/status-lists/bits.ts'
import { createTestDatabase } from '../support/embedded.ts'
import { createFixtures, type Fixtures, type RegisteredClient } from '../support/fixtures.ts'
import { introspect, send, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { bitsAt } from '../support/status.ts'
import { createModel, type Model, type Token } from './revocation-model.ts'

export const audience = 'https://api.example.com'
const issuer = 'https://id.example.com'
const processCount = 3
/** Keys of elliptic curves are made in no time. */
const environment = { ISSUER: issuer, MASTER_KEY: '7c'.repeat(32), SIGNING_ALGORITHMS: 'ES256', KEY_ROTATION_DAYS: '1' }

export interface World {
  readonly database: Database
  readonly fixtures: Fixtures
  readonly model: Model
  readonly rotation: KeyRotation
  /** Milliseconds since the epoch, for all. */
  readonly now: () => number
  readonly advance: (seconds: number) => Promise<void>
  readonly process: (number: number) => TestServer
  /** What was crashed is not asked for anything any more; that it was not closed is the point. */
  readonly restart: (number: number, crash: boolean) => Promise<void>
  readonly cutFeeds: () => Promise<void>
  readonly resourceId: string
  /** Every process has heard of everything that was committed before: within a second. */
  readonly settle: () => Promise<void>
  /** Introspection and the published list of every process, and the verifier against every process, say what the model says. @returns how often somebody was asked */
  readonly compare: (tokens: readonly Token[]) => Promise<number>
  readonly stop: () => Promise<void>
}

export async function createWorld (): Promise<World> {
  const own = await createTestDatabase({ durable: false })
  const database = createDatabase({ url: own.url, applicationName: 'signet test', poolSize: 2 })
  // Ahead of the real time, so that going back by days meets neither the times that triggers write nor lists that have expired.
  let time = Date.now() + 40 * 86_400_000
  const now = (): number => time
  const start = (): Promise<TestServer> => startTestServer({ clock: now, databaseUrl: own.url, environment })
  const processes = [await start(), await start(), await start()]
  const crashed: TestServer[] = []
  const [first] = processes
  if (first === undefined) throw new Error('no process')
  const { prepared, config } = first
  const fixtures = createFixtures({ database, ...prepared, clock: now })
  const platform = await fixtures.organization()
  const resource = await fixtures.resource(audience, { 'tournaments:read': true })
  const callers: Record<Environment, RegisteredClient> = { live: await caller('live'), test: await caller('test') }
  const marker = await createMarker(database)
  const model = createModel(now)

  async function caller (of: Environment): Promise<RegisteredClient> {
    return await fixtures.client({ organizationId: platform.id, environment: of, resourceId: resource.id, scopes: [] })
  }

  async function settle (): Promise<void> {
    await marker.set()
    const heard = await Promise.all(processes.map((server) => within(5, () => marker.isSeenBy(server))))
    expect(heard, 'every process hears of it').toEqual(processes.map(() => true))
    model.settled()
  }

  async function compareAt (server: TestServer, tokens: readonly Token[]): Promise<void> {
    const lists = new Map<string, Uint8Array>()
    for (const uri of new Set(tokens.map((token) => token.uri))) lists.set(uri, await bitsAt(uri, server))
    for (const token of tokens) model.decide(token, isSet(lists, token))
    const [live, test] = environments.map((each) => createVerifier({ issuer: issuerOf(issuer, each), audience, whenStatusUnavailable: 'refuse', internalOrigin: server.origin, clockToleranceSeconds: 0, now }))
    const verify = async ({ text, credential: { client } }: Token): Promise<unknown> => await (client.environment === 'live' ? live : test)?.verify(text).then(() => true, (error: unknown) => error instanceof Error && 'code' in error && error.code === 'invalid_token' ? false : error)
    for (const token of tokens) {
      const { json } = await introspect(server, callers[token.credential.client.environment], token.text)
      const said = { bit: isSet(lists, token), introspection: json['active'], verifier: await verify(token) }
      expect(said, describe(token)).toEqual({ bit: token.fate === 'revoked', introspection: model.isAlive(token), verifier: model.isAlive(token) })
    }
  }

  return {
    database,
    fixtures,
    model,
    rotation: createKeyRotation({ store: createSigningKeyStore(database), sealer: prepared.sealer, clock: now, policy: config }),
    now,
    async advance (seconds) {
      time += seconds * 1_000
      await Promise.all(processes.map((server) => server.keepKeys()))
    },
    process (number) {
      const server = processes[number % processCount]
      if (server === undefined) throw new Error('no process')
      return server
    },
    async restart (number, crash) {
      const [former] = processes.splice(number % processCount, 1, await start())
      if (crash && former !== undefined) crashed.push(former)
      else await former?.stop()
    },
    async cutFeeds () {
      await database.$queryRaw`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'signet feed'`
    },
    resourceId: resource.id,
    settle,
    async compare (tokens) {
      await settle()
      for (const server of processes) await compareAt(server, tokens)
      await Promise.all(crashed.splice(0).map((server) => server.stop()))
      return tokens.length * processes.length * 3
    },
    async stop () {
      await Promise.all([...processes, ...crashed].map((server) => server.stop()))
      await database.$disconnect()
      await own.drop()
    }
  }
}

function isSet (lists: ReadonlyMap<string, Uint8Array>, { uri, index }: Token): boolean {
  return bitAt(lists.get(uri) ?? new Uint8Array(), index)
}

function describe ({ uri, index, kid, issuedAt, expiresAt, fate, subject, credential: { client } }: Token): string {
  return `token ${index} of ${uri.slice(-22)} (${client.kind} ${client.environment}, kid ${kid}, ${issuedAt} to ${expiresAt}${subject === undefined ? '' : `, exchanged for ${subject.index}`}) is ${fate}`
}

interface Marker {
  /** The next index of a list of its own: what comes by the feed after everything that was committed before. */
  readonly set: () => Promise<void>
  readonly isSeenBy: (server: TestServer) => Promise<boolean>
}

async function createMarker (database: Database): Promise<Marker> {
  const listId = randomBytes(11).toString('hex')
  let next = -1
  await database.statusList.create({ data: { id: listId, environment: 'live' } })
  return {
    async set () {
      next += 1
      await database.revokedIndex.create({ data: { listId, firstIndex: next, lastIndex: next } })
    },
    async isSeenBy (server) {
      const uri = `${issuer}/oauth/v2/status-lists/${listId}`
      // A key may be revoked between the list and the JWKS.
      return (await send(server.origin + new URL(uri).pathname)).status === 200 && await bitsAt(uri, server).then((bytes) => bitAt(bytes, next), () => false)
    }
  }
}
