/** What a backup file is made of: gzip of lines of JSON. A header, then each table with its rows, then a trailer. */
import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

export const formatName = 'signet backup'
export const formatVersion = 1

const counts = Type.Record(Type.String(), Type.Integer({ minimum: 0 }))

const header = Type.Object({
  format: Type.Literal(formatName),
  /** Whoever knows this number knows how to read the rest. */
  format_version: Type.Integer({ minimum: 1 }),
  signet_version: Type.String(),
  created_at: Type.String(),
  /** Those that made the tables, in their order; the checksums are Prisma's. */
  migrations: Type.Array(Type.Object({ name: Type.String(), checksum: Type.String() }))
})

const tableHead = Type.Object({
  table: Type.String(),
  columns: Type.Array(Type.String(), { minItems: 1 }),
  /** So many lines follow, each a row as an object of JSON. */
  rows: Type.Integer({ minimum: 0 })
})

const trailer = Type.Object({
  end: Type.Literal(formatName),
  rows: counts,
  /** Of every byte before this line, uncompressed, hexadecimal. */
  sha256: Type.String()
})

export type Header = Static<typeof header>
export type TableHead = Static<typeof tableHead>
export type Trailer = Static<typeof trailer>

/** How many rows each table has. */
export type Counts = Readonly<Record<string, number>>

export function parseHeader (line: string): Header | undefined {
  return parse(line, (value) => Value.Check(header, value) ? value : undefined)
}

export function parseTableHead (line: string): TableHead | undefined {
  return parse(line, (value) => Value.Check(tableHead, value) ? value : undefined)
}

export function parseTrailer (line: string): Trailer | undefined {
  return parse(line, (value) => Value.Check(trailer, value) ? value : undefined)
}

function parse<Result> (line: string, check: (value: unknown) => Result | undefined): Result | undefined {
  try {
    return check(JSON.parse(line))
  } catch {
    return undefined // whoever asked says what was expected
  }
}
