/** A Signet that is well, and the diagnosis of an installation. */
import pg from 'pg'
import { expect } from 'vitest'
import { examine } from '../../src/doctor/doctor.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import { connectExternal } from '../../src/postgres/external.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

export const masterKey = 'd0'.repeat(32)
export type Variables = Readonly<Record<string, string>>
export type Diagnosis = Readonly<Record<string, Finding | undefined>>

export async function startHealthy (): Promise<{ readonly server: TestServer, readonly healthy: Variables }> {
  const server = await startTestServer({ environment: { MASTER_KEY: masterKey } })
  await server.keepKeys()
  return { server, healthy: { DATABASE_URL: server.databaseUrl, MASTER_KEY: masterKey, PORT: String(server.config.port), WORKERS: '2' } }
}

/** In this process: a process for each question would take longer than the questions. */
export async function diagnoseAll (variables: Variables, clock = Date.now): Promise<Finding[]> {
  const findings = await examine({
    variables,
    dotenvProblem: undefined,
    clock,
    async withDatabase ({ databaseUrl = '' }, work) {
      await connectExternal({ url: databaseUrl, waitSeconds: 1, progress: () => {} })
      await work(databaseUrl)
    }
  })
  for (const { found, advice } of findings) expect(`${found}${advice ?? ''}`).not.toMatch(/\n|node_modules|undefined|\[object/)
  return findings
}

export async function diagnose (variables: Variables, clock = Date.now): Promise<Diagnosis> {
  const findings = await diagnoseAll(variables, clock)
  // Of several lines of one check the worst counts here.
  return Object.fromEntries([...findings].sort((one) => one.state === 'problem' ? 1 : -1).map((finding) => [finding.check, finding]))
}

export function states (diagnosis: Diagnosis): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(diagnosis).map(([check, finding]) => [check, finding?.state]))
}

export async function sql (url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}
