/** Makes a database as a configuration file says: all of it or nothing, in one transaction. */
import { lockWriters } from '../changes/writer-lock.ts'
import { sealSecret } from '../clients/sealed-secret.ts'
import { createSecretHasher } from '../clients/secrets.ts'
import type { Clock } from '../clock.ts'
import type { Database } from '../db.ts'
import { lowerCaseRandom, newIdentifier } from '../identifiers.ts'
import { printable } from '../names.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import type { Progress } from '../progress.ts'
import type { Sealer } from '../sealing/sealer.ts'
import { listIdAtEnd, type StatusReference } from '../status-lists/status-list.ts'
import { isEmpty, type OwnedSecret, type Plan } from './changes.ts'
import { findLeft, type Leftovers } from './leaving.ts'
import { refusal } from './mistakes.ts'
import { checkAgainst, plan } from './plan.ts'
import { isKept } from './plan-secrets.ts'
import { isReady, type ReadFile, type ReadyFile } from './read.ts'
import { createSecretFacts, type SecretFacts } from './secret-facts.ts'
import { readAll, readState, transactionLimits, type State } from './state.ts'
import { write } from './write.ts'

export interface ApplyOptions {
  readonly database: Database
  readonly clock: Clock
  /** Without one only a dry run can be done. */
  readonly sealer?: Pick<Sealer, 'seal'> | undefined
  readonly progress: Progress
  readonly file: ReadFile
  /** What becomes of what the file made and does not name any more. */
  readonly leftovers: Leftovers
  /** Only says what would be changed. */
  readonly dryRun: boolean
  /** Called with what would be changed, while no transaction is open: a person may think it over. */
  readonly review?: (expected: Plan) => Promise<void>
  /** Called with what is about to be changed, which may be more by then; whatever it throws leaves everything as it is. */
  readonly approve?: (plan: Plan) => void
}

const maxTries = 5
const tickMillis = 1_000

/** @throws OperatorError with every mistake of the file */
export async function applyConfiguration (options: ApplyOptions): Promise<Plan> {
  const { database, file, progress } = options
  const patience = setTimeout(() => { progress(`comparing ${printable(file.label)} with the database`) }, tickMillis)
  try {
    if (!isReady(file)) throw refusal(file.label, [...file.mistakes, ...checkAgainst(await readAll(database), file, options.leftovers)])
    const facts = createSecretFacts(file.secrets, createSecretHasher())
    for (let tries = 0; tries < maxTries; tries += 1) {
      const state = await readAll(database, tokensOf(file))
      await facts.learn(state, slowly(options, (remaining) => `verifying secrets: ${remaining} to go`))
      // Whoever changes nothing, as most starts do, makes no writer wait.
      const expected = planFor(state, file, facts, options)
      if (expected !== undefined && (options.dryRun || isEmpty(expected))) return expected
      clearTimeout(patience)
      if (expected !== undefined) await options.review?.(expected)
      const done = await carryOut(file, facts, options)
      if (done !== undefined) return done
    }
  } finally {
    clearTimeout(patience)
  }
  throw new OperatorError(`The secrets of ${file.label} were changed by somebody else each time they had been verified. Nothing was changed: apply the file again.`, { exitCode: exitCodes.refused })
}

/** @returns undefined when secrets were changed since they were verified */
async function carryOut (file: ReadyFile, facts: SecretFacts, options: ApplyOptions): Promise<Plan | undefined> {
  return await options.database.$transaction(async (session) => {
    await lockWriters(session)
    const planned = planFor(await readState(session, tokensOf(file)), file, facts, options)
    if (planned === undefined || isEmpty(planned)) return planned
    options.approve?.(planned)
    await write(session, planned.writes, { file: file.name, reasons: reasonsOf(file), now: options.clock(), seal: sealing(file, options), tick: slowly(options, (what) => `writing: ${what}`) })
    return planned
  }, transactionLimits)
}

function planFor (state: State, file: ReadyFile, facts: SecretFacts, { leftovers, clock }: ApplyOptions): Plan | undefined {
  const secrets = facts.about(state)
  if (secrets === undefined) return undefined
  const newId = (kind: 'resource' | 'secret'): string => kind === 'resource' ? newIdentifier('res') : lowerCaseRandom(16)
  const { plan: planned, mistakes } = plan({ file, state, secrets, left: findLeft(file, state, leftovers), now: clock(), newId })
  if (mistakes.length > 0) throw refusal(file.label, mistakes)
  return planned
}

function tokensOf ({ document: { revoked_tokens: tokens = [] } }: ReadyFile): readonly StatusReference[] {
  return tokens.map(({ list, index }) => ({ listId: listIdAtEnd(list), index }))
}

/** Of organizations and clients, by id. */
function reasonsOf ({ document: { organizations = {}, clients = {} } }: ReadyFile): ReadonlyMap<string, string> {
  return new Map([...Object.entries(organizations), ...Object.entries(clients)].flatMap(([id, { revocation_reason: reason }]): [string, string][] => reason === undefined ? [] : [[id, reason]]))
}

function sealing (file: ReadyFile, { sealer }: ApplyOptions): (row: OwnedSecret) => string | null {
  return ({ id, clientId }) => {
    const text = file.secrets.get(clientId)
    if (text === undefined || !isKept(clientId, file)) return null
    if (sealer === undefined) throw new Error('a file with a secret to keep was applied without a sealer')
    return sealSecret(sealer, clientId, id, text)
  }
}

/** A line a second, and none for what is quicker. */
function slowly<Fact> ({ progress }: ApplyOptions, line: (fact: Fact) => string): (fact: Fact) => void {
  let last = performance.now()
  return (fact) => {
    if (performance.now() - last < tickMillis) return
    last = performance.now()
    progress(line(fact))
  }
}
