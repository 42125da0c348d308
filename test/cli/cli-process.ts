/**
 * The command line tool as an operator runs it, in an empty folder, with a known environment. All commands of a test
 * run share a process that has loaded the tool; `during`, and whatever is about a process, starts one of its own.
 */
import { fork, spawn, type ChildProcess } from 'node:child_process'
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
  /** Runs it in a process of its own and does something to that while it runs. */
  readonly during: (meddle: Meddle, ...parameters: readonly string[]) => Promise<CliRun>
  /** Everything that it ever said. */
  readonly transcript: () => readonly CliRun[]
  readonly remove: () => Promise<void>
}

/** @param kill does nothing once it has ended; with 0 it only asks. It returns whether the command was running. */
type Meddle = (kill: (signal: NodeJS.Signals | 0) => boolean) => Promise<void>

const main = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'main.js')

interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

interface CliOptions {
  /** Contents of `.env` in its working directory. */
  readonly dotenv?: string
  /** Whether every command is a process of its own. Default: where Node.js itself is told something. */
  readonly alone?: boolean
}

let resident: ChildProcess | undefined
let asked = 0

/** @see resident.js */
function runInResident (request: object): Promise<Ended> {
  resident ??= fork(join(import.meta.dirname, 'resident.js'), { stdio: 'inherit' })
  const child = resident
  const id = asked += 1
  child.ref()
  child.channel?.ref()
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      child.off('message', listen)
      child.off('exit', fail)
      if (child.listenerCount('exit') > 0) return
      child.unref() // nothing waits for it, so it is no reason to go on
      child.channel?.unref()
    }
    const listen = (answer: Ended & { readonly id: number }): void => {
      if (answer.id !== id) return
      settle()
      resolve(answer)
    }
    const fail = (): void => {
      settle()
      resident = undefined
      reject(new Error('the process that runs commands has ended'))
    }
    child.on('message', listen).on('exit', fail)
    child.send({ id, entry: main, ...request })
  })
}

export async function createCli (environment: Readonly<Record<string, string>> = {}, { dotenv, alone = Object.keys(environment).some((name) => name.startsWith('NODE_')) }: CliOptions = {}): Promise<Cli> {
  const cwd = await mkdtemp(join(tmpdir(), 'signet-cli-'))
  if (dotenv !== undefined) await writeFile(join(cwd, '.env'), dotenv)
  const runs: CliRun[] = []

  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment }

  async function run (parameters: readonly string[], input: string): Promise<CliRun> {
    if (alone) return await runAlone(parameters, input)
    const { exitCode, stdout, stderr } = await runInResident({ parameters, environment: env, cwd, input })
    const result = { parameters, exitCode, stdout, stderr }
    runs.push(result)
    return result
  }

  async function runAlone (parameters: readonly string[], input: string, meddle?: Meddle): Promise<CliRun> {
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
    during: (meddle: Meddle, ...parameters: readonly string[]) => runAlone(parameters, '', meddle),
    transcript: () => runs,
    remove: () => rm(cwd, { recursive: true, force: true })
  })
}
