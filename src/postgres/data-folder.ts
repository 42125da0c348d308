/**
 * The data folder: `postgres/` (the cluster, or a link to it), `run/` (the socket), `postgres.log`. Everything in
 * it is made so that nobody but its user can read it.
 */
import { chmod, lchown, lstat, mkdir, mkdtemp, readFile, readdir, realpath, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { OperatorError } from '../operator-error.ts'
import type { Progress } from '../progress.ts'
import { checkCluster, createCluster } from './cluster.ts'
import { errorCode } from '../error-code.ts'
import { folderProblem } from './folder-problem.ts'
import { socketName } from './postmaster.ts'
import { findPackage, findRuntime, type Runtime } from './runtime.ts'
import { systemHomeFolder } from './system-home.ts'
import { choosePostgresUser, type SystemUser } from './system-user.ts'

export interface DataFolder {
  readonly dataDir: string
  /** The cluster's real path, as its server reports it. */
  readonly cluster: string
  /** Where a new server is to put its socket, unless that path is too long for one. */
  readonly run: string
  readonly log: string
  /** The user that PostgreSQL runs as and that owns the cluster; `undefined` means ourselves. */
  readonly user: SystemUser | undefined
  readonly runtime: Runtime
}

export interface DataFolderOptions {
  readonly dataDir: string
  readonly postgresUser: string | undefined
  readonly progress: Progress
  readonly signal: AbortSignal | undefined
}

const longestSocketPath = process.platform === 'darwin' ? 103 : 107

/** Finds or makes everything that a server needs before it can start. */
export async function openDataFolder (options: DataFolderOptions): Promise<DataFolder> {
  const { dataDir, progress, signal } = options
  await findPackage() // before anything is made that would be of no use without it
  await makeDataDir(dataDir)
  const cluster = join(dataDir, 'postgres')
  await refuseDanglingLink(cluster)
  const user = await choosePostgresUser(cluster, options.postgresUser)
  const runtime = await findRuntime(user, progress)
  signal?.throwIfAborted()
  if (await checkCluster(cluster, runtime) === 'absent') {
    await createCluster({ dataDir, cluster, user, runtime, progress, signal })
    await checkCluster(cluster, runtime)
  }
  const realCluster = await realpath(cluster)
  const home = realCluster.startsWith(`${systemHomeFolder}/`) ? dirname(realCluster) : await realpath(dataDir)
  return { dataDir, cluster: realCluster, run: join(home, 'run'), log: join(dataDir, 'postgres.log'), user, runtime }
}

/** Whether there is a database, or something in its place that a start would refuse. Makes nothing. */
export async function holdsCluster (dataDir: string): Promise<boolean> {
  const cluster = join(dataDir, 'postgres')
  const found = await lstat(cluster).catch(() => undefined)
  if (found?.isDirectory() !== true) return found !== undefined
  return await readdir(cluster).then((names) => names.length > 0, () => true)
}

async function makeDataDir (dataDir: string): Promise<void> {
  try {
    const made = await mkdir(dataDir, { recursive: true, mode: 0o700 })
    // As root: PostgreSQL's own user passes through on its way to the cluster, but cannot list or read the rest.
    if (made !== undefined && process.geteuid?.() === 0) await chmod(dataDir, 0o711)
  } catch (error) {
    throw folderProblem(error, dataDir)
  }
}

async function refuseDanglingLink (cluster: string): Promise<void> {
  const found = await lstat(cluster).catch(() => undefined)
  if (found?.isSymbolicLink() !== true) return
  try {
    await realpath(cluster)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw folderProblem(error, cluster)
    throw new OperatorError(`The database that ${cluster} points to is gone. Bring it back, or remove that link to start with an empty database.`, { cause: error })
  }
}

/**
 * The folder for a new server's socket, mode 0700: `run`, or one with an unpredictable name under the system's
 * temporary folder if that path is too long. That name is kept in the data folder, which PostgreSQL's own user
 * cannot write, and used again, for workers look for a restarted server where the last one was.
 */
export async function makeSocketFolder (folder: DataFolder): Promise<string> {
  if (Buffer.byteLength(join(folder.run, socketName)) <= longestSocketPath) return await makePrivate(folder.run, folder)
  const record = join(folder.dataDir, 'socket-folder')
  const earlier = await readFile(record, 'utf8').catch(() => undefined)
  if (earlier !== undefined) {
    const again = await makePrivate(earlier, folder).catch(() => undefined)
    if (again !== undefined) return again
  }
  const parent = Buffer.byteLength(tmpdir()) < 60 ? tmpdir() : '/tmp'
  try {
    const made = await mkdtemp(join(parent, 'signet-'))
    if (folder.user !== undefined) await lchown(made, folder.user.uid, folder.user.gid)
    await writeFile(record, made, { mode: 0o600 })
    return made
  } catch (error) {
    throw folderProblem(error, parent)
  }
}

async function makePrivate (path: string, folder: DataFolder): Promise<string> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw folderProblem(error, path)
  }
  const { user } = folder
  const found = await lstat(path)
  // Made just now, by us or by another root whose first start came to this point at the same moment.
  if (user !== undefined && found.isDirectory() && found.uid === process.geteuid?.()) await lchown(path, user.uid, user.gid)
  if (await isPrivate(path, folder)) return path
  throw new OperatorError(`${path} must be a folder that only ${user?.name ?? 'the user of Signet'} can enter. Remove it and start again.`)
}

/** Whether nobody but PostgreSQL's user (and root) can have put a socket there. */
export async function isPrivate (path: string, { user }: DataFolder): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined)
  return found !== undefined && found.isDirectory() && found.uid === (user?.uid ?? process.geteuid?.()) && (found.mode & 0o077) === 0
}
