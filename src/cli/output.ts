/**
 * Prints what a command found: JSON, or aligned text made from the very same members. Results go to standard
 * output, and whatever else a person is told goes to standard error.
 */
import { formatRecord, formatTable } from './table.ts'

/** Members are named as in OAuth: `client_id`, `created_at`. Times are ISO 8601 in UTC. */
export type Json = Readonly<Record<string, unknown>>

export interface Output {
  record (record: Json): Promise<void>
  /** @param columns the members that the table shows; JSON has all of them */
  list (rows: readonly Json[], columns: readonly string[]): Promise<void>
  /** What is no table: the text as it is, or the record for programs. */
  text (text: string, record: Json): Promise<void>
  note (sentence: string): void
}

export interface OutputOptions {
  readonly write: (text: string) => Promise<void>
  /** Of the terminal, in characters; undefined when there is none. */
  readonly width: number | undefined
  readonly note: (sentence: string) => void
  readonly isJson: () => boolean
}

export function createOutput ({ write, width, note, isJson }: OutputOptions): Output {
  const formatJson = (value: Json | readonly Json[]): string => `${JSON.stringify(value, null, 2)}\n`
  return {
    record: (record) => write(isJson() ? formatJson(record) : formatRecord(record, width)),
    async list (rows, columns) {
      if (isJson()) await write(formatJson(rows))
      else if (rows.length > 0) await write(formatTable(rows, columns, width))
      else note('there are none')
    },
    text: (text, record) => write(isJson() ? formatJson(record) : text),
    note
  }
}
