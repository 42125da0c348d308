/** The sealed values and signing keys of the database: does the master key open them, and which key signs? */
import type { Database } from '../db.ts'
import { environments, type Environment } from '../environment.ts'
import { keyState } from '../keys/ring.ts'
import { openSigningKey } from '../keys/signing-key.ts'
import { createSigningKeyStore, type SigningKeyRow } from '../keys/store.ts'
import type { MasterKey } from '../sealing/master-key.ts'
import { createSealer, type Sealer } from '../sealing/sealer.ts'
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

export async function examineKeys (database: Database, masterKey: MasterKey | undefined, now: number): Promise<KeyExamination> {
  const sealer = masterKey === undefined ? undefined : createSealer(masterKey)
  const opens = await attempt('master key opens', () => checkSealedValues(database, sealer))
  let rows: SigningKeyRow[]
  try {
    rows = await createSigningKeyStore(database).readAll()
  } catch (error) {
    return { findings: [opens, ...environments.map((environment) => unreadable(`keys ${environment}`, error))], published: undefined }
  }
  const findings = await Promise.all(environments.map((environment) => attempt(`keys ${environment}`, () => checkKeys(environment, rows, sealer, now))))
  const isPublished = (row: SigningKeyRow): boolean => ['next', 'active', 'retired'].includes(keyState(row, rows, now))
  const kidsOf = (environment: Environment): string[] => rows.filter((row) => row.environment === environment && isPublished(row)).map(({ kid }) => kid)
  return { findings: [opens, ...findings], published: { live: kidsOf('live'), test: kidsOf('test') } }
}

async function checkSealedValues (database: Database, sealer: Sealer | undefined): Promise<Finding> {
  const check = 'master key opens'
  const store = createSealedValueStore(database)
  if ((await store.readAll()).length === 0) return warning(check, 'nothing is sealed in the database yet', 'The first start does that.')
  if (sealer === undefined) return problem(check, 'values in the database are sealed, and there is no usable master key', 'Put the key back that the database was made with: Signet does not start without it.')
  await openServerKeys(store, sealer)
  return ok(check, 'what is sealed in the database')
}

async function checkKeys (environment: Environment, rows: readonly SigningKeyRow[], sealer: Sealer | undefined, now: number): Promise<Finding> {
  const check = `keys ${environment}`
  const own = rows.filter((row) => row.environment === environment)
  if (own.length === 0) return warning(check, 'there is none yet', 'The first start makes it. If there were clients, restore signing_keys from a backup.')
  const inState = (state: string): SigningKeyRow[] => own.filter((row) => keyState(row, rows, now) === state)
  const active = inState('active')
  if (active.length === 0) return problem(check, `none of ${own.length} is active`, 'See: signet key list. Restore signing_keys from a backup.')
  if (sealer === undefined) return notChecked(check, 'there is no usable master key')
  for (const row of own) await openSigningKey(row, sealer)
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
