#!/usr/bin/env node
/**
 * The command line tool's entry and composition root. Commands load what they need when they run, so that help and
 * usage errors come at once.
 */
import { existsSync, readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { systemClock } from '../clock.ts'
import { printable } from '../names.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import { printProgress } from '../progress.ts'
import { addApplyCommand } from './apply.ts'
import { addAuditCommands } from './audit.ts'
import { addBackupCommand } from './backup.ts'
import { addClientCommands } from './client.ts'
import type { CommandContext } from './command.ts'
import { addCompletionCommand } from './completion.ts'
import { addDoctorCommand } from './doctor.ts'
import { createEcho } from './echo.ts'
import { addExportCommand } from './export.ts'
import { describeFailure } from './failure.ts'
import { rootHelp, subcommandHelp } from './help.ts'
import { addKeyCommands } from './key.ts'
import { addMasterKeyCommands } from './master-key.ts'
import { addMigrateCommands } from './migrate.ts'
import { addOrganizationCommands } from './organization.ts'
import { createOutput } from './output.ts'
import { refuseContradictions } from './repeated.ts'
import { addResourceCommands } from './resource.ts'
import { addRestoreCommand } from './restore.ts'
import { addRestoredCommand } from './restored.ts'
import { addRevokeCommands } from './revoke.ts'
import { addScopeCommands } from './scope.ts'
import { addSecretCommands } from './secret.ts'
import type { SessionOptions } from './session.ts'
import { addTokenCommands } from './token.ts'

const maxInputLength = 65_536

const dotenvProblem = readDotenv()
const version = readVersion()
const echo = createEcho(process.argv.slice(2))
const program = createProgram()
const context: CommandContext = {
  output: createOutput({
    write: writeOutput,
    width: process.stdout.isTTY ? process.stdout.columns : undefined,
    note: printProgress,
    isJson: () => program.opts<{ json?: true }>().json === true
  }),
  readInput,
  readVariable: (name) => process.env[name],
  version,
  environment: { variables: process.env, dotenvProblem },
  readConfig: async () => (await readOptions()).config,
  // Prisma, PostgreSQL and cryptography take most of a second to load.
  withSession: async (work) => { await (await import('./session.ts')).withSession(await readOptions(), work) },
  withReading: async (work) => { await (await import('./session.ts')).withReading(await readOptions(), work) },
  withDatabase: async (work) => { await (await import('./session.ts')).withDatabase(await readOptions(), work) }
}

addOrganizationCommands(program, context)
addResourceCommands(program, context)
addScopeCommands(program, context)
addClientCommands(program, context)
addSecretCommands(program, context)
addKeyCommands(program, context)
addMasterKeyCommands(program, context)
addTokenCommands(program, context)
addRevokeCommands(program, context)
addAuditCommands(program, context)
addApplyCommand(program, context)
addExportCommand(program, context)
addMigrateCommands(program, context)
addBackupCommand(program, context)
addRestoreCommand(program, context)
addRestoredCommand(program, context)
addDoctorCommand(program, context)
addCompletionCommand(program, context)
refuseContradictions(program)

process.stdout.on('error', () => {}) // writeOutput reports it
process.stderr.on('error', () => {}) // nobody is left to tell
process.exit(await run())

function createProgram (): Command {
  return new Command('signet')
    .description('Signet, an OAuth 2.0 authorization server: its organizations, clients, resources and keys.')
    .version(version, '--version', 'print the version')
    .option('--json', 'print the result as JSON')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, minWidthToWrap: 20 }) // long options leave little room
    .configureOutput({ outputError: (text, write) => { write(usageError(text.replace(/^error: /, '').trimEnd())) } })
    .showHelpAfterError('(add --help for an explanation)')
    .addHelpText('afterAll', ({ command }) => command.parent === null ? rootHelp : subcommandHelp)
}

async function run (): Promise<number> {
  try {
    await program.parseAsync()
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
    const { exitCode, sentence, lines, details } = describeFailure(error)
    printProgress(echo.clean(sentence))
    for (const line of lines) process.stderr.write(`${line}\n`)
    const leak = echo.leakIn(sentence)
    if (leak !== undefined) printProgress(leak)
    if (details !== undefined && ['debug', 'trace'].includes(process.env['LOG_LEVEL'] ?? '')) printProgress(details)
    return exitCode
  }
}

/** @returns why it cannot be read, for whoever needs the configuration */
function readDotenv (): Error | undefined {
  try {
    if (existsSync('.env')) process.loadEnvFile('.env')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

async function readOptions (): Promise<SessionOptions> {
  if (dotenvProblem !== undefined) throw new OperatorError(`The file .env is there and cannot be read (${dotenvProblem.message}). Make it readable for this user, or move it away.`, { cause: dotenvProblem })
  const { loadConfig } = await import('../config.ts')
  return { config: loadConfig(process.env), clock: systemClock, progress: printProgress }
}

function readVersion (): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown'
}

function writeOutput (text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error === undefined || error === null) resolve()
      else reject(error)
    })
  })
}

async function readInput (): Promise<string> {
  let text = ''
  process.stdin.setEncoding('utf8')
  for await (const chunk of process.stdin) {
    text += String(chunk)
    if (text.length > maxInputLength) break
  }
  return text
}

function usageError (text: string): string {
  const leak = echo.leakIn(text)
  const lines = echo.clean(text).split('\n').map(printable)
  return [`signet: ${lines.join('\n')}`, ...leak === undefined ? [] : [`signet: ${leak}`], ''].join('\n')
}
