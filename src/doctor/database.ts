/** The database as it is: reachable, which one, its schema, its clock, its keys. It changes nothing there. */
import type { Config } from '../config.ts'
import type { Clock } from '../clock.ts'
import { createDatabase, type Database } from '../db.ts'
import { OperatorError } from '../operator-error.ts'
import { holdsCluster } from '../postgres/data-folder.ts'
import { migrationStatus, type MigrationState } from '../postgres/migrator.ts'
import type { MasterKeys } from '../sealing/master-key.ts'
import { halves } from './configuration.ts'
import { clockFinding } from './clock.ts'
import { credentialsCheck, examineCredentials } from './credentials.ts'
import type { ExaminedFile } from './configuration-file.ts'
import { notChecked, ok, problem, warning, type Finding } from './finding.ts'
import { examineKeys, type PublishedKids } from './keys.ts'

export interface DatabaseExamination {
  readonly findings: readonly Finding[]
  /** What the JWKS of each environment must have; undefined when that could not be read. */
  readonly published: PublishedKids | undefined
  /** Whether its schema is the one that this version works with. */
  readonly isUpToDate: boolean
  /** What the comparison with the configuration file found; undefined when there was none. */
  readonly file: readonly Finding[] | undefined
}

export interface DatabaseDependencies {
  readonly config: Config
  readonly masterKeys: MasterKeys | undefined
  readonly clock: Clock
  readonly file: ExaminedFile
  /** Opens the database for as long as the work takes, without bringing it up to date. */
  readonly withDatabase: (config: Config, work: (url: string) => Promise<void>) => Promise<void>
}

const openSeconds = 8
/** For what was begun by then: a comparison, and letting go of the database. */
const closeSeconds = 4
const dependents = ['schema', 'master key opens', 'keys live', 'keys test', credentialsCheck, 'clock of the database']
/** For the feed, the supervisor and commands, beside what each worker holds. */
const otherConnections = 5
const connectionsOfWorker = 7
const slowMillis = 50
const attempts = 5

export async function examineDatabase (dependencies: DatabaseDependencies): Promise<DatabaseExamination> {
  const { config, withDatabase } = dependencies
  if (config.databaseUrl === undefined && !await holdsCluster(config.dataDir)) {
    return unexamined(warning('database', `there is none yet in ${config.dataDir}`, 'The first start makes it; or restore a backup.'), 'there is no database yet')
  }
  let examination: DatabaseExamination | undefined
  const examined = withDatabase(config, async (url) => {
    examination = await examineOpen(url, dependencies)
    if (examination.isUpToDate) examination = { ...examination, file: await compareFile(url, dependencies) }
  })
  try {
    const inTime = await Promise.race([examined.then(() => true), afterSeconds(openSeconds)])
    if (!inTime && examination !== undefined) await Promise.race([examined, afterSeconds(closeSeconds)])
    if (examination !== undefined) return examination
    if (!inTime) return unexamined(problem('database', `it did not answer within ${openSeconds} s`, 'See its log; if it is recovering, wait.'), 'the database does not answer')
  } catch (error) {
    if (examination !== undefined) return examination
    const [found, advice] = halves(error instanceof Error ? error.message : String(error))
    return unexamined(problem('database', found, error instanceof OperatorError ? advice : 'See its log.'), 'the database cannot be reached')
  }
  return unexamined(problem('database', 'it went away', 'See its log.'), 'the database cannot be reached')
}

function unexamined (finding: Finding, because: string): DatabaseExamination {
  return { findings: [finding, ...dependents.map((check) => notChecked(check, because))], published: undefined, isUpToDate: false, file: undefined }
}

async function afterSeconds (seconds: number): Promise<false> {
  return await new Promise((resolve) => { setTimeout(() => { resolve(false) }, seconds * 1000).unref() })
}

async function examineOpen (url: string, dependencies: DatabaseDependencies): Promise<DatabaseExamination> {
  const { config, clock } = dependencies
  const database = createDatabase({ url, applicationName: 'signet doctor', poolSize: 1, patience: 3_000 })
  try {
    const server = await readServer(database, clock)
    const states = await migrationStatus({ url })
    const schema = describeSchema(states)
    const own = [...describeServer(server, config), schema]
    const ahead = clockFinding('clock of the database', 'the database', server.clockMillis, 0)
    if (!states.some(({ state }) => state === 'applied')) {
      const because = 'the database has no schema yet'
      return { findings: [...own, ...dependents.slice(1, -1).map((check) => notChecked(check, because)), ahead], published: undefined, isUpToDate: false, file: undefined }
    }
    const isUpToDate = states.every(({ state }) => state === 'applied')
    const keys = await examineKeys(database, { ...dependencies, isUpToDate, now: clock() })
    const credentials = await examineCredentials(database, { isUpToDate, now: clock() })
    return { findings: [...own, ...keys.findings, ...credentials, ahead], published: keys.published, isUpToDate, file: undefined }
  } finally {
    await database.$disconnect()
  }
}

