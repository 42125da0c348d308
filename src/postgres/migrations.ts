import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface Migration {
  /** The name of its folder, `<timestamp>_<what>`; one that ends in `_breaking` shuts older versions out. */
  readonly name: string
  /** SHA-256 of the file, hexadecimal, as Prisma computes it. */
  readonly checksum: string
  readonly sql: string
}

/** `prisma/migrations` of the package, seen from src/postgres/ and from dist/postgres/. */
const packageFolder = join(import.meta.dirname, '..', '..', 'prisma', 'migrations')

/** The migrations of this version, in the order in which they apply. */
export async function readMigrations (folder = packageFolder): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name).sort()
  return await Promise.all(names.map(async (name) => {
    const file = await readFile(join(folder, name, 'migration.sql'))
    return { name, checksum: createHash('sha256').update(file).digest('hex'), sql: file.toString('utf8') }
  }))
}
