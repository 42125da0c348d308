import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { openEmbedded } from '../../src/postgres/embedded.ts'
import { migrate } from '../../src/postgres/migrator.ts'
import { printProgress } from '../../src/progress.ts'
import { databaseUrl, superuserUrl, type TestServer } from './embedded.ts'

declare module 'vitest' {
  interface ProvidedContext {
    testServer: TestServer
  }
}

const template = 'signet_template'

/** One embedded PostgreSQL for the whole run, with a migrated template that each test database is copied from. */
export default async function setup (project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'signet-test-'))
  await chmod(folder, 0o711) // as root, PostgreSQL runs as another user
  const server = await openEmbedded({ dataDir: join(folder, 'data'), postgresUser: undefined, progress: printProgress }).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true })
    throw error
  })
  await execute(superuserUrl(server.url), `CREATE DATABASE ${template} OWNER signet`)
  const progress = (): void => {}
  await migrate({ url: databaseUrl(server.url, template), progress })
  await execute(superuserUrl(server.url), `ALTER DATABASE ${template} IS_TEMPLATE true ALLOW_CONNECTIONS false`)
  project.provide('testServer', { url: server.url, template })
  return async () => {
    await server.release()
    await rm(folder, { recursive: true, force: true })
  }
}

async function execute (url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
