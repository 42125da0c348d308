import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { createCli, type Cli } from './cli-process.ts'
import { expectBothForms, expectNothingStored, expectTable, sql, text } from './printed.ts'

const time = text(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const day = 86_400_000
let database: TestDatabase
let cli: Cli

beforeAll(async () => {
  database = await createTestDatabase()
  cli = await createCli({ DATABASE_URL: database.url, MASTER_KEY: 'c1'.repeat(32) })
  await cli('key', 'list') // the first command of all makes the first keys
})
afterAll(async () => {
  await cli.remove()
  await database.drop()
})

interface Listed {
  readonly kid: string
  readonly environment: string
  readonly state: string
  readonly created_at: string
  readonly activates_at: string | null
  readonly published_until: string | null
}

async function keys (environment = 'live'): Promise<Listed[]> {
  const all = await cli.json('key', 'list') as Listed[] // as the first test holds
  return all.filter((each) => each.environment === environment)
}

async function inState (state: string): Promise<Listed> {
  const [found] = (await keys()).filter((each) => each.state === state)
  if (found === undefined) throw new Error(`no ${state} key`)
  return found
}

/** As if the keys had been there since then. */
async function age (): Promise<void> {
  await sql(database.url, "UPDATE signing_keys SET created_at = created_at - interval '1 hour'")
}

describe('signing keys on the command line', { timeout: 60_000 }, () => {
  it('rotate makes the next key where none waits, which takes over by itself as soon as verifiers can be expected to have it', async () => {
    const run = await cli('key', 'rotate', '--environment', 'live')
    expectTable(run, /^KID +ENVIRONMENT +ALGORITHM +STATE +ACTIVATES +PUBLISHED UNTIL\n/)
    expect(run.stderr).toMatch(/^signet: the next key takes over by itself at \d{4}-\S+Z, when verifiers can be expected to have it; --now does not wait for that\n$/)
    const [active, next, standby] = await keys()
    expect(active).toEqual({ kid: text(/^[\w-]{43}$/), environment: 'live', algorithm: 'RS256', state: 'active', created_at: time, activates_at: time, signs_until: time, published_until: time, withdrawn_at: null, live_tokens: expect.any(Number) as unknown })
    expect([active?.state, next?.state, standby?.state]).toEqual(['active', 'next', 'next'])
    expect(await keys('test')).toHaveLength(1)
    const waits = Date.parse(next?.activates_at ?? '') - Date.parse(next?.created_at ?? '')
    expect(Math.abs(waits - 1_800_000)).toBeLessThan(1_000)
    // The one after it follows the schedule.
    expect(Date.parse(standby?.activates_at ?? '') - Date.parse(next?.activates_at ?? '')).toBe(30 * day)
    expect(Date.parse(active?.published_until ?? '') - Date.parse(next?.activates_at ?? '')).toBe(90_000_000 + day + 600_000)
    const again = await cli('key', 'rotate', '--environment', 'live')
    expect(again.stderr).toBe('signet: the next key has a time already, or has just taken over; nothing was changed\n')
    expect(await keys()).toHaveLength(3)
  })

  it('--now asks where verifiers may not have the next key, and --yes answers', async () => {
    const next = await inState('next')
    const refused = await cli('key', 'rotate', '--environment', 'live', '--now')
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('there is no terminal to ask on')])
    const done = await cli('key', 'rotate', '--environment', 'live', '--now', '--yes')
    expect([done.exitCode, done.stderr]).toEqual([0, 'signet: the next key has taken over; tokens of the one before it stay good\n'])
    expect((await inState('active')).kid).toBe(next.kid)
    expect((await keys()).map(({ state }) => state).sort()).toEqual(['active', 'next', 'retired'])
  })

  it('rotates at once what has waited for long enough, without a question, even with --now', async () => {
    await age()
    const next = await inState('next')
    const changed = await cli.json('key', 'rotate', '--environment', 'live', '--algorithm', 'RS256', '--now') as { kid: string, changed: boolean }[]
    expect(changed.filter((each) => each.changed).map(({ kid }) => kid)).toContain(next.kid)
    expect((await inState('active')).kid).toBe(next.kid)
  })

  it('revoke ends a key for good, names its successor, says what offline verifiers do, and is harmless when it is repeated', async () => {
    const [active, next] = [await inState('active'), await inState('next')]
    const revoked = await cli('key', 'revoke', active.kid)
    expect([revoked.exitCode, revoked.stderr]).toEqual([0, expect.stringMatching(/^signet: the key is revoked; an API that verifies tokens on its own accepts its tokens until it fetches the JWKS again: 15 minutes with the usual caches\n$/)])
    expect(revoked.stdout).toContain(`successor        ${next.kid}\n`)
    expect((await inState('active')).kid).toBe(next.kid)
    expect((await inState('next')).kid).not.toBe(next.kid)
    expect(await cli.record('key', 'revoke', active.kid)).toMatchObject({ changed: false, kid: active.kid, state: 'withdrawn', withdrawn_at: time, successor: null, made: null })
    const retired = await inState('retired')
    expect(await cli.record('key', 'revoke', retired.kid, '--yes')).toMatchObject({ changed: true, successor: null, made: null })
  })

  it('refuses what is not there, and shows nothing that is sealed', async () => {
    for (const parameters of [['revoke', 'nobody'], ['rotate', '--algorithm', 'EdDSA']]) expect(await cli('key', ...parameters)).toMatchObject({ exitCode: 3, stdout: '' })
    expect((await cli('key', 'rotate', '--algorithm', 'none')).exitCode).toBe(2)
    expect((await cli('key', 'list')).exitCode).toBe(0)
    expectBothForms(cli, ['key list', 'key rotate', 'key revoke'])
    expect(await expectNothingStored(cli, database.url)).toBeGreaterThanOrEqual(3)
  })
})
