/**
 * The configuration file of `SIGNET_CONFIG`, read as a start reads it: whether a start would take it, and whether it
 * would change anything. No secret of the file is printed, nor anything changed.
 */
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { applyConfiguration } from '../configuration/apply.ts'
import { readConfigurationFile } from '../configuration/file.ts'
import { refusal } from '../configuration/mistakes.ts'
import type { ReadFile } from '../configuration/read.ts'
import { countChanges } from '../configuration/report.ts'
import type { Database } from '../db.ts'
import { OperatorError } from '../operator-error.ts'
import { halves } from './configuration.ts'
import { ok, problem, warning, type Finding } from './finding.ts'

const check = 'configuration file'
/** argon2 takes some 50 ms each; an apply --dry-run has the time for more. */
const maxSecrets = 20

export interface ExaminedFile {
  /** Without a look at the database. Empty when no file is named. */
  readonly findings: readonly Finding[]
  /** Undefined when there is nothing to compare. @returns what replaces the findings */
  readonly compare: ((database: Database, clock: Clock) => Promise<readonly Finding[]>) | undefined
}

export async function examineFile ({ configFile: path, configPrune: prune }: Config, readVariable: (name: string) => string | undefined): Promise<ExaminedFile> {
  if (path === undefined) return { findings: [], compare: undefined }
  const dryRun = `signet apply ${path} --dry-run${prune ? ' --prune' : ''}`
  try {
    const file = await readConfigurationFile({ path, readVariable })
    if (file.mistakes.length > 0) return { findings: [refused(refusal(file.label, file.mistakes), dryRun)], compare: undefined }
    const found = [ok(check, `${path} has no mistakes; the database was not compared with it`)]
    if (file.secrets.size > maxSecrets) return { findings: [ok(check, `${path} has no mistakes; comparing its ${file.secrets.size} secrets takes too long here, and is what this does: ${dryRun}`)], compare: undefined }
    return { findings: found, compare: async (database, clock) => [await compare(file, prune, database, clock, dryRun)] }
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    return { findings: [problem(check, ...halves(error.message))], compare: undefined }
  }
}

async function compare (file: ReadFile, prune: boolean, database: Database, clock: Clock, dryRun: string): Promise<Finding> {
  try {
    const plan = await applyConfiguration({ database, clock, progress: () => {}, file, leftovers: prune ? 'remove' : 'keep', dryRun: true })
    if (plan.changes.length === 0) return ok(check, `the database is as ${file.label} says`)
    return warning(check, `the database is not as ${file.label} says: the next start changes it (${countChanges(plan)})`, `See what: ${dryRun}`)
  } catch (error) {
    if (error instanceof OperatorError) return refused(error, dryRun)
    return warning(check, `${file.label} could not be compared with the database (${error instanceof Error ? error.name : String(error)})`, `Try: ${dryRun}`)
  }
}

/** A start ends there. */
function refused ({ message, lines }: OperatorError, dryRun: string): Finding {
  const [found] = halves(message)
  return problem(check, lines[0] === undefined ? found : `${found}, the first at ${lines[0].replace(/\.$/, '')}`, `See all: ${dryRun}`)
}
