/** The sealed values and signing keys of the database: does the master key open them, and which key signs? */
import type { Config } from '../config.ts'
import type { Database } from '../db.ts'
import { environments, type Environment } from '../environment.ts'
import { dueAt, type RotationTimes } from '../keys/plan.ts'
import { openSigningKey } from '../keys/signing-key.ts'
import { keyState, publishedStates } from '../keys/state.ts'
import { createSigningKeyStore, type SigningKeyRow } from '../keys/store.ts'
import type { MasterKeys } from '../sealing/master-key.ts'
import { createSealer, masterKeyIdOf, type Sealer } from '../sealing/sealer.ts'
import { openServerKeys } from '../sealing/server-keys.ts'
import { createSealedValueStore } from '../sealing/store.ts'
import { halves } from './configuration.ts'
import { notChecked, ok, problem, warning, type Finding } from './finding.ts'

export type PublishedKids = Readonly<Record<Environment, readonly string[]>>

export interface KeyExamination {
  readonly findings: readonly Finding[]
  readonly published: PublishedKids | undefined
}

const dayMillis = 86_400_000

interface KeyDependencies {
  readonly config: RotationTimes & Pick<Config, 'signingAlgorithms'>
  readonly masterKeys: MasterKeys | undefined
  /** Whether the schema is the one that this version reads. */
  readonly isUpToDate: boolean
  readonly now: number
}

interface KeysAtHand {
  readonly rows: readonly SigningKeyRow[]
  readonly sealer: Sealer | undefined
  readonly now: number
}

export async function examineKeys (database: Database, { config, masterKeys, isUpToDate, now }: KeyDependencies): Promise<KeyExamination> {
  const sealer = masterKeys === undefined ? undefined : createSealer(masterKeys.current, masterKeys)
  const opens = await attempt('master key opens', () => checkSealedValues(database, sealer, masterKeys?.current.id))
  let rows: SigningKeyRow[]
  try {
    rows = await createSigningKeyStore(database).readAll()
  } catch (error) {
    return { findings: [opens, ...environments.map((environment) => isUpToDate ? unreadable(`keys ${environment}`, error) : notChecked(`keys ${environment}`, 'the schema is not that of this version'))], published: undefined }
  }
  const findings = await Promise.all(environments.map((environment) => attempt(`keys ${environment}`, () => checkKeys(environment, { rows, sealer, now }, config))))
  const isPublished = (row: SigningKeyRow): boolean => publishedStates.includes(keyState(row, rows, now))
  const kidsOf = (environment: Environment): string[] => rows.filter((row) => row.environment === environment && isPublished(row)).map(({ kid }) => kid)
  return { findings: [opens, ...findings], published: { live: kidsOf('live'), test: kidsOf('test') } }
}

async function checkSealedValues (database: Database, sealer: Sealer | undefined, currentId: string | undefined): Promise<Finding> {
  const check = 'master key opens'
  const store = createSealedValueStore(database)
  const [value] = await store.readAll()
  if (value === undefined) return warning(check, 'nothing is sealed in the database yet', 'The first start does that.')
  if (sealer === undefined) return problem(check, 'values in the database are sealed, and there is no usable master key', 'Put the key back that the database was made with: Signet does not start without it.')
  await openServerKeys(store, sealer)
  const id = masterKeyIdOf(value.envelope)
  if (id !== currentId) return warning(check, `what is sealed in the database is sealed under the previous one, ${id}`, 'Once every server has both, run: signet master-key rotate')
  return ok(check, 'what is sealed in the database')
}

async function checkKeys (environment: Environment, { rows, sealer, now }: KeysAtHand, config: KeyDependencies['config']): Promise<Finding> {
  const check = `keys ${environment}`
  const own = rows.filter((row) => row.environment === environment)
  if (own.length === 0) return warning(check, 'there is none yet', 'The first start makes it. If there were clients, restore signing_keys from a backup.')
  const inState = (state: string): SigningKeyRow[] => own.filter((row) => keyState(row, rows, now) === state)
  const active = inState('active')
  if (active.length === 0) return problem(check, `none of ${own.length} is active`, 'See: signet key list. Restore signing_keys from a backup.')
  if (sealer === undefined) return notChecked(check, 'there is no usable master key')
  for (const row of own) await openSigningKey(row, sealer)
  const inUse = active.filter(({ algorithm }) => config.signingAlgorithms.some((each) => each === algorithm))
  const overdue = inUse.find((each) => dueAt(each, config) + dayMillis < now)
  if (overdue !== undefined) return warning(check, `${overdue.kid} was to be replaced after ${config.keyRotationDays} days, and ${signsSince(overdue, now)}`, 'A server that runs replaces it: see its log for key.upkeep_failed. Or run: signet key rotate')
  const alone = inUse.find(({ algorithm }) => !inState('next').some((each) => each.algorithm === algorithm))
  if (alone !== undefined) return warning(check, `no key waits to take over from ${alone.kid} (${alone.algorithm})`, 'A server that runs makes one within a minute: see its log for key.upkeep_failed.')
  const others = [...inState('next').length > 0 ? ['a next one waits'] : [], ...inState('retired').length > 0 ? [`${inState('retired').length} retired`] : []]
  return ok(check, [...active.map((each) => signsSince(each, now)), ...others].join(', '))
}

function signsSince ({ kid, algorithm, activatesAt }: SigningKeyRow, now: number): string {
  const days = Math.floor((now - activatesAt.getTime()) / dayMillis)
  return `${kid} signs ${algorithm} since ${activatesAt.toISOString().slice(0, 10)} (${days} days)`
}

async function attempt (check: string, work: () => Promise<Finding>): Promise<Finding> {
  try {
    return await work()
  } catch (error) {
    return unreadable(check, error)
  }
}

function unreadable (check: string, error: unknown): Finding {
  const [found, advice] = halves((error instanceof Error ? error.message : String(error)).trim().split('\n').at(-1) ?? '')
  return problem(check, found, advice)
}
