/** Where a backup goes: a file that is there whole or not at all, or a stream such as standard output. */
import { randomBytes } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { link, lstat, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { errorCode } from '../error-code.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import { syncFolder } from '../sync-folder.ts'

export interface BackupFileOptions {
  readonly path: string
  /** Whether a file of that name may be replaced. */
  readonly replace: boolean
}

export async function exists (path: string): Promise<boolean> {
  return await lstat(path).then(() => true, () => false)
}

/**
 * Writes beside the final name, with mode 0600, and takes that name when everything is on the disk.
 * @throws OperatorError when the file system does not let it, or the name is taken
 */
export async function writeBackupFile ({ path, replace }: BackupFileOptions, text: AsyncIterable<string>): Promise<void> {
  const unfinished = join(dirname(path), `.${basename(path)}.unfinished-${randomBytes(6).toString('hex')}`)
  const discard = (): void => {
    try {
      unlinkSync(unfinished)
    } catch {} // it has its final name, or was never made
  }
  process.once('exit', discard) // Ctrl-C ends the process while this is under way
  try {
    const file = await open(unfinished, 'wx', 0o600)
    try {
      await writeCompressed(file.createWriteStream({ autoClose: false }), text)
      await file.sync()
    } finally {
      await file.close()
    }
    await takeName(unfinished, path, replace)
    await syncFolder(dirname(path))
  } catch (error) {
    throw fileProblem(error, path)
  } finally {
    await unlink(unfinished).catch(() => {}) // as in discard
    process.removeListener('exit', discard)
  }
}

/** Without `replace`, a name that somebody else took meanwhile stays theirs. */
async function takeName (unfinished: string, path: string, replace: boolean): Promise<void> {
  try {
    if (!replace) {
      await link(unfinished, path)
      return
    }
  } catch (error) {
    if (errorCode(error) === 'EEXIST' || await exists(path)) throw error // else a file system without links, such as a memory stick's
  }
  await rename(unfinished, path)
}

/** Leaves the stream open. */
export async function writeCompressed (stream: Writable, text: AsyncIterable<string>): Promise<void> {
  await pipeline(Readable.from(text), createGzip(), stream, { end: false })
}

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder. Make it, or name another file',
  ENOTDIR: 'there is no such folder. Name another file',
  EISDIR: 'it is a folder. Name a file',
  EACCES: 'this user may not write there. Name another file, or give it the right',
  EPERM: 'this user may not write there. Name another file, or give it the right',
  EROFS: 'the file system is read-only. Name a file on another one',
  ENOSPC: 'the disk is full. Free some space, or name a file on another disk',
  EDQUOT: 'the quota is used up. Free some space, or name a file on another disk'
}

function fileProblem (error: unknown, path: string): unknown {
  const code = errorCode(error) ?? ''
  if (code === 'EEXIST') return new OperatorError(`${path} is there already. Name another file, or add --yes to replace it.`, { cause: error, exitCode: exitCodes.refused })
  const reason = problems[code]
  return reason === undefined ? error : new OperatorError(`The backup cannot be written to ${path}: ${reason}.`, { cause: error })
}
