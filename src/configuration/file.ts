/** The bytes of a configuration file, from its path or from standard input. */
import { dirname, resolve } from 'node:path'
import { errorCode } from '../error-code.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import { readAtMost, type BoundedRead } from './bounded.ts'
import { maxFileBytes, readConfiguration, type ReadFile } from './read.ts'

interface FileOptions {
  readonly path: string
  readonly readVariable: (name: string) => string | undefined
}

/** @throws OperatorError with the exit code `usage` when there is no such file to read */
export async function readConfigurationFile ({ path, readVariable }: FileOptions): Promise<ReadFile> {
  const found = await readBounded(path)
  if ('bytes' in found) return await readConfiguration({ label: path, bytes: found.bytes, folder: dirname(resolve(path)), readVariable })
  const what = found.kind === 'folder' ? 'is a folder' : 'is a pipe or a device'
  throw new OperatorError(`The configuration file ${path} ${what}. Give the path of a file, or apply - to read standard input.`, { exitCode: exitCodes.usage })
}

async function readBounded (path: string): Promise<BoundedRead> {
  try {
    return await readAtMost(path, maxFileBytes)
  } catch (error) {
    const code = errorCode(error)
    if (code === undefined) throw error
    throw new OperatorError(`The configuration file ${path} cannot be read (${code}). Give the path of a file that is there.`, { cause: error, exitCode: exitCodes.usage })
  }
}

/** Relative paths in it start where the command was given. */
export async function readConfigurationInput (input: AsyncIterable<Uint8Array>, { readVariable }: Omit<FileOptions, 'path'>): Promise<ReadFile> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of input) {
    chunks.push(chunk)
    if ((length += chunk.length) > maxFileBytes) break
  }
  return await readConfiguration({ label: '<stdin>', bytes: Buffer.concat(chunks), folder: process.cwd(), readVariable })
}
