/**
 * What must exist before anything is served or changed: the schema, the master key, the server's own keys, the first
 * signing keys, what the configuration file says or, at the very first start of the embedded database, a sample.
 */
import { createClientStore } from '../clients/store.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { applyConfiguration } from '../configuration/apply.ts'
import { readConfigurationFile } from '../configuration/file.ts'
import { countChanges, remarks, reportLines } from '../configuration/report.ts'
import { createDatabase, type Database } from '../db.ts'
import { ensureFirstKeys } from '../keys/first-keys.ts'
import { createKeyRotation } from '../keys/rotation.ts'
import { createSigningKeyStore } from '../keys/store.ts'
import { printable } from '../names.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import { migrate } from '../postgres/migrator.ts'
import type { Progress } from '../progress.ts'
import { createResourceStore } from '../resources/store.ts'
import { createMasterKey, isOwn, promoteMasterKey, readMasterKeys, type MasterKey, type MasterKeys } from '../sealing/master-key.ts'
import { masterKeyIdOf, type Sealer } from '../sealing/sealer.ts'
import { ensureServerKeys, type ServerKeys } from '../sealing/server-keys.ts'
import { createRereadingSealer } from '../sealing/rereading.ts'
import { createSealedValueStore } from '../sealing/store.ts'
import { createSample, type Sample } from './sample.ts'

interface PrepareOptions {
  readonly config: Config
  readonly url: string
  /** Whether the database is the embedded one: only there is a sample made. */
  readonly embedded: boolean
  /**
   * Whether a server starts, rather than a command. A command leaves nothing behind but what it was asked for: no
   * sample, and no master key for a database that a server elsewhere will be started on. Default: true.
   */
  readonly serverStarts?: boolean
  /** Whether the keys that take over one day are made, too, rather than left to a server that runs. Default: false. */
  readonly makesNextKeys?: boolean
  readonly clock: Clock
  readonly progress: Progress
  /** A variable of the environment, for the configuration file's secrets. Default: none is set. */
  readonly readVariable?: (name: string) => string | undefined
}

export interface Prepared {
  /** The one that everything is sealed under. */
  readonly masterKey: MasterKey
  readonly sealer: Sealer
  readonly serverKeys: ServerKeys
  /** Made just now; its secrets are shown this once. */
  readonly sample: Sample | undefined
}

/** @throws OperatorError for a wrong or missing master key, a damaged key, a migration that this version cannot serve, mistakes of the configuration file */
export async function prepare (options: PrepareOptions): Promise<Prepared> {
  const { config, url, embedded, serverStarts = true, clock, progress } = options
  await migrate({ url, progress })
  const database = createDatabase({ url, applicationName: 'signet setup', poolSize: 2 })
  try {
    const { masterKey, sealer } = await openMasterKeys(database, config, { mayCreate: embedded || serverStarts, progress })
    const isNew = await createClientStore(database).isEmpty()
    const serverKeys = await ensureServerKeys(createSealedValueStore(database), sealer, isNew)
    await ensureFirstKeys({
      store: createSigningKeyStore(database), sealer, clock, isNew, progress, algorithms: config.signingAlgorithms, rsaModulusBits: config.rsaModulusBits, addsAlgorithms: serverStarts
    })
    if (options.makesNextKeys === true) await makeNextKeys(database, sealer, options)
    if (serverStarts && config.configFile !== undefined) await applyFile(config.configFile, database, sealer, options)
    if (serverStarts) await warnOfAlgorithms(database, config, progress)
    const wantsSample = embedded && serverStarts && config.configFile === undefined
    const sample = wantsSample ? await createSample({ database, sealer, serverKeys, issuer: config.issuer, clock }) : undefined
    return { masterKey, sealer, serverKeys, sample }
  } finally {
    await database.$disconnect()
  }
}

/** An API may accept no other algorithm than the one that it asks for, so it gets no tokens rather than others. */
async function warnOfAlgorithms (database: Database, { signingAlgorithms }: Config, progress: Progress): Promise<void> {
  for (const { identifier, signingAlgorithm } of await createResourceStore(database).readAll()) {
    if (signingAlgorithm === null || signingAlgorithms.some((each) => each === signingAlgorithm)) continue
    progress(`no tokens are issued for ${identifier}: it asks for ${signingAlgorithm}, which SIGNING_ALGORITHMS does not have`)
  }
}

/** All of it or nothing; a start that finds it applied already says nothing. */
async function applyFile (path: string, database: Database, sealer: Sealer, { config, clock, progress, readVariable = () => undefined }: PrepareOptions): Promise<void> {
  const file = await readConfigurationFile({ path, readVariable })
  const plan = await applyConfiguration({ database, clock, sealer, progress, file, leftovers: config.configPrune ? 'remove' : 'keep', dryRun: false })
  if (plan.changes.length > 0) progress(`applied ${printable(path)}: ${countChanges(plan)}`)
  for (const line of [...reportLines(plan), ...remarks(plan)]) progress(line)
}

async function makeNextKeys (database: Database, sealer: Sealer, { config, clock, progress }: PrepareOptions): Promise<void> {
  const { made, activated } = await createKeyRotation({ store: createSigningKeyStore(database), sealer, clock, policy: config }).upkeep()
  for (const { algorithm, environment } of made) progress(`made the next ${algorithm} key of the ${environment} environment`)
  for (const { kid } of activated) progress(`the signing key ${kid} has taken over`)
}

/**
 * The master keys, of which the one that the database is sealed under seals. Where Signet keeps it itself, it is given the
 * name that backups copy: a rotation may have been interrupted before that, or a backup of an earlier key restored.
 */
async function openMasterKeys (database: Database, config: Config, options: { mayCreate: boolean, progress: Progress }): Promise<Pick<Prepared, 'masterKey' | 'sealer'>> {
  const keys = await findMasterKeys(database, config, options)
  const sealer = createRereadingSealer(keys, config)
  const [value] = await createSealedValueStore(database).readAll()
  const id = value === undefined ? keys.current.id : masterKeyIdOf(value.envelope)
  const masterKey = [keys.current, ...keys.others].find((each) => each.id === id)
  if (masterKey === undefined || masterKey === keys.current) return { masterKey: keys.current, sealer } // what does not open says so when it is opened
  if (isOwn(config) && await promoteMasterKey(config, masterKey)) {
    options.progress(`master.key in ${config.dataDir} is now the master key ${id}, which this database is sealed under`)
  }
  return { masterKey, sealer: sealer.under(id) }
}

/** A key is made only for a database in which nothing is sealed yet: a lost key is never replaced silently. */
async function findMasterKeys (database: Database, config: Config, { mayCreate, progress }: { mayCreate: boolean, progress: Progress }): Promise<MasterKeys> {
  const existing = await readMasterKeys(config)
  if (existing !== undefined) return existing
  if ((await createSealedValueStore(database).readAll()).length > 0) {
    // Another process that started at the same moment may have made both just now.
    const madeMeanwhile = await readMasterKeys(config)
    if (madeMeanwhile !== undefined) return madeMeanwhile
    throw new OperatorError(`The master key of this database is missing: there is none in ${config.dataDir}. Put master.key back, or set MASTER_KEY or MASTER_KEY_FILE to the key that the database was made with.`)
  }
  if (!mayCreate) {
    throw new OperatorError('No server has been started on this database yet, and there is no master key. Start the server first, or set MASTER_KEY or MASTER_KEY_FILE.', { exitCode: exitCodes.refused })
  }
  progress(`making a master key in ${config.dataDir}`)
  return { current: await createMasterKey(config), others: [] }
}
