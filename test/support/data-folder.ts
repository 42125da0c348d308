import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

export interface DataFolder {
  /** A data folder that does not exist yet. */
  readonly dataDir: string
  /** Ends a server that a test left running there, and removes everything. */
  readonly remove: () => Promise<void>
}

export const isRoot = process.geteuid?.() === 0

interface DataFolderOptions {
  /** Some names are harder to handle than others. */
  readonly name?: string
  /** A data folder whose server is stopped, to copy: quicker than a first start. */
  readonly copyOf?: string
}

export async function newDataFolder ({ name = 'data', copyOf }: DataFolderOptions = {}): Promise<DataFolder> {
  const parent = await mkdtemp(join(tmpdir(), 'signet-test-'))
  await chmod(parent, 0o711) // as root, PostgreSQL runs as another user
  const dataDir = join(parent, name)
  if (copyOf !== undefined) execFileSync('cp', ['-a', copyOf, dataDir]) // with its owners
  return {
    dataDir,
    remove: async () => {
      const pid = await postmasterPid(dataDir)
      if (pid !== undefined && await isPostgres(pid)) await killAndWait(pid)
      await rm(parent, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    }
  }
}

export async function postmasterPid (dataDir: string): Promise<number | undefined> {
  const text = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number(text.split('\n')[0])
  return pid > 1 ? pid : undefined
}

async function isPostgres (pid: number): Promise<boolean> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes('bin/postgres')
}

/** Ends a process the hard way, and returns when it is gone. */
export async function killAndWait (pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL')
  await until(async () => !isAlive(pid), `process ${pid} is gone`)
}

export function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Waits for a fact about other processes, which tell nobody when they change. */
export async function until (fact: () => Promise<boolean>, what: string, timeoutSeconds = 15): Promise<void> {
  const deadline = performance.now() + timeoutSeconds * 1000
  while (!(await fact())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutSeconds} s: ${what}`)
    await pause(20)
  }
}
