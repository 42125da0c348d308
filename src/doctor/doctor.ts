/**
 * Examines an installation, from the version of Node.js to the proxy in front of it, and says in one line a check what
 * is so and what to do. It changes nothing, takes seconds whatever is broken, and every failure is a finding.
 */
import type { Clock } from '../clock.ts'
import { environments } from '../environment.ts'
import { blocked, checkNode, readConfiguration, type ReadConfiguration } from './configuration.ts'
import { examineFile } from './configuration-file.ts'
import { examineDatabase, type DatabaseDependencies, type DatabaseExamination } from './database.ts'
import { checkDataFolder, checkMasterKey, checkOtherFiles } from './files.ts'
import { notChecked, ok, problem, type Finding } from './finding.ts'
import { examineIssuer, type IssuerExamination } from './issuer.ts'

export interface DoctorDependencies {
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Why the `.env` that is there could not be read. */
  readonly dotenvProblem: Error | undefined
  readonly clock: Clock
  readonly withDatabase: DatabaseDependencies['withDatabase']
}

/** Never rejects for what it finds. */
export async function examine ({ variables, dotenvProblem, clock, withDatabase }: DoctorDependencies): Promise<Finding[]> {
  const configuration = await readConfiguration(variables, dotenvProblem)
  const { config } = configuration
  const [key, others, folder, file] = await Promise.all([
    checkMasterKey(config), checkOtherFiles(variables), checkDataFolder(config), examineFile(config, (name) => variables[name])
  ])
  const [database, issuer] = await Promise.all([
    examineDatabaseIf(configuration, { config, masterKeys: key.masterKeys, clock, file, withDatabase }),
    examineIssuerIf(configuration, clock)
  ])
  return [
    checkNode(), ...configuration.findings, ...others, ...key.findings, folder, ...database.file ?? file.findings,
    ...database.findings, ...issuer.findings, ...compareKeys(database, issuer)
  ]
}

async function examineDatabaseIf (configuration: ReadConfiguration, dependencies: DatabaseDependencies): Promise<DatabaseExamination> {
  const block = blocked('database', configuration, 'DATABASE_URL', 'DATABASE_PASSWORD_FILE')
  return block === undefined ? await examineDatabase(dependencies) : { findings: [block], published: undefined, isUpToDate: false, file: undefined }
}

async function examineIssuerIf (configuration: ReadConfiguration, clock: Clock): Promise<IssuerExamination> {
  const block = blocked('issuer', configuration, 'ISSUER', 'PORT')
  return block === undefined ? await examineIssuer(configuration.config, clock) : { findings: [block], served: {} }
}

/** A token of a key that its verifiers cannot find is refused everywhere. */
function compareKeys ({ published }: DatabaseExamination, { served }: IssuerExamination): Finding[] {
  return environments.map((environment) => {
    const check = `jwks ${environment}`
    const [here, there] = [published?.[environment], served[environment]]
    if (there === undefined) return notChecked(check, 'the JWKS could not be fetched')
    if (here === undefined) return notChecked(check, 'the keys of the database could not be read')
    const isSame = here.length === there.length && here.every((kid) => there.includes(kid))
    if (isSame) return ok(check, `has the ${here.length === 1 ? 'key' : `${here.length} keys`} of the database`)
    return problem(check, `has ${there.length} keys, and not those that the database has (${here.join(', ')})`, 'ISSUER leads to a Signet with another database, or a proxy keeps an old copy.')
  })
}
