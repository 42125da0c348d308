/** /var/lib/signet, root's own place for what another user must reach and a checkout that only root can enter cannot hold. */
import { chmod, lstat, mkdir } from 'node:fs/promises'
import { OperatorError } from '../operator-error.ts'
import { folderProblem } from './folder-problem.ts'

export const systemHomeFolder = '/var/lib/signet'

/**
 * Makes the folder, or checks the one that is there. Others may enter and list it.
 * @throws OperatorError when anybody but root could have put something into it
 */
export async function systemHome (): Promise<string> {
  try {
    await mkdir(systemHomeFolder, { recursive: true, mode: 0o755 })
    const found = await lstat(systemHomeFolder)
    if (!found.isDirectory() || found.uid !== 0 || (found.mode & 0o022) !== 0) {
      throw new OperatorError(`${systemHomeFolder} must be a folder that belongs to root and that nobody else can write. Remove it and start again, or set SIGNET_DATA_DIR to a folder that PostgreSQL's user can enter.`)
    }
    if ((found.mode & 0o777) !== 0o755) await chmod(systemHomeFolder, 0o755)
  } catch (error) {
    throw folderProblem(error, systemHomeFolder)
  }
  return systemHomeFolder
}
