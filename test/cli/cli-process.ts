/** The command line tool as an operator runs it: a process of its own, in an empty folder, with a known environment. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface CliRun {
  readonly parameters: readonly string[]
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Cli {
  /** Runs it to its end. */
  (...parameters: readonly string[]): Promise<CliRun>
  /** The result of a command that succeeds with --json. */
  readonly json: (...parameters: readonly string[]) => Promise<unknown>
  /** The same for results that are one object. */
  readonly record: (...parameters: readonly string[]) => Promise<Readonly<Record<string, unknown>>>
  readonly withInput: (input: string, ...parameters: readonly string[]) => Promise<CliRun>
  /** Runs it and does something to it while it runs. */
  readonly during: (meddle: Meddle, ...parameters: readonly string[]) => Promise<CliRun>
  /** Everything that it ever said. */
  readonly transcript: () => readonly CliRun[]
  readonly remove: () => Promise<void>
}

/** @param kill does nothing once it has ended; with 0 it only asks. It returns whether the command was running. */
type Meddle = (kill: (signal: NodeJS.Signals | 0) => boolean) => Promise<void>

const main = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'main.js')

/** @param dotenv the contents of `.env` in its working directory */
export async function createCli (environment: Readonly<Record<string, string>> = {}, dotenv?: string): Promise<Cli> {
  const cwd = await mkdtemp(join(tmpdir(), 'signet-cli-'))
  if (dotenv !== undefined) await writeFile(join(cwd, '.env'), dotenv)
  const runs: CliRun[] = []

  async function run (parameters: readonly string[], input: string, meddle?: Meddle): Promise<CliRun> {
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment }
    const child = spawn(process.execPath, [main, ...parameters], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
    const ended = once(child, 'close')
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text })
    child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text })
    child.stdin.on('error', () => {}) // it ended without reading
    child.stdin.end(input)
    await meddle?.((signal) => child.kill(signal))
    await ended
    const result = { parameters, exitCode: child.exitCode, stdout, stderr }
    runs.push(result)
    return result
  }

  async function json (...parameters: readonly string[]): Promise<unknown> {
    const { exitCode, stdout, stderr } = await run([...parameters, '--json'], '')
    if (exitCode !== 0) throw new Error(`signet ${parameters.join(' ')} ended with ${String(exitCode)}: ${stderr}`)
    return JSON.parse(stdout)
  }

  async function record (...parameters: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
    const value = await json(...parameters)
    if (typeof value !== 'object' || value === null) throw new Error(`not an object: ${JSON.stringify(value)}`)
    return { ...value }
  }

  const cli = (...parameters: readonly string[]): Promise<CliRun> => run(parameters, '')
  return Object.assign(cli, {
    json,
    record,
    withInput: (input: string, ...parameters: readonly string[]) => run(parameters, input),
    during: (meddle: Meddle, ...parameters: readonly string[]) => run(parameters, '', meddle),
    transcript: () => runs,
    remove: () => rm(cwd, { recursive: true, force: true })
  })
}
