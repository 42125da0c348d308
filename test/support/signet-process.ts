/** Signet as an operator starts it: real processes, through `node scripts/start.js` or `npm start`. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readdir } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './data-folder.ts'

export const projectFolder = join(import.meta.dirname, '..', '..')

export interface SignetProcess {
  /** Of npm, or of the supervisor itself. */
  readonly pid: number
  readonly origin: string
  readonly stdout: () => string
  readonly stderr: () => string
  /** What it prints from now on reaches nobody, as when its terminal is gone. */
  readonly closeOutput: () => void
  /** Rejects if it ends before it listens. */
  readonly listening: () => Promise<void>
  readonly ended: Promise<{ readonly exitCode: number | null, readonly signal: NodeJS.Signals | null }>
  readonly hasEnded: () => boolean
}

export interface StartOptions {
  readonly dataDir: string
  readonly port: number
  readonly through?: 'node' | 'npm'
  readonly environment?: Readonly<Record<string, string>>
}

/** It leads a process group of its own, as a command in a terminal does. One worker, if nothing else is said: each takes a second to load. */
export function startSignet ({ dataDir, port, through = 'node', environment = {} }: StartOptions): SignetProcess {
  const [program, parameters] = through === 'npm' ? ['npm', ['start']] as const : [process.execPath, [join(projectFolder, 'scripts', 'start.js')]] as const
  const child = spawn(program, parameters, {
    cwd: through === 'npm' ? projectFolder : tmpdir(),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'], HOME: process.env['HOME'], SIGNET_DATA_DIR: dataDir, PORT: String(port), WORKERS: '1', LOG_LEVEL: 'warn', DRAIN_SECONDS: '0', ...environment
    }
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text })
  const ended = endOf(child)
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  return {
    pid: child.pid ?? 0,
    origin: `http://127.0.0.1:${port}`,
    stdout: () => stdout,
    stderr: () => stderr,
    closeOutput: () => {
      child.stdout.destroy()
      child.stderr.destroy()
    },
    ended,
    hasEnded,
    listening: async () => {
      await until(async () => stderr.includes('listening on') || hasEnded(), `it listens; it said: ${stderr}`, 60)
      if (hasEnded()) throw new Error(`it ended instead of listening: ${stderr}${stdout}`)
    }
  }
}

async function endOf (child: ChildProcess): Promise<{ exitCode: number | null, signal: NodeJS.Signals | null }> {
  const [exitCode, signal] = await once(child, 'close') as [number | null, NodeJS.Signals | null] // as Node.js documents it
  return { exitCode, signal }
}

export async function freePort (): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  server.close()
  await once(server, 'close')
  return port
}

/** The processes of Signet and of PostgreSQL that work for a data folder. */
export async function processesOf (dataDir: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const mine = await Promise.all(pids.map(async (pid) => {
    const [command, environment] = await Promise.all(['cmdline', 'environ'].map(async (file) => await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')))
    return command?.includes(`${dataDir}/postgres`) === true || environment?.split('\0').includes(`SIGNET_DATA_DIR=${dataDir}`) === true
  }))
  return pids.filter((_, index) => mine[index]).map(Number)
}

/** The workers of a supervisor. */
export async function workersOf (supervisor: number): Promise<number[]> {
  const children = (await readFile(`/proc/${supervisor}/task/${supervisor}/children`, 'utf8')).trim().split(' ').filter((pid) => pid !== '').map(Number)
  const commands = await Promise.all(children.map(async (pid) => await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return children.filter((_, index) => commands[index]?.includes('dist/main.js') === true)
}

export interface SampleClient {
  readonly clientId: string
  readonly clientSecret: string
}

/** The sample's client, as the first start printed it. */
export function sampleOf (stdout: string): SampleClient {
  const [, clientId = '', clientSecret = ''] = /^ *client +(cl_live_\w+)\n *client secret +(\S+)$/m.exec(stdout) ?? []
  return { clientId, clientSecret }
}

/** @returns the status; 0 if nobody answers */
export async function requestToken (origin: string, { clientId, clientSecret }: SampleClient): Promise<number> {
  const body = new URLSearchParams({ client_id: clientId, client_secret: clientSecret })
  try {
    const response = await fetch(`${origin}/oauth/v2/token`, { method: 'POST', body, signal: AbortSignal.timeout(10_000), headers: { connection: 'close' } })
    await response.arrayBuffer()
    return response.status
  } catch {
    return 0
  }
}
