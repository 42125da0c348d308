import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { createCli, type Cli } from './cli-process.ts'
import { expectBothForms, expectNothingStored, expectTable, text } from './printed.ts'

const time = text(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
let database: TestDatabase
let cli: Cli

beforeAll(async () => {
  database = await createTestDatabase({ migrated: false })
  cli = await createCli({ DATABASE_URL: database.url, MASTER_KEY: 'c1'.repeat(32) })
})
afterAll(async () => {
  await cli.remove()
  await database.drop()
})

describe('on a database that nothing was ever done to', { timeout: 60_000 }, () => {
  it('migrate status lists what is pending and migrate applies it, once', async () => {
    expect(await cli.json('migrate', 'status')).toContainEqual({ name: '20261123000000_initial', state: 'pending', applied_at: null })
    expect((await cli.record('migrate'))['applied']).toContain('20261123000000_initial')
    const [again, status] = await Promise.all([cli('migrate'), cli('migrate', 'status')])
    expect(again).toMatchObject({ exitCode: 0, stderr: 'signet: the schema was up to date\n' })
    expectTable(status, /^NAME +STATE +APPLIED\n/, /^20261123000000_initial +applied +\d{4}-\d\d-\d\d \d\d:\d\dZ$/m)
  })

  it('any command makes the keys that a start would make, and no sample', async () => {
    const [json, table, organizations] = await Promise.all([cli.json('key', 'list'), cli('key', 'list'), cli('organization', 'list', '--json')])
    expect(json).toMatchObject(['live', 'test'].map((environment) => ({
      kid: text(/^[\w-]{43}$/), environment, algorithm: 'RS256', state: 'active', created_at: time, activates_at: time, withdrawn_at: null
    })))
    expectTable(table, /^KID +ENVIRONMENT +ALGORITHM +STATE +ACTIVATES +PUBLISHED UNTIL +LIVE TOKENS\n/, /^[\w-]{43} {2}test +RS256 +active +\d{4}-\d\d-\d\d \d\d:\d\dZ +- +0$/m)
    expect(organizations).toMatchObject({ exitCode: 0, stdout: '[]\n' })
  })

  it('prints each as text and as JSON, and no key that is stored (R12)', async () => {
    expectBothForms(cli, ['migrate', 'migrate status', 'key list'])
    expect(await expectNothingStored(cli, database.url)).toBeGreaterThanOrEqual(3)
  })
})
