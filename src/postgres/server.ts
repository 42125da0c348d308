/** One server process of the embedded PostgreSQL: its settings, its start, the reason it failed, its end. */
import { spawn } from 'node:child_process'
import { constants, open, readFile, rename, rmdir, stat } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { OperatorError } from '../operator-error.ts'
import { makeSocketFolder, type DataFolder } from './data-folder.ts'
import { diskFull, folderProblem, isDiskFull } from './folder-problem.ts'
import { readPostmaster, removeStaleLocks, servesCluster } from './postmaster.ts'
import { asUser, programEnvironment } from './run.ts'

/** Given on the command line, where neither postgresql.conf nor ALTER SYSTEM can override them. */
const settings = {
  listen_addresses: '', // the socket and nothing else
  unix_socket_permissions: '0700',
  port: '5432', // part of the socket's name
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  max_connections: '500', // each of at most 64 workers holds up to 7
  shared_buffers: '64MB', // the hot data live in the workers; this holds some 100,000 clients
  max_wal_size: '256MB', // few writes: crash recovery stays short and the folder small
  io_method: 'sync', // saves the three processes of "worker", which a small database never uses
  jit: 'off', // every statement here is shorter than compiling one
  timezone: 'UTC',
  log_timezone: 'UTC',
  logging_collector: 'off', // standard error is postgres.log
  log_line_prefix: '%m [%p] ',
  log_checkpoints: 'off', // a quiet server writes no log at all
  log_min_messages: 'warning',
  log_min_error_statement: 'panic', // no statement, and so no value in one, reaches the log
  log_error_verbosity: 'terse', // nor the row that a DETAIL line would quote
  cluster_name: 'signet'
} as const

const longestLogBytes = 10 * 1024 * 1024

export interface Launch {
  readonly pid: number
  readonly socketFolder: string
  /** Where the log ended when it was started. */
  readonly logOffset: number
  /** Set once it has ended: its exit code, or the signal that ended it. */
  end: number | NodeJS.Signals | undefined
}

/**
 * Starts a server in a session of its own, so that Ctrl-C in our terminal does not reach it, and does not wait
 * until it answers.
 */
export async function launch (folder: DataFolder): Promise<Launch> {
  const socketFolder = await makeSocketFolder(folder)
  const log = await openLog(folder)
  try {
    const logOffset = (await log.stat()).size
    const parameters = Object.entries({ ...settings, unix_socket_directories: quoteListItem(socketFolder) })
    const child = spawn(folder.runtime.postgres, ['-D', folder.cluster, ...parameters.flatMap(([name, value]) => ['-c', `${name}=${value}`])], {
      cwd: '/',
      env: programEnvironment,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      ...asUser(folder.user)
    })
    child.unref()
    await new Promise<void>((resolve, reject) => { child.once('spawn', resolve).once('error', reject) })
    const started: Launch = { pid: child.pid ?? 0, socketFolder, logOffset, end: undefined }
    child.on('error', () => {}) // after the start only kill() reports here
    child.on('exit', (code, signal) => { started.end = code ?? signal ?? 'SIGKILL' })
    return started
  } catch (error) {
    throw new OperatorError(`PostgreSQL could not be started${folder.user === undefined ? '' : ` as the user ${folder.user.name}`} (${error instanceof Error ? error.message : String(error)}). Remove the cause, or set DATABASE_URL to a PostgreSQL of your own.`, { cause: error })
  } finally {
    await log.close()
  }
}

function quoteListItem (path: string): string {
  return `"${path.replaceAll('"', '""')}"`
}

async function openLog ({ log }: DataFolder): ReturnType<typeof open> {
  try {
    const size = await stat(log).then((found) => found.size, () => 0)
    if (size > longestLogBytes) await rename(log, `${log}.1`)
    return await open(log, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  } catch (error) {
    throw folderProblem(error, log)
  }
}

/** Why a launched server ended: a reason to try again, or an OperatorError thrown. */
export async function whyEnded (folder: DataFolder, launched: Launch): Promise<'another server' | 'another user' | 'killed' | 'old processes'> {
  if (launched.end === 0) return 'another user' // who was its only one for a moment, and stopped it
  if (typeof launched.end === 'string') return 'killed'
  const said = await readLog(folder.log, launched)
  if (launched.socketFolder !== folder.run) await discardSocketFolder(folder, launched.socketFolder)
  if (/lock file ".*" (already exists|is empty)|could not remove old lock file ".*": No such file/.test(said)) {
    await removeStaleLocks(folder.cluster, launched.socketFolder)
    return 'another server'
  }
  if (said.includes('pre-existing shared memory block')) return 'old processes'
  if (await isDiskFull(folder.cluster, said)) throw diskFull(folder.dataDir)
  const cause = /(?:FATAL|PANIC|ERROR): *(.+)/.exec(said)?.[1] ?? said.trim().split('\n').at(-1) ?? ''
  throw new OperatorError(`PostgreSQL could not start in ${folder.cluster} (${cause === '' ? `exit code ${String(launched.end)}` : cause}). See ${folder.log}.`)
}

/** What this server wrote, and what somebody wrote without a prefix, which is how the earliest messages look. */
async function readLog (log: string, launched: Launch): Promise<string> {
  const text = (await readFile(log).catch(() => Buffer.alloc(0))).subarray(launched.logOffset).toString('utf8')
  return text.split('\n').filter((line) => !/^\S+ \S+ UTC \[\d+\] /.test(line) || line.includes(` [${launched.pid}] `)).join('\n')
}

async function discardSocketFolder (folder: DataFolder, socketFolder: string): Promise<void> {
  const inUse = (await readPostmaster(folder.cluster))?.socketFolder
  if (inUse !== socketFolder) await rmdir(socketFolder).catch(() => {}) // not empty: not ours to remove
}

const fastShutdownSeconds = 20
const immediateShutdownSeconds = 5

/**
 * Stops the server: first with a checkpoint, and if that takes too long without one, which loses nothing either
 * (the next start replays the write-ahead log).
 * @returns whether it is gone
 */
export async function stopServer (folder: DataFolder, pid: number): Promise<boolean> {
  const socketFolder = (await readPostmaster(folder.cluster))?.socketFolder
  if (!(await servesCluster(pid, folder.cluster))) return false // in another container: the number means nothing here
  for (const [signal, seconds] of [['SIGINT', fastShutdownSeconds], ['SIGQUIT', immediateShutdownSeconds]] as const) {
    if (!(await servesCluster(pid, folder.cluster))) break
    process.kill(pid, signal)
    const deadline = performance.now() + seconds * 1000
    while (performance.now() < deadline && await servesCluster(pid, folder.cluster)) await pause(20)
  }
  if (await servesCluster(pid, folder.cluster)) return false
  if (socketFolder !== undefined && socketFolder !== folder.run) await rmdir(socketFolder).catch(() => {}) // a successor uses it
  return true
}
