/**
 * Prints what a command found: JSON, or aligned text made from the very same members. Results go to standard
 * output, and whatever else a person is told goes to standard error.
 */
import { errorCode } from '../error-code.ts'
import { OperatorError } from '../operator-error.ts'
import { formatRecord, formatTable } from './table.ts'

/** Members are named as in OAuth: `client_id`, `created_at`. Times are ISO 8601 in UTC. */
export type Json = Readonly<Record<string, unknown>>

export interface Output {
  record (record: Json): Promise<void>
  /** What nobody can look up again: a reader that went away did not get it. */
  secret (record: Json): Promise<void>
  /** @param columns the members that the table shows; JSON has all of them */
  list (rows: readonly Json[], columns: readonly string[]): Promise<void>
  /**
   * What is no table: the text as it is, or the record for programs.
   * @param lost what to say when nobody reads it, and nobody can look it up again
   */
  text (text: string, record: Json, lost?: string): Promise<void>
  note (sentence: string): void
}

export interface OutputOptions {
  readonly write: (text: string) => Promise<void>
  /** Of the terminal, in characters; undefined when there is none. */
  readonly width: number | undefined
  readonly note: (sentence: string) => void
  readonly isJson: () => boolean
}

const unread = 'The secret was made, and nobody read it: whoever reads standard output went away. ' +
  'Find it with signet client list and signet secret list CLIENT, revoke it, and make another.'

/** What writing to a pipe that nobody reads any more fails with, at first and later. */
const readerIsGone = new Set(['EPIPE', 'ERR_STREAM_DESTROYED'])

export function createOutput ({ write, width, note, isJson }: OutputOptions): Output {
  const formatJson = (value: Json | readonly Json[]): string => `${JSON.stringify(value, null, 2)}\n`
  const formatted = (record: Json): string => isJson() ? formatJson(record) : formatRecord(record, width)

  /** @param lost what to say when nobody reads it; by default nothing, for whoever reads with head has seen enough */
  async function print (text: string, lost?: string): Promise<void> {
    try {
      await write(text)
    } catch (error) {
      if (!readerIsGone.has(errorCode(error) ?? '')) throw unwritable(error)
      if (lost !== undefined) throw new OperatorError(lost, { cause: error })
    }
  }

  return {
    record: (record) => print(formatted(record)),
    secret: (record) => print(formatted(record), unread),
    async list (rows, columns) {
      if (isJson()) await print(formatJson(rows))
      else if (rows.length > 0) await print(formatTable(rows, columns, width))
      else note('there are none')
    },
    text: (text, record, lost) => print(isJson() ? formatJson(record) : text, lost),
    note
  }
}

function unwritable (error: unknown): OperatorError {
  return new OperatorError(`The result could not be written to standard output (${errorCode(error) ?? 'unknown error'}). What was asked for was done all the same: see with list or show.`, { cause: error })
}