async function compareFile (url: string, { clock, file }: DatabaseDependencies): Promise<readonly Finding[] | undefined> {
  const database = createDatabase({ url, applicationName: 'signet doctor', poolSize: 1, patience: 3_000 })
  try {
    return await file.compare?.(database, clock)
  } finally {
    await database.$disconnect()
  }
}

interface ServerFacts {
  readonly version: string
  readonly isSocket: boolean
  readonly isLoopback: boolean
  readonly isEncrypted: boolean
  readonly maxConnections: number
  readonly roundTripMillis: number
  /** How far its clock is ahead of ours. */
  readonly clockMillis: number
}

async function readServer (database: Database, clock: Clock): Promise<ServerFacts> {
  const roundTripMillis = await measureRoundTrip(database)
  const begin = clock()
  const [row] = await database.$queryRaw<(Omit<ServerFacts, 'roundTripMillis' | 'clockMillis'> & { now: Date })[]>`
    SELECT current_setting('server_version') AS version,
      inet_server_addr() IS NULL AS "isSocket",
      coalesce(inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1', false) AS "isLoopback",
      coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS "isEncrypted",
      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS "maxConnections",
      clock_timestamp() AS now`
  const end = clock()
  if (row === undefined) throw new OperatorError('The database answered nothing. See its log.')
  const { now, ...facts } = row
  return { ...facts, roundTripMillis, clockMillis: now.getTime() - (begin + end) / 2 }
}

/** The quickest of some: connecting, and a machine that is busy at that moment, are not what a round trip takes. */
async function measureRoundTrip (database: Database): Promise<number> {
  let quickest = Infinity
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const begin = performance.now()
    await database.$queryRaw`SELECT 1`
    quickest = Math.min(quickest, performance.now() - begin)
  }
  return Math.ceil(quickest)
}

function describeServer (server: ServerFacts, config: Config): Finding[] {
  const kind = config.databaseUrl === undefined ? `the embedded one in ${config.dataDir}` : 'of your own'
  const found = `PostgreSQL ${server.version}, ${kind}, answers in ${server.roundTripMillis} ms`
  const findings: Finding[] = []
  if (server.roundTripMillis > slowMillis) findings.push(warning('database', found, 'Revocations and commands wait for it: put it nearer.'))
  if (config.databaseUrl !== undefined && !server.isSocket && !server.isLoopback && !server.isEncrypted) {
    findings.push(warning('database', 'the connection to it is not encrypted, and it is on another machine', 'Add sslmode=verify-full to DATABASE_URL, or keep that network private.'))
  }
  const needed = config.workers * connectionsOfWorker + otherConnections
  if (needed > server.maxConnections) {
    findings.push(warning('database', `it lets ${server.maxConnections} connections in, and ${config.workers} workers need up to ${needed}`, 'Raise its max_connections, or lower WORKERS.'))
  }
  return findings.length === 0 ? [ok('database', found)] : findings
}

function describeSchema (states: readonly MigrationState[]): Finding {
  const named = (state: MigrationState['state']): string[] => states.filter((each) => each.state === state).map(({ name }) => name)
  const [applied, pending, unfinished, unknown] = [named('applied'), named('pending'), named('unfinished'), named('unknown')]
  const breaking = unknown.filter((name) => name.endsWith('_breaking'))
  if (breaking.length > 0) return problem('schema', `${breaking.join(', ')} is from a newer Signet, and this one cannot work with it`, 'Start the newer Signet.')
  if (unfinished.length > 0) return problem('schema', `${unfinished.join(', ')} was started and never finished`, 'Repair the database, and mark it with "prisma migrate resolve".')
  if (applied.length === 0) return warning('schema', 'there is none yet', 'The first start makes it.')
  if (pending.length > 0) return warning('schema', `${pending.length} of ${states.length} migrations are pending (${pending.join(', ')})`, 'The next start applies them; or run: signet migrate')
  if (unknown.length > 0) return warning('schema', `${unknown.join(', ')} is from a newer Signet; this one can work with it`, 'Upgrade this one too.')
  return ok('schema', `${applied.length} migrations applied, none pending`)
}
