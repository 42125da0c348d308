/** Where a backup goes: a file that is there whole or not at all, or a stream such as standard output. */
import { randomBytes } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { link, lstat, open, realpath, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { errorCode } from '../error-code.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import { syncFolder } from '../sync-folder.ts'

export interface BackupTarget {
  /** Of a symbolic link, the file that it leads to. */
  readonly path: string
  /** Whether there is a file, which is replaced. */
  readonly replace: boolean
}

/**
 * Where a backup of that name is written.
 * @throws OperatorError for whatever is there and is no file: to take its name would destroy it
 */
export async function findTarget (name: string): Promise<BackupTarget> {
  const isThere = await lstat(name).then(() => true, () => false)
  if (!isThere) return { path: name, replace: false } // or cannot be seen, which writing will say
  const path = await realpath(name).catch(() => undefined)
  const found = path === undefined ? undefined : await stat(path).catch(() => undefined)
  if (path === undefined || found === undefined) throw notWritable(name, 'it is a link that leads to no file. Remove it, or name another file')
  if (found.isDirectory()) throw notWritable(name, 'it is a folder. Name a file')
  if (!found.isFile()) throw notWritable(name, 'it is a device, a pipe or a socket, and would be replaced. For a pipe, write to standard output: signet backup -')
  return { path, replace: true }
}

/**
 * Writes beside the final name, with mode 0600, and takes that name when everything is on the disk.
 * @throws OperatorError when the file system does not let it, or the name is taken
 */
export async function writeBackupFile ({ path, replace }: BackupTarget, text: AsyncIterable<string>): Promise<void> {
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
      // Not by a stream of the file's: after a failure, closing the file would wait for that stream for ever.
      await writeCompressed((chunk) => file.writeFile(chunk), text)
      await file.sync()
    } finally {
      await file.close()
    }
    await takeName(unfinished, path, replace)
    await syncFolder(dirname(path))
  } catch (error) {
    throw writeProblem(error, path)
  } finally {
    await unlink(unfinished).catch(() => {}) // as in discard
    process.removeListener('exit', discard)
  }
}

/** @throws OperatorError when whoever reads it went away, or it leads to a disk that is full */
export async function writeBackupStream (stream: Writable, text: AsyncIterable<string>): Promise<void> {
  try {
    await writeCompressed((chunk) => writeTo(stream, chunk), text)
  } catch (error) {
    throw writeProblem(error, 'standard output')
  }
}

async function writeTo (stream: Writable, chunk: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.write(chunk, (error) => {
      if (error === undefined || error === null) resolve()
      else reject(error)
    })
  })
}

async function writeCompressed (write: (chunk: Uint8Array) => Promise<void>, text: AsyncIterable<string>): Promise<void> {
  const gzip = createGzip()
  const compressing = pipeline(Readable.from(text), gzip)
  compressing.catch(() => {}) // the loop fails as well, and with its own error if that was first
  const compressed: AsyncIterable<Uint8Array> = gzip
  for await (const chunk of compressed) await write(chunk)
  await compressing
}

/** What somebody else put there meanwhile stays theirs, but for a file that may be replaced. */
async function takeName (unfinished: string, path: string, replace: boolean): Promise<void> {
  try {
    if (!replace) {
      await link(unfinished, path)
      return
    }
  } catch (error) {
    if (errorCode(error) === 'EEXIST' || (await findTarget(path)).replace) throw error // else a file system without links, such as a memory stick's
  }
  await findTarget(path)
  await rename(unfinished, path)
}

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder. Make it, or name another file',
  ENOTDIR: 'there is no such folder. Name another file',
  EISDIR: 'it is a folder. Name a file',
  ENAMETOOLONG: 'its name is too long. Name another file',
  EACCES: 'this user may not write there. Name another file, or give it the right',
  EPERM: 'this user may not write there. Name another file, or give it the right',
  EROFS: 'the file system is read-only. Name a file on another one',
  ENOSPC: 'the disk is full. Free some space, or name a file on another disk',
  EDQUOT: 'the quota is used up. Free some space, or name a file on another disk',
  EFBIG: 'files of that size are not allowed there. Name a file on another disk',
  EPIPE: 'whoever reads it went away. What was passed on is no whole backup'
}

function writeProblem (error: unknown, path: string): unknown {
  const code = errorCode(error) ?? ''
  if (code === 'EEXIST') return new OperatorError(`${path} is there already. Name another file, or add --yes to replace it.`, { cause: error, exitCode: exitCodes.refused })
  const reason = problems[code]
  return reason === undefined ? error : notWritable(path, reason, error)
}

function notWritable (path: string, reason: string, cause?: unknown): OperatorError {
  return new OperatorError(`The backup cannot be written to ${path}: ${reason}.`, { cause })
}
