/**
 * Changes which keys there are: the next ones, rotation, revocation. Every process may try at any time;
 * what is done is decided in the database, while nobody else writes, so that two of them never make the same key twice.
 */
import type { Attribution } from '../audit/audit-record.ts'
import type { Clock } from '../clock.ts'
import { environments } from '../environment.ts'
import { isSigningAlgorithm, type SigningAlgorithm } from '../oauth/signing-algorithms.ts'
import { OperatorError } from '../operator-error.ts'
import { masterKeyIdOf, type Sealer } from '../sealing/sealer.ts'
import { planRevocation, planRotation, planUpkeep, type Family, type KeyPlan, type PlannedKey, type RotationTimes } from './plan.ts'
import { makeSigningKey, openSigningKey } from './signing-key.ts'
import { activeKey, siblingsOf } from './state.ts'
import type { NewSigningKey, SigningKeyRow, SigningKeyStore } from './store.ts'

export interface KeyRotation {
  /** Makes the keys that are to wait, and lets those take over that are due. */
  upkeep (): Promise<RotationResult>
  /** @param atOnce whether or not verifiers can be expected to have the next key */
  rotate (families: readonly Family[], atOnce: boolean): Promise<RotationResult>
  /** It neither signs nor is believed from now on, for good; a key that waits takes over, and another one is made to wait. */
  revoke (kid: string, by: Attribution): Promise<RotationResult>
}

export interface RotationResult {
  readonly made: readonly NewSigningKey[]
  readonly activated: readonly { readonly kid: string, readonly activatesAt: Date }[]
  readonly withdrawn: readonly string[]
}

export interface RotationDependencies {
  readonly store: Pick<SigningKeyStore, 'readAll' | 'change'>
  readonly sealer: Sealer
  readonly clock: Clock
  readonly policy: RotationTimes & {
    readonly signingAlgorithms: readonly SigningAlgorithm[]
    readonly rsaModulusBits: number
  }
}

type Decision = (family: Family, rows: readonly PlannedKey[], now: number) => KeyPlan
type Make = Awaited<ReturnType<typeof makeSigningKey>>

const attempts = 5

export function createKeyRotation ({ store, sealer, clock, policy }: RotationDependencies): KeyRotation {
  async function examine (rows: readonly SigningKeyRow[]): Promise<PlannedKey[]> {
    return await Promise.all(rows.map(async (row) => ({ ...row, isReadable: await openSigningKey(row, sealer).then(() => true, () => false) })))
  }

  function planAll (families: readonly Family[], rows: readonly PlannedKey[], decide: Decision): Map<Family, KeyPlan> {
    const plans = families.map((family): [Family, KeyPlan] => [family, decide(family, rows, clock())])
    return new Map(plans.filter(([, { activate, make, withdraw }]) => activate.length + make.length + withdraw.length > 0))
  }

  /** Making a key takes a while, and happens before others are kept waiting; what has changed meanwhile is planned anew. */
  async function perform (families: readonly Family[], decide: Decision, by?: Attribution): Promise<RotationResult> {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const draft = planAll(families, await examine(await store.readAll()), decide)
      if (draft.size === 0) return { made: [], activated: [], withdrawn: [] }
      const made = await makeAll(draft)
      const result = await carryOut(families, decide, made, by)
      if (result !== undefined) return result
    }
    throw new OperatorError('The signing keys were changed by somebody else again and again. Look at them with signet key list, and give the command again.')
  }

  async function makeAll (plans: ReadonlyMap<Family, KeyPlan>): Promise<Map<Family, Make[]>> {
    return new Map(await Promise.all([...plans].map(async ([family, { make }]): Promise<[Family, Make[]]> => [family, await Promise.all(make.map(async () => {
      if (!isSigningAlgorithm(family.algorithm)) throw new OperatorError(`No key can be made for the algorithm ${family.algorithm}, which this version does not have.`)
      return await makeSigningKey({ environment: family.environment, algorithm: family.algorithm, rsaModulusBits: policy.rsaModulusBits })
    }))])))
  }

  /** @returns undefined when more keys are needed than were made */
  async function carryOut (families: readonly Family[], decide: Decision, made: ReadonlyMap<Family, Make[]>, by: Attribution | undefined): Promise<RotationResult | undefined> {
    let result: RotationResult | undefined
    await store.change(async (rows, envelope) => {
      result = undefined
      const under = envelope === undefined ? sealer : sealer.under(masterKeyIdOf(envelope))
      const plans = planAll(families, await examine(rows), decide)
      const isEnough = [...plans].every(([family, { make }]) => make.length <= (made.get(family)?.length ?? 0))
      if (!isEnough) return { activate: [], add: [], withdraw: [] }
      const add = [...plans].flatMap(([family, { make }]) => make.flatMap((activatesAt, index) => made.get(family)?.[index]?.(activatesAt, under) ?? []))
        .map((key) => ({ ...key, createdAt: new Date(clock()) }))
      const [activate, withdraw] = [[...plans.values()].flatMap((plan) => plan.activate), [...plans.values()].flatMap((plan) => plan.withdraw)]
      result = { made: add, activated: activate, withdrawn: withdraw.map(({ kid }) => kid) }
      return { activate, add, withdraw }
    }, by)
    return result
  }

  return {
    upkeep: () => perform(familiesOf(policy.signingAlgorithms), (family, rows, now) => planUpkeep(family, rows, now, policy)),
    async rotate (families, atOnce) {
      const before = await examine(await store.readAll())
      const kids = new Map(families.map((family) => [family, activeKey(siblingsOf(family, before), clock())?.kid]))
      return await perform(families, (family, rows, now) => planRotation(family, rows, now, policy, { activeKid: kids.get(family), atOnce }))
    },
    async revoke (kid, by) {
      const row = (await store.readAll()).find((each) => each.kid === kid)
      if (row === undefined) return { made: [], activated: [], withdrawn: [] }
      const done = await perform([row], (family, rows, now) => planRevocation(kid, family, rows, now), by)
      const { made } = await perform([row], (family, rows, now) => planUpkeep(family, rows, now, policy))
      return { ...done, made: [...done.made, ...made] }
    }
  }
}

export function familiesOf (algorithms: readonly string[]): Family[] {
  return environments.flatMap((environment) => algorithms.map((algorithm) => ({ environment, algorithm })))
}
