/** A table held in memory, whole: what requests read instead of the database. The feed keeps it true. */

export interface View {
  /** Replaces everything by what the database says now. */
  load (): Promise<void>
  /** Replaces one row, or drops it when it is gone. */
  refresh (key: string): Promise<void>
  /** The same for many rows at once, where the table is too long to be read whole for them. */
  readonly refreshMany?: ((keys: readonly string[]) => Promise<void>) | undefined
}

export interface TableView<Row> extends View {
  get (key: string): Row | undefined
  values (): IterableIterator<Row>
  readonly size: number
  /** Puts a row that this very process has just stored, ahead of the feed. */
  put (row: Row): void
}

export interface TableViewOptions<Row> {
  readonly readAll: () => Promise<readonly Row[]>
  readonly readOne: (key: string) => Promise<Row | undefined>
  readonly readMany?: (keys: readonly string[]) => Promise<readonly Row[]>
  readonly keyOf: (row: Row) => string
  /** Called after each change, for indexes derived from the rows. */
  readonly onChange?: (rows: ReadonlyMap<string, Row>) => void
}

export function createTableView<Row> ({ readAll, readOne, readMany, keyOf, onChange }: TableViewOptions<Row>): TableView<Row> {
  let rows = new Map<string, Row>()
  // Rows put while a load was reading: its snapshot may be older than they are.
  const putMeanwhile = new Set<Row>()
  let loads = 0

  return {
    get: (key) => rows.get(key),
    values: () => rows.values(),
    get size () { return rows.size },

    put (row) {
      rows.set(keyOf(row), row)
      if (loads > 0) putMeanwhile.add(row)
      onChange?.(rows)
    },

    async load () {
      loads += 1
      try {
        const read = await readAll()
        rows = new Map([...read, ...putMeanwhile].map((row) => [keyOf(row), row]))
      } finally {
        loads -= 1
        if (loads === 0) putMeanwhile.clear()
      }
      onChange?.(rows)
    },

    async refresh (key) {
      const row = await readOne(key)
      if (row === undefined) rows.delete(key)
      else rows.set(key, row)
      onChange?.(rows)
    },

    refreshMany: readMany === undefined
      ? undefined
      : async (keys) => {
        const read = new Map((await readMany(keys)).map((row) => [keyOf(row), row]))
        for (const key of keys) {
          const row = read.get(key)
          if (row === undefined) rows.delete(key)
          else rows.set(key, row)
        }
        onChange?.(rows)
      }
  }
}
