import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../error-code.ts'

const unfinishedName = /^unfinished-(\d+)-[A-Za-z0-9]{6}$/
const abandonedAfterMilliseconds = 3_600_000

/** A folder to build something in that is renamed when it is complete; its name says which process builds. */
export async function newUnfinishedFolder (parent: string): Promise<string> {
  return await mkdtemp(join(parent, `unfinished-${process.pid}-`))
}

/** Removes what processes that were killed while they built left behind. */
export async function removeAbandoned (parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const builder = unfinishedName.exec(name)?.[1]
    if (builder === undefined) continue
    const path = join(parent, name)
    const age = await lstat(path).then(({ mtimeMs }) => Date.now() - mtimeMs, () => 0)
    if (age < abandonedAfterMilliseconds && isRunning(Number(builder))) continue
    await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

/** A process that we may not signal runs all the same. */
function isRunning (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) === 'EPERM'
  }
}
