/** Which tables there are and what is in a backup of them, asked of the database itself: a new table is backed up unasked. */
import pg from 'pg'

export interface Table {
  readonly name: string
  /** Those that are stored: generated ones follow from them. */
  readonly columns: readonly string[]
}

/** The tables that no backup holds, and why. */
export const leftOut: Readonly<Record<string, string>> = {
  processes: 'those that serve at the moment, which say so themselves',
  changes: 'news for processes that run; a restored database begins anew and tells them to read everything',
  _prisma_migrations: 'written by the migrations, which the header names'
}

export const quote = pg.escapeIdentifier

/** The tables that a backup holds; one that refers to others comes after them. */
export async function readTables (client: pg.Client): Promise<Table[]> {
  const { rows } = await client.query<Table & { refersTo: string[] }>(`
    SELECT relname AS name,
      ARRAY(SELECT column_name::text FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = relname AND is_generated = 'NEVER' ORDER BY ordinal_position) AS columns,
      ARRAY(SELECT DISTINCT target.relname::text FROM pg_constraint JOIN pg_class AS target ON target.oid = confrelid
        WHERE contype = 'f' AND conrelid = pg_class.oid AND confrelid <> conrelid) AS "refersTo"
    FROM pg_class
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
    ORDER BY relname`)
  return inOrder(rows.filter(({ name }) => !Object.hasOwn(leftOut, name))).map(({ name, columns }) => ({ name, columns }))
}

function inOrder<Each extends { readonly name: string, readonly refersTo: readonly string[] }> (tables: readonly Each[]): Each[] {
  const ordered: Each[] = []
  while (ordered.length < tables.length) {
    const waiting = tables.filter((table) => !ordered.includes(table))
    const next = waiting.find(({ refersTo }) => !waiting.some(({ name }) => refersTo.includes(name)))
    if (next === undefined) throw new Error(`tables refer to each other in a circle: ${waiting.map(({ name }) => name).join(' ')}`)
    ordered.push(next)
  }
  return ordered
}
