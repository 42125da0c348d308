/**
 * Makes a database cluster, completely or not at all: it is built in an unfinished folder and then renamed, so
 * neither a kill in the middle nor two first starts at once leave half a cluster or two.
 */
import { chmod, lchown, mkdir, readFile, readdir, rename, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { OperatorError } from '../operator-error.ts'
import type { Progress } from '../progress.ts'
import { syncFolder } from '../sync-folder.ts'
import { errorCode } from '../error-code.ts'
import { diskFull, folderProblem, isDiskFull } from './folder-problem.ts'
import { run } from './run.ts'
import type { Runtime } from './runtime.ts'
import { systemHome } from './system-home.ts'
import type { SystemUser } from './system-user.ts'
import { newUnfinishedFolder, removeAbandoned } from './unfinished.ts'

export interface ClusterOptions {
  readonly dataDir: string
  /** `postgres` in the data folder: the cluster, or a link to it. */
  readonly cluster: string
  readonly user: SystemUser | undefined
  readonly runtime: Runtime
  readonly progress: Progress
  readonly signal: AbortSignal | undefined
}

/** The role that owns the database, and the superuser that Signet itself uses for its locks only. */
export const roles = { owner: 'signet', superuser: 'postgres' } as const
export const databaseName = 'signet'

/** @throws OperatorError when the folder holds a cluster that these programs cannot open, or no cluster at all */
export async function checkCluster (cluster: string, runtime: Runtime): Promise<'usable' | 'absent'> {
  const version = await readFile(join(cluster, 'PG_VERSION'), 'utf8').then((text) => text.trim(), () => undefined)
  if (version === undefined) {
    const contents = await readdir(cluster).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return []
      throw folderProblem(error, cluster)
    })
    if (contents.length === 0) return 'absent'
    throw new OperatorError(`${cluster} holds files that are no PostgreSQL database. Move them away, or set SIGNET_DATA_DIR to another folder.`)
  }
  if (version !== String(runtime.majorVersion)) {
    throw new OperatorError(`The database in ${cluster} was made by PostgreSQL ${version}, and this Signet brings PostgreSQL ${runtime.majorVersion}. Start the Signet that made it, or set SIGNET_DATA_DIR to another folder and move the data over.`)
  }
  return 'usable'
}

/** Makes the cluster where its user can reach it: in the data folder if possible, else in root's own place with a link to it. */
export async function createCluster (options: ClusterOptions): Promise<void> {
  const { dataDir, cluster, user } = options
  options.progress(`creating a PostgreSQL database in ${cluster}`)
  try {
    await removeAbandoned(dataDir)
    const unfinished = await newUnfinishedFolder(dataDir)
    try {
      if (user !== undefined) await lchown(unfinished, user.uid, user.gid)
      if (await canEnter(unfinished, options)) {
        await initialize(unfinished, options)
        await moveIntoPlace(unfinished, cluster)
      } else {
        await createElsewhere(options)
      }
    } finally {
      await rm(unfinished, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    }
  } catch (error) {
    throw folderProblem(error, dataDir)
  }
}

/** Asks PostgreSQL to open the folder as its user, rather than guess from the modes of all folders above it. */
async function canEnter (folder: string, { user, runtime }: ClusterOptions): Promise<boolean> {
  if (user === undefined) return true
  const { output } = await run(runtime.postgres, ['-D', folder, '-C', 'data_directory'], { user, timeoutSeconds: 20 })
  return !output.includes('Permission denied')
}

async function createElsewhere (options: ClusterOptions): Promise<void> {
  const home = await systemHome()
  await removeAbandoned(home)
  const unfinished = await newUnfinishedFolder(home)
  const finished = join(home, basename(unfinished).replace(/^unfinished-\d+/, 'data'))
  try {
    await chmod(unfinished, 0o711) // its user passes through, and nobody lists it
    const cluster = join(unfinished, 'postgres')
    await mkdir(cluster, { mode: 0o700 })
    if (options.user !== undefined) await lchown(cluster, options.user.uid, options.user.gid)
    await initialize(cluster, options)
    await moveIntoPlace(unfinished, finished)
  } finally {
    await rm(unfinished, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
  try {
    await symlink(join(finished, 'postgres'), options.cluster)
  } catch (error) {
    await rm(finished, { recursive: true, force: true })
    if (!isTaken(error)) throw error // else another first start was quicker, and its cluster counts
  }
  await syncFolder(options.dataDir)
}

async function initialize (cluster: string, options: ClusterOptions): Promise<void> {
  const { user, runtime, signal } = options
  const initdb = await run(runtime.initdb, [
    '-D', cluster,
    `--username=${roles.superuser}`,
    '--auth=trust', // the socket's folder is the lock on the door
    '--encoding=UTF8',
    '--locale=C', // order by bytes: no index depends on a library of the system
    '--data-checksums',
    '--no-instructions'
  ], { user, signal, timeoutSeconds: 300 })
  await checkEnd('initdb', initdb.exitCode === 0, initdb.output, options)
  const statements = `CREATE ROLE ${roles.owner} LOGIN\nCREATE DATABASE ${databaseName} OWNER ${roles.owner}\n` // one a line in this mode
  const single = await run(runtime.postgres, ['--single', '-D', cluster, 'postgres'], { user, signal, input: statements, timeoutSeconds: 120 })
  await checkEnd('postgres', single.exitCode === 0 && !/\b(ERROR|FATAL|PANIC):/.test(single.output), single.output, options)
}

async function checkEnd (program: string, succeeded: boolean, output: string, { dataDir, signal }: ClusterOptions): Promise<void> {
  signal?.throwIfAborted()
  if (succeeded) return
  if (await isDiskFull(dataDir, output)) throw diskFull(dataDir)
  const nameless = /could not look up effective user ID (\d+)/.exec(output)?.[1]
  if (nameless !== undefined) {
    throw new OperatorError(`PostgreSQL refuses to run as the user ID ${nameless}, which has no name on this system. Add it to /etc/passwd, start Signet as another user, or set DATABASE_URL to a PostgreSQL of your own.`)
  }
  const cause = /(?:error|ERROR|FATAL|PANIC): *(.+)/.exec(output)?.[1] ?? output.trim().split('\n').at(-1) ?? ''
  throw new OperatorError(`${program} could not create a database in ${dataDir} (${cause}). Remove the cause, or set DATABASE_URL to a PostgreSQL of your own.`)
}

async function moveIntoPlace (unfinished: string, finished: string): Promise<void> {
  try {
    await rename(unfinished, finished)
  } catch (error) {
    if (!isTaken(error)) throw error // else another first start was quicker, and its cluster counts
  }
  await syncFolder(dirname(finished))
}

function isTaken (error: unknown): boolean {
  return errorCode(error) === 'ENOTEMPTY' || errorCode(error) === 'EEXIST'
}
