import { statfs } from 'node:fs/promises'
import { OperatorError } from '../operator-error.ts'
import { errorCode } from '../error-code.ts'

/** Turns what the file system answered into a sentence for the operator; any other error passes unchanged. */
export function folderProblem (error: unknown, folder: string): unknown {
  switch (errorCode(error) ?? '') {
    case 'EACCES':
    case 'EPERM':
      return new OperatorError(`Signet may not write in ${folder}. Give this user write access to it, or set SIGNET_DATA_DIR to a folder that it may write in.`, { cause: error })
    case 'EROFS':
      return new OperatorError(`${folder} is on a read-only file system. Set SIGNET_DATA_DIR to a folder that can be written.`, { cause: error })
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFull(folder, error)
    case 'ENOTDIR':
    case 'EEXIST':
      return new OperatorError(`${folder} cannot be used as a folder, because a file is in its place. Move that file away, or set SIGNET_DATA_DIR to another folder.`, { cause: error })
    case 'ENAMETOOLONG':
      return new OperatorError('The path of SIGNET_DATA_DIR is longer than this system accepts. Choose a shorter one.', { cause: error })
    default:
      return error
  }
}

export function diskFull (folder: string, cause?: unknown): OperatorError {
  return new OperatorError(`The disk that holds ${folder} is full. Free some space (a new database takes about 60 MB), or set SIGNET_DATA_DIR to a folder on another disk.`, { cause })
}

/**
 * Whether the disk is why a program failed. A full disk often leaves no message at all, the log being on it,
 * so its free space is looked at as well.
 */
export async function isDiskFull (folder: string, message: string): Promise<boolean> {
  if (/No space left on device|Disk quota exceeded|wrote only \d+ of \d+ bytes/.test(message)) return true
  const free = await statfs(folder).then(({ bavail, bsize }) => bavail * bsize, () => Infinity)
  return free < 65_536
}
