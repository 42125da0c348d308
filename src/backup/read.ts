/** Reads a backup file, and believes nothing of it that its checksum and counts do not confirm. */
import { createHash } from 'node:crypto'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { errorCode } from '../error-code.ts'
import { OperatorError } from '../operator-error.ts'
import { formatVersion, parseHeader, parseTableHead, parseTrailer, type Counts, type Header, type TableHead } from './format.ts'

export interface BackupReader {
  readonly header: Header
  /**
   * Every table in the order of the file, its rows as lines of JSON, some at a time. To be read to its end: only then
   * is it known that nothing is missing or altered.
   * @throws OperatorError
   */
  readonly tables: () => AsyncGenerator<{ readonly head: TableHead, readonly rows: AsyncGenerator<string[]> }>
  /** Of the tables that were read. */
  readonly counts: () => Counts
}

interface Line {
  readonly text: string
  /** SHA-256 of everything before it. */
  readonly digestBefore: () => string
}

/** A row has kilobytes; what is longer is no backup. */
const maxLineBytes = 64 * 1024 * 1024
const rowsAtOnce = 1_000
const charactersAtOnce = 4_000_000

/**
 * @param name what the operator calls the file
 * @throws OperatorError when it is no backup, or one of a later version
 */
export async function openBackup (file: Readable, name: string): Promise<BackupReader> {
  const lines = readLines(file, name)
  const counts: Record<string, number> = {}

  async function next (): Promise<Line> {
    const { done, value } = await lines.next()
    if (done === true) throw damaged(name, 'it ends early')
    return value
  }

  async function * readRows ({ table, rows }: TableHead): AsyncGenerator<string[]> {
    for (let left = rows; left > 0;) {
      const some: string[] = []
      for (let length = 0; some.length < Math.min(left, rowsAtOnce) && length < charactersAtOnce;) {
        const { text } = await next()
        some.push(text)
        length += text.length
      }
      left -= some.length
      yield some
    }
    counts[table] = rows
  }

  async function * tables (): ReturnType<BackupReader['tables']> {
    for (;;) {
      const line = await next()
      const head = parseTableHead(line.text)
      if (head === undefined) {
        await checkEnd(line)
        return
      }
      yield { head, rows: readRows(head) }
    }
  }

  async function checkEnd ({ text, digestBefore }: Line): Promise<void> {
    const trailer = parseTrailer(text)
    if (trailer === undefined) throw damaged(name, 'it has a line that is neither a table nor the end')
    if (trailer.sha256 !== digestBefore()) throw damaged(name, 'its checksum is wrong')
    const isComplete = Object.keys(trailer.rows).length === Object.keys(counts).length && Object.entries(trailer.rows).every(([table, rows]) => counts[table] === rows)
    if (!isComplete) throw damaged(name, 'its counts of rows are wrong')
    if ((await lines.next()).done !== true) throw damaged(name, 'something follows its end')
  }

  const { text } = await next()
  const header = parseHeader(text)
  if (header === undefined) throw new OperatorError(`${name} is no backup of Signet. Name a file that signet backup wrote.`)
  if (header.format_version > formatVersion) {
    throw new OperatorError(`${name} was written by Signet ${header.signet_version}, in a format (${header.format_version}) that this version does not know. Restore it with that Signet or a newer one.`)
  }
  return { header, tables, counts: () => counts }
}

/** Not by readline: it also ends lines at characters that JSON has inside of strings. */
async function * readLines (file: Readable, name: string): AsyncGenerator<Line, undefined> {
  const hash = createHash('sha256')
  const digestBefore = (): string => hash.copy().digest('hex')
  let rest: Buffer[] = []
  let restBytes = 0
  try {
    const text = pipeline(file, createGunzip(), () => {}) // the loop below throws what either of them meets
    for await (const chunk of text) {
      let bytes = Buffer.from(chunk as Uint8Array) // gunzip makes nothing else
      for (let end = bytes.indexOf('\n'); end !== -1; end = bytes.indexOf('\n')) {
        const line = Buffer.concat([...rest, bytes.subarray(0, end + 1)])
        yield { text: line.toString('utf8').slice(0, -1), digestBefore }
        hash.update(line)
        rest = []
        restBytes = 0
        bytes = bytes.subarray(end + 1)
      }
      rest.push(bytes)
      restBytes += bytes.length
      if (restBytes > maxLineBytes) throw damaged(name, 'it has a line without an end')
    }
  } catch (error) {
    throw readProblem(error, name)
  }
  if (restBytes > 0) throw damaged(name, 'it ends in the middle of a line')
  return undefined
}

function readProblem (error: unknown, name: string): unknown {
  const code = errorCode(error) ?? ''
  if (code === 'Z_BUF_ERROR') return damaged(name, 'it ends early')
  if (code.startsWith('Z_')) return new OperatorError(`${name} is no backup of Signet, or it is damaged (${code}). Take another copy.`, { cause: error })
  if (['ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'EIO'].includes(code)) return new OperatorError(`${name} cannot be read (${code}). Name a backup file that this user can read.`, { cause: error })
  return error
}

function damaged (name: string, how: string): OperatorError {
  return new OperatorError(`${name} is damaged: ${how}. Take another copy, or another backup.`)
}
