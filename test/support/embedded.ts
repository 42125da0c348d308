/** Databases for tests, on the PostgreSQL that `global-setup.ts` started. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

export interface TestServer {
  /** Of the role that owns the databases, as Signet itself connects. */
  readonly url: string
  readonly template: string
}

export interface TestDatabase {
  readonly url: string
  readonly drop: () => Promise<void>
}

export function databaseUrl (url: string, database: string): string {
  return url.replace(/@\/\w+\?/, `@/${database}?`)
}

export function superuserUrl (url: string): string {
  return url.replace('//signet@', '//postgres@')
}

/** A database of its own for a test: migrated, or empty if asked for; not durable is quicker where much is written. */
export async function createTestDatabase ({ migrated = true, durable = true } = {}): Promise<TestDatabase> {
  const { url, template } = inject('testServer')
  const name = `test_${randomBytes(8).toString('hex')}`
  await asSuperuser(url, `CREATE DATABASE ${name} OWNER signet TEMPLATE ${migrated ? template : 'template0'}`)
  if (!durable) await asSuperuser(url, `ALTER DATABASE ${name} SET synchronous_commit = off`)
  return {
    url: databaseUrl(url, name),
    drop: async () => { await asSuperuser(url, `DROP DATABASE ${name} WITH (FORCE)`) }
  }
}

async function asSuperuser (url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl(url) })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
