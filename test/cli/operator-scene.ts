/** A prepared database, commands on it, and the stores to set up beside them what a command is to find. */
import { Command, CommanderError } from 'commander'
import { addClientCommands } from '../../src/cli/client.ts'
import type { CommandContext } from '../../src/cli/command.ts'
import { describeFailure } from '../../src/cli/failure.ts'
import { addOrganizationCommands } from '../../src/cli/organization.ts'
import { createOutput } from '../../src/cli/output.ts'
import { addResourceCommands } from '../../src/cli/resource.ts'
import { addScopeCommands } from '../../src/cli/scope.ts'
import { addSecretCommands } from '../../src/cli/secret.ts'
import { createSession, type Session } from '../../src/cli/session.ts'
import { systemClock } from '../../src/clock.ts'
import { loadConfig } from '../../src/config.ts'
import { createDatabase, type Database } from '../../src/db.ts'
import { exitCodes } from '../../src/operator-error.ts'
import { prepare } from '../../src/setup/prepare.ts'
import { createTestDatabase } from '../support/embedded.ts'
import { createFixtures, type Fixtures } from '../support/fixtures.ts'
import { createCli, type Cli, type CliRun } from './cli-process.ts'

const masterKey = 'c4'.repeat(32)

export interface OperatorScene {
  readonly url: string
  /** The command line tool as a process. */
  readonly process: Cli
  /** The same commands in this process, where each costs no second. */
  readonly run: (...parameters: readonly string[]) => Promise<CliRun>
  /** The result of one that succeeds with --json. */
  readonly record: (...parameters: readonly string[]) => Promise<Readonly<Record<string, unknown>>>
  /** Runs commands that are to be refused with one sentence. @returns what each said */
  readonly refusals: (exitCode: number, ...commands: readonly (readonly string[])[]) => Promise<readonly string[]>
  readonly fixtures: Fixtures
  readonly stores: Pick<Session, 'organizations' | 'resources' | 'clients'>
  readonly database: Database
  readonly remove: () => Promise<void>
}

export async function createOperatorScene (): Promise<OperatorScene> {
  const { url, drop } = await createTestDatabase()
  const config = loadConfig({ DATABASE_URL: url, MASTER_KEY: masterKey })
  const prepared = await prepare({ config, url, embedded: false, clock: systemClock, progress: () => {} })
  const database = createDatabase({ url, applicationName: 'signet test', poolSize: 2 })
  const session = createSession(database, prepared, { config, clock: systemClock, progress: () => {} })
  const cli = await createCli({ DATABASE_URL: url, MASTER_KEY: masterKey })
  const run = (...parameters: readonly string[]): Promise<CliRun> => runInside(session, parameters)

  async function record (...parameters: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
    const { exitCode, stdout, stderr } = await run(...parameters, '--json')
    if (exitCode !== 0) throw new Error(`signet ${parameters.join(' ')} ended with ${String(exitCode)}: ${stderr}`)
    return JSON.parse(stdout) as Record<string, unknown> // what record() printed
  }

  async function refusals (exitCode: number, ...commands: readonly (readonly string[])[]): Promise<readonly string[]> {
    const runs: CliRun[] = []
    for (const command of commands) runs.push(await run(...command))
    const wrong = runs.filter((each) => each.exitCode !== exitCode || each.stdout !== '' || !/^signet: .+\n$/.test(each.stderr))
    if (wrong.length > 0) throw new Error(`not refused with ${exitCode} and one line: ${JSON.stringify(wrong)}`)
    return runs.map(({ stderr }) => stderr)
  }

  return {
    url,
    process: cli,
    run,
    record,
    refusals,
    fixtures: createFixtures({ database, ...prepared, clock: systemClock }),
    stores: session,
    database,
    async remove () {
      await database.$disconnect()
      await cli.remove()
      await drop()
    }
  }
}

/** What src/cli/main.ts does, but for opening the database. */
async function runInside (session: Session, parameters: readonly string[]): Promise<CliRun> {
  let stdout = ''
  let stderr = ''
  const note = (line: string): void => { stderr += `signet: ${line}\n` }
  const program = new Command('signet').option('--json').exitOverride().configureOutput({ writeErr: note })
  const context: CommandContext = {
    output: createOutput({ write: async (text) => { stdout += text }, width: undefined, note, isJson: () => program.opts<{ json?: true }>().json === true }),
    readInput: async () => '',
    readVariable: () => undefined,
    version: '0.0.0',
    environment: { variables: {}, dotenvProblem: undefined },
    readConfig: () => { throw new Error('no command here reads the configuration') },
    withReading: (work) => work(session),
    withSession: (work) => work(session),
    withDatabase: () => { throw new Error('no command of these nouns needs it') }
  }
  for (const addCommands of [addOrganizationCommands, addResourceCommands, addScopeCommands, addClientCommands, addSecretCommands]) addCommands(program, context)
  let exitCode = 0
  try {
    await program.parseAsync(parameters, { from: 'user' })
  } catch (error) {
    const failure = error instanceof CommanderError ? { exitCode: exitCodes.usage, sentence: undefined } : describeFailure(error)
    exitCode = failure.exitCode
    if (failure.sentence !== undefined) note(failure.sentence)
  }
  return { parameters, exitCode, stdout, stderr }
}
