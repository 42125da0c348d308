/**
 * The database for the time of one command: opened whether the server runs or not, prepared as at a start but
 * without the sample, and let go of at the end, after errors and Ctrl-C too. Whoever is its last user stops it.
 */
import { attribute } from '../audit/audit-record.ts'
import { createAuditStore, type AuditStore } from '../audit/store.ts'
import { lockWriters } from '../changes/writer-lock.ts'
import { createRegistration, type Registration } from '../clients/registration.ts'
import { createSecretFormat, type SecretFormat } from '../clients/secret-format.ts'
import { createSecretHasher } from '../clients/secrets.ts'
import { createClientStore, type ClientStore } from '../clients/store.ts'
import { createRevokedTokenStore, type RevokedTokenStore } from '../access-tokens/store.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { createCredentialUsageStore, type CredentialUsageStore } from '../credential-usage/store.ts'
import { createExchangedTokenStore, type ExchangedTokenStore } from '../exchanged-tokens/store.ts'
import { createDatabase, patience, type Database, type Session as Transaction } from '../db.ts'
import type { RotationTimes } from '../keys/plan.ts'
import { createKeyRotation, type KeyRotation } from '../keys/rotation.ts'
import { createSigningKeyStore, type SigningKeyStore } from '../keys/store.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import { createOrganizationStore, type OrganizationStore } from '../organizations/store.ts'
import { counted } from '../phrases.ts'
import { openEmbedded } from '../postgres/embedded.ts'
import { connectExternal } from '../postgres/external.ts'
import { migrationStatus } from '../postgres/migrator.ts'
import { createProcessStore, type ProcessStore } from '../processes/store.ts'
import type { Progress } from '../progress.ts'
import { createResourceStore, type ResourceStore } from '../resources/store.ts'
import type { Sealer } from '../sealing/sealer.ts'
import { prepare, type Prepared } from '../setup/prepare.ts'
import { createStatusListStore, type StatusListStore } from '../status-lists/store.ts'
import { listenForStopSignals, type StopSignals } from '../stop-signals.ts'
import { operatorActor } from './actor.ts'

export interface SessionOptions {
  readonly config: Config
  readonly clock: Clock
  readonly progress: Progress
}

export interface OpenDatabase {
  readonly url: string
  readonly progress: Progress
}

interface Stores {
  readonly audit: AuditStore
  readonly organizations: OrganizationStore
  readonly resources: ResourceStore
  readonly clients: ClientStore
  readonly statusLists: StatusListStore
  readonly revokedTokens: RevokedTokenStore
  readonly credentialUsage: CredentialUsageStore
}

export interface Reading extends Stores {
  /** For what needs a transaction of its own. */
  readonly database: Database
  readonly clock: Clock
}

export interface Session extends Reading {
  /**
   * Reads and writes while nobody else writes: what is read, such as who owns a row, is still true when it is written.
   * @param reason for the audit record
   */
  readonly alone: <Result>(work: (session: Session) => Promise<Result>, reason?: string) => Promise<Result>
  /** Who gives the command. */
  readonly actor: string
  readonly registration: Registration
  readonly secretFormat: SecretFormat
  readonly keys: SigningKeyStore
  readonly keyRotation: KeyRotation
  readonly keyTimes: RotationTimes
  readonly exchangedTokens: ExchangedTokenStore
  readonly processes: ProcessStore
  readonly sealer: Sealer
  readonly issuer: string
}

interface Opened {
  readonly url: string
  readonly release: () => Promise<unknown>
  /** What to say when it cannot be reached any more. @returns undefined while it can */
  readonly whyAway: () => Promise<string | undefined>
}

/** A person waits for a command, so it gives up sooner than a server that starts. */
const longestWaitSeconds = 3

export async function withSession (options: SessionOptions, work: (session: Session) => Promise<void>): Promise<void> {
  const { config, clock } = options
  await withDatabase(options, async ({ url, progress }) => {
    const embedded = config.databaseUrl === undefined
    const prepared = await prepare({ config, url, embedded, serverStarts: false, clock, progress })
    const database = createDatabase({ url, applicationName: 'signet cli', poolSize: 2 })
    try {
      await work(createSession(database, prepared, { ...options, progress }))
    } finally {
      await database.$disconnect()
    }
  })
}

/**
 * For what only reads: a database of the operator's own is left as it is, without so much as a migration.
 * @throws OperatorError `refused` when that has a schema that this version cannot read
 */
export async function withReading (options: SessionOptions, work: (reading: Reading) => Promise<void>): Promise<void> {
  if (options.config.databaseUrl === undefined) {
    await withSession(options, work)
    return
  }
  await withDatabase(options, async ({ url }) => {
    const pending = (await migrationStatus({ url })).filter(({ state }) => state === 'pending')
    if (pending.length > 0) throw new OperatorError(`The schema of the database is older than this version: ${counted(pending.length, 'migration')} pending. Apply them with signet migrate, or start this version of the server; this command only reads.`, { exitCode: exitCodes.refused })
    const database = createDatabase({ url, applicationName: 'signet cli', poolSize: 2 })
    try {
      await work({ database, clock: options.clock, ...storesOf(database) })
    } finally {
      await database.$disconnect()
    }
  })
}

