/** A whole server on a database and a port of its own, in this process: driven over HTTP, its clock in our hand. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Writable } from 'node:stream'
import { createApp, type App } from '../../src/app.ts'
import { loadConfig, type Config } from '../../src/config.ts'
import { createDatabase, type Database } from '../../src/db.ts'
import { createLogger } from '../../src/logger.ts'
import { prepare, type Prepared } from '../../src/setup/prepare.ts'
import { createTestDatabase } from './embedded.ts'
import { createFixtures, type Fixtures } from './fixtures.ts'

export interface TestServer {
  readonly config: Config
  /** Where it listens, without the issuer's path. */
  readonly origin: string
  readonly issuer: string
  /** Of its database, for statements that go around the server. */
  readonly databaseUrl: string
  readonly database: Database
  readonly prepared: Prepared
  readonly fixtures: Fixtures
  /** Every log line so far, parsed. */
  readonly logs: readonly Record<string, unknown>[]
  /** For tests that measure memory or count lines. */
  readonly forgetLogs: () => void
  /** Another process's worth of server on the same database. */
  readonly startSibling: (environment?: Readonly<Record<string, string>>) => Promise<TestServer>
  readonly metrics: App['metrics']
  /** What a worker does now and then. */
  readonly keepKeys: () => Promise<void>
  readonly recordUsage: () => Promise<void>
  readonly startDraining: () => void
  readonly stop: () => Promise<void>
}

export interface TestServerOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly clock?: () => number
  /** A database that exists already; it is not dropped. */
  readonly databaseUrl?: string
}

/** The environment of this process is not read: what a test needs it says. */
export async function startTestServer (options: TestServerOptions = {}): Promise<TestServer> {
  const { environment = {}, clock = Date.now } = options
  const own = options.databaseUrl === undefined ? await createTestDatabase() : undefined
  const url = options.databaseUrl ?? own?.url ?? ''
  const port = await freePort()
  const masterKey = environment['MASTER_KEY'] ?? randomBytes(32).toString('hex')
  const config = loadConfig({ PORT: String(port), DRAIN_SECONDS: '0', ...environment, MASTER_KEY: masterKey })
  const prepared = await prepare({ config, url, embedded: false, clock, progress: () => {} })
  const logs: Record<string, unknown>[] = []
  const app = await createApp({ config, url, sealer: prepared.sealer, clock, logger: createLogger('trace', collect(logs)) })
  await app.listen()
  const database = createDatabase({ url, applicationName: 'signet test', poolSize: 2 })
  const siblings: TestServer[] = []
  return {
    config,
    origin: `http://127.0.0.1:${config.port}`,
    issuer: config.issuer,
    databaseUrl: url,
    database,
    prepared,
    fixtures: createFixtures({ database, ...prepared, clock }),
    logs,
    forgetLogs () { logs.length = 0 },
    metrics: app.metrics,
    keepKeys: app.keepKeys,
    recordUsage: app.recordUsage,
    startDraining: app.startDraining,
    async startSibling (more = {}) {
      const sibling = await startTestServer({ clock, databaseUrl: url, environment: { ISSUER: config.issuer, ...environment, ...more, MASTER_KEY: masterKey } })
      siblings.push(sibling)
      return sibling
    },
    async stop () {
      await Promise.all(siblings.map((sibling) => sibling.stop()))
      await app.close()
      await database.$disconnect()
      await own?.drop()
    }
  }
}

function collect (logs: Record<string, unknown>[]): Writable {
  return new Writable({
    write (chunk: Buffer, _encoding, done) {
      logs.push(JSON.parse(chunk.toString()) as Record<string, unknown>) // pino writes objects
      done()
    }
  })
}

export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
