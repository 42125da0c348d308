/** A Signet with a scene, the command line tool on its database, and databases to restore into. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import type { Scene } from '../support/fixtures.ts'
import { leftOut } from '../../src/backup/tables.ts'
import { describeSchemaFile } from '../support/prisma-schema.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { createCli, type Cli, type CliRun } from './cli-process.ts'

export const masterKey = 'b7'.repeat(32)
/** What breaks readers of lines, of JSON and of SQL. */
const oddName = 'Ünïted \u2028 "Games"\\n \n\'; DROP TABLE clients; -- \u{1F600}'

export interface BackupScene {
  readonly source: TestServer
  readonly scene: Scene
  readonly folder: string
  readonly cli: Cli
  /** An empty database, and the command line tool on it. */
  readonly newTarget: (migrated?: boolean) => Promise<{ readonly url: string, readonly signet: Cli }>
  /** A server on a restored database: the same issuer, at an address of its own. */
  readonly startOn: (databaseUrl: string) => Promise<TestServer>
  readonly remove: () => Promise<void>
}

export async function createBackupScene (): Promise<BackupScene> {
  const targets: TestDatabase[] = []
  const folder = await mkdtemp(join(tmpdir(), 'signet-backup-'))
  const source = await startTestServer({ environment: { MASTER_KEY: masterKey } })
  const scene = await source.fixtures.scene()
  await sql(source.databaseUrl, 'UPDATE organizations SET name = $1', [oddName])
  await sql(source.databaseUrl, "INSERT INTO deleted_clients VALUES ('cl_live_gone', now())")
  const cli = await createCli({ DATABASE_URL: source.databaseUrl, MASTER_KEY: masterKey })
  return {
    source,
    scene,
    folder,
    cli,
    async newTarget (migrated = false) {
      const database = await createTestDatabase({ migrated })
      targets.push(database)
      return { url: database.url, signet: await createCli({ DATABASE_URL: database.url, MASTER_KEY: masterKey }) }
    },
    async startOn (databaseUrl) {
      const server = await startTestServer({ databaseUrl, environment: { MASTER_KEY: masterKey, ISSUER: source.issuer } })
      return { ...server, issuer: server.origin }
    },
    async remove () {
      await source.stop()
      await cli.remove()
      for (const target of targets) await target.drop()
      await rm(folder, { recursive: true, force: true })
    }
  }
}

export async function sql (url: string, statement: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement, [...values])).rows
  } finally {
    await client.end()
  }
}

/** Every row of every table that a backup holds, as PostgreSQL writes it. */
export async function contents (url: string): Promise<Record<string, unknown>> {
  const tables = Object.keys(await schemaTables()).filter((table) => !Object.hasOwn(leftOut, table))
  return Object.fromEntries(await Promise.all(tables.map(async (table) => [table, await sql(url, `SELECT row_to_json(t)::text AS row FROM ${table} AS t ORDER BY 1`)] as const)))
}

export async function schemaTables (): Promise<object> {
  return describeSchemaFile(await readFile(join(import.meta.dirname, '..', '..', 'prisma', 'schema.prisma'), 'utf8')).tables
}

export async function tablesOf (url: string): Promise<number> {
  return (await sql(url, "SELECT FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")).length
}

export function expectRefusal (run: CliRun, exitCode: number, sentence: RegExp): void {
  expect(run).toMatchObject({ exitCode, stdout: '', stderr: expect.stringMatching(sentence) as unknown })
  expect(run.stderr).not.toMatch(/ {4}at |Something unexpected/)
}
