import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { createCli, type Cli } from './cli-process.ts'

const masterKey = 'c6'.repeat(32)
let database: TestDatabase
let clis: readonly [alone: Cli, resident: Cli]

beforeAll(async () => {
  database = await createTestDatabase()
  const environment = { DATABASE_URL: database.url, MASTER_KEY: masterKey }
  clis = await Promise.all([createCli(environment, { alone: true }), createCli(environment)])
  await clis[1]('organization', 'create', '--name', 'Sample Games')
})
afterAll(async () => {
  for (const cli of clis) await cli.remove()
  await database.drop()
})

it('a command in a process of its own does what it does in the one that the tests share: the same output, the same exit code', { timeout: 60_000 }, async () => {
  const [alone, resident] = clis
  for (const [exitCode, input, ...parameters] of [
    [0, '', 'organization', 'list', '--json'], [0, '', 'client', 'create', '--help'], [0, '', '--version'], [0, 'name: empty', 'apply', '-'],
    [2, '', 'organization', 'create'], [2, '', 'client', 'disable', 'cl_live_nobody', '--nonsense'],
    [3, '', 'organization', 'create', '--name', 'Sample Games'], [3, 'nonsense: {}', 'apply', '-']
  ] as const) {
    const [one, other] = [await alone.withInput(input, ...parameters), await resident.withInput(input, ...parameters)]
    expect(one).toEqual(other)
    expect(one.exitCode, parameters.join(' ')).toBe(exitCode)
  }
})
