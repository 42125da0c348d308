/**
 * What postmaster.pid says about the server of a cluster, checked against the process it names: a number in a
 * file proves nothing, because the system gives the numbers of dead processes to others.
 */
import { link, readFile, readlink, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { run } from './run.ts'

export interface Postmaster {
  readonly pid: number
  /** Written a moment after the file itself. */
  readonly socketFolder: string | undefined
}

export const socketName = '.s.PGSQL.5432'

/** @see [Layout of postmaster.pid](https://www.postgresql.org/docs/18/storage-file-layout.html) */
export async function readPostmaster (cluster: string): Promise<Postmaster | undefined> {
  const lines = await readLines(join(cluster, 'postmaster.pid'))
  const pid = pidOf(lines)
  return pid === undefined ? undefined : { pid, socketFolder: lines[4]?.startsWith('/') === true ? lines[4] : undefined }
}

async function readLines (path: string): Promise<string[]> {
  return await readFile(path, 'utf8').then((text) => text.split('\n'), () => [])
}

function pidOf (lines: readonly string[]): number | undefined {
  const pid = Number(lines[0])
  return Number.isInteger(pid) && pid > 1 ? pid : undefined
}

/** Whether this process is a PostgreSQL server that works in this cluster (its real path). */
export async function servesCluster (pid: number, cluster: string): Promise<boolean> {
  if (process.platform !== 'linux') {
    const { exitCode, output } = await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { user: undefined, timeoutSeconds: 10 })
    return exitCode === 0 && output.includes('postgres') && output.includes(cluster)
  }
  try {
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
    if (basename(command[0] ?? '') !== 'postgres') return false
    // A container's root may not see where a process of another user works; its own words must do then.
    return await readlink(`/proc/${pid}/cwd`).catch(() => command[command.indexOf('-D') + 1]) === cluster
  } catch {
    return false
  }
}

/**
 * Removes lock files that name a process which is not the server of this cluster. PostgreSQL does so itself
 * unless that process runs, as another program that was given the number, or the file is empty, because its
 * server was killed in the moment between making and writing it.
 */
export async function removeStaleLocks (cluster: string, socketFolder: string): Promise<void> {
  for (const path of [join(cluster, 'postmaster.pid'), join(socketFolder, `${socketName}.lock`)]) {
    const pid = pidOf(await readLines(path))
    if (pid === undefined ? await isYoungerThan(path, emptyForMilliseconds) : await servesCluster(pid, cluster)) continue
    const moved = `${path}.stale-${process.pid}`
    try {
      await rename(path, moved)
      // A server that started at this very moment gets its file back.
      if (pidOf(await readLines(moved)) !== pid) await link(moved, path).catch(() => {})
      await rm(moved, { force: true })
    } catch {
      // Somebody else was quicker.
    }
  }
}

/** Far longer than a server takes to write what it just made. */
const emptyForMilliseconds = 3_000

/** True also if it is gone. */
async function isYoungerThan (path: string, milliseconds: number): Promise<boolean> {
  return await stat(path).then(({ mtimeMs }) => Date.now() - mtimeMs < milliseconds, () => true)
}