export function createSession (
  database: Database, { sealer, serverKeys }: Pick<Prepared, 'sealer' | 'serverKeys'>, { config, clock, progress }: SessionOptions
): Session {
  const stores = storesOf(database)
  const { clients, resources } = stores
  const secretFormat = createSecretFormat(serverKeys.secretTag)
  const registration = createRegistration({
    store: clients,
    format: secretFormat,
    hasher: createSecretHasher(),
    sealer,
    clock,
    readScopes: async () => (await resources.readAll()).flatMap(({ scopes }) => scopes)
  })
  const actor = operatorActor(config.actor)
  const session: Session = {
    database,
    actor,
    async alone (work, reason) {
      const telling = setTimeout(() => { progress('waiting for somebody else\'s change to end') }, 1_000)
      return await database.$transaction(async (transaction) => {
        await lockWriters(transaction)
        await attribute(transaction, { actor, reason })
        clearTimeout(telling)
        return await work({ ...session, ...storesOf(transaction) })
      }, { timeout: 2 * patience.background, maxWait: patience.background }).finally(() => { clearTimeout(telling) })
    },
    ...stores,
    registration,
    secretFormat,
    keys: createSigningKeyStore(database),
    keyRotation: createKeyRotation({ store: createSigningKeyStore(database), sealer, clock, policy: config }),
    keyTimes: config,
    exchangedTokens: createExchangedTokenStore(database),
    processes: createProcessStore(database),
    sealer,
    issuer: config.issuer,
    clock
  }
  return session
}

function storesOf (database: Transaction): Stores {
  return {
    audit: createAuditStore(database),
    organizations: createOrganizationStore(database),
    resources: createResourceStore(database),
    clients: createClientStore(database),
    statusLists: createStatusListStore(database),
    revokedTokens: createRevokedTokenStore(database),
    credentialUsage: createCredentialUsageStore(database)
  }
}

/** @throws OperatorError with the exit code `unavailable` when the database is away, before or during the work */
export async function withDatabase (options: SessionOptions, work: (database: OpenDatabase) => Promise<void>): Promise<void> {
  const stop = listenForStopSignals()
  const opened = await open(options, stop)
  try {
    await Promise.race([work({ url: opened.url, progress: options.progress }), rejectWhenStopped(stop)])
  } catch (error) {
    throw await explain(error, opened)
  } finally {
    await Promise.race([opened.release(), stop.forced])
  }
}

async function open (options: SessionOptions, stop: StopSignals): Promise<Opened> {
  try {
    return options.config.databaseUrl === undefined
      ? await openOwn(options, stop.signal)
      : await openExternal(options.config.databaseUrl, options, stop.signal)
  } catch (error) {
    if (stop.signal.aborted) throw interrupted(stop)
    if (!(error instanceof OperatorError)) throw error
    throw unavailable(error.message, error)
  }
}

async function openOwn ({ config: { dataDir, postgresUser, databaseWaitSeconds }, progress }: SessionOptions, signal: AbortSignal): Promise<Opened> {
  const { url, release } = await openEmbedded({ dataDir, postgresUser, progress, silenceSeconds: databaseWaitSeconds, signal })
  const whyAway = async (): Promise<string | undefined> => await refusalOf(url) === undefined
    ? undefined
    : `The embedded database in ${dataDir} went away. Give the command again, and see postgres.log there if that does not help.`
  return { url, release, whyAway }
}

async function openExternal (url: string, { config, progress }: SessionOptions, signal: AbortSignal): Promise<Opened> {
  await connectExternal({ url, waitSeconds: Math.min(config.databaseWaitSeconds, longestWaitSeconds), progress, signal })
  return { url, release: async () => {}, whyAway: () => refusalOf(url) }
}

async function refusalOf (url: string): Promise<string | undefined> {
  try {
    await connectExternal({ url, waitSeconds: 0, progress: () => {} })
    return undefined
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    return error.message
  }
}

/** Database drivers fail in many ways when the database is away, so an unexpected failure asks it again. */
async function explain (error: unknown, { whyAway }: Opened): Promise<unknown> {
  if (error instanceof OperatorError) return error
  const sentence = await whyAway()
  return sentence === undefined ? error : unavailable(sentence, error)
}

function unavailable (sentence: string, cause: unknown): OperatorError {
  return new OperatorError(sentence, { cause, exitCode: exitCodes.unavailable })
}

async function rejectWhenStopped (stop: StopSignals): Promise<never> {
  await stop.requested
  await new Promise(setImmediate) // a question that is open ends first, and knows that nothing was changed
  throw interrupted(stop)
}

function interrupted (stop: StopSignals): OperatorError {
  return new OperatorError('Interrupted. What was under way may have been done or not: see with list or show.', { exitCode: stop.exitCode() })
}
