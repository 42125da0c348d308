/** A real Signet in processes of its own, on an embedded database: what a crash can be done to. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { within } from './requests.ts'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Deployment {
  readonly origin: string
  readonly supervisorPid: () => number
  readonly workerPids: () => Promise<number[]>
  readonly postmasterPid: () => Promise<number>
  /** Starts the supervisor (again). Resolves when it answers. */
  readonly start: () => Promise<void>
  readonly stop: () => Promise<number | null>
  /** Runs the command line tool with --json. */
  readonly signet: (...parameters: readonly string[]) => Promise<Readonly<Record<string, unknown>>>
  /** What it printed so far. */
  readonly output: () => string
}

interface DeploymentOptions {
  readonly dataDir: string
  readonly port: number
  readonly environment?: Readonly<Record<string, string>>
}

export function createDeployment ({ dataDir, port, environment = {} }: DeploymentOptions): Deployment {
  const origin = `http://127.0.0.1:${port}`
  const variables = { PATH: process.env['PATH'], HOME: process.env['HOME'], SIGNET_DATA_DIR: dataDir, PORT: String(port), WORKERS: '2', DRAIN_SECONDS: '0', ...environment }
  let supervisor: ChildProcess | undefined
  let output = ''

  async function answers (): Promise<boolean> {
    try {
      return (await fetch(`${origin}/health/ready`)).ok
    } catch {
      return false
    }
  }

  return {
    origin,
    supervisorPid: () => supervisor?.pid ?? 0,
    workerPids: async () => await childrenOf(supervisor?.pid ?? 0),
    postmasterPid: async () => Number((await readFile(`${dataDir}/postgres/postmaster.pid`, 'utf8')).split('\n')[0]),
    output: () => output,

    async start () {
      const before = output.length
      const child = spawn(process.execPath, [main], { env: variables, stdio: ['ignore', 'pipe', 'pipe'] })
      supervisor = child
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString() })
      // Its own word first: for a moment after a crash the workers of the supervisor before it may still answer.
      const isListening = (): boolean => output.slice(before).includes('listening on')
      const ready = await within(40, async () => child.exitCode !== null || child.signalCode !== null || (isListening() && await answers()))
      if (!ready || child.exitCode !== null) throw new Error(`it did not start: ${output.slice(-2_000)}`)
    },

    async stop () {
      if (supervisor?.exitCode !== null || supervisor.signalCode !== null) return null
      const ended = once(supervisor, 'exit')
      supervisor.kill('SIGTERM')
      await ended
      return supervisor.exitCode
    },

    async signet (...parameters) {
      const { stdout } = await promisify(execFile)(process.execPath, [cli, ...parameters, '--json'], { env: variables, timeout: 60_000 })
      const value: unknown = JSON.parse(stdout)
      return typeof value === 'object' && value !== null ? { ...value } : {}
    }
  }
}

async function childrenOf (parent: number): Promise<number[]> {
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const children = await Promise.all(all.map(async (pid) => {
    try {
      const [stat, command] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), readFile(`/proc/${pid}/cmdline`, 'utf8')])
      const ppid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      return ppid === parent && command.includes('main.js') ? pid : undefined
    } catch {
      return undefined // it ended meanwhile
    }
  }))
  return children.filter((pid) => pid !== undefined)
}
