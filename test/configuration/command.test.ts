import { randomInt } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCli, type Cli, type CliRun } from '../cli/cli-process.ts'
import { sample } from './examples.ts'
import { createWorld, type World } from './world.ts'

const masterKey = 'c7'.repeat(32)
let world: World
let cli: Cli
let folder: string

beforeAll(async () => {
  world = await createWorld()
  cli = await createCli({ DATABASE_URL: world.url, MASTER_KEY: masterKey, PARTNER_SECRET: 'the-secret-of-the-partner' })
  folder = await mkdtemp(join(tmpdir(), 'signet-configuration-'))
})
afterAll(async () => {
  await cli.remove()
  await world.drop()
  await rm(folder, { recursive: true, force: true })
})

async function fileOf (name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

/** What a slow machine says besides. */
function withoutProgress ({ exitCode, stdout, stderr }: CliRun): Pick<CliRun, 'exitCode' | 'stdout' | 'stderr'> {
  return { exitCode, stdout, stderr: stderr.replace(/^signet: (?:making|comparing|writing|verifying) .*\n/gm, '') }
}

describe('signet apply', { timeout: 60_000 }, () => {
  it('ends with 2 for a file that cannot be read, and with 3 for mistakes, all of them by file, line, column and path', async () => {
    const path = await fileOf('mistakes.yaml', 'organizations:\n  org_a: { nmae: A }\nclients:\n  cl_live_x: { organization: org_b, name: X, secret: { from_environment: NOT_SET } }\n')
    const unreachable = await createCli({ DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/none', MASTER_KEY: masterKey, DATABASE_WAIT_SECONDS: '0' })
    const [missing, mistaken, away, sound] = await Promise.all([cli('apply', 'not-there.yaml'), cli('apply', path), unreachable('apply', path), unreachable('apply', await fileOf('sound.yaml', '{}'))])
    await unreachable.remove()
    expect(missing).toMatchObject({ exitCode: 2, stdout: '', stderr: 'signet: The configuration file not-there.yaml cannot be read (ENOENT). Give the path of a file that is there.\n' })
    const own = [
      `${path}:2:3: organizations.org_a: The member name is missing.`,
      `${path}:2:12: organizations.org_a.nmae: There is no such member. Did you mean name?`,
      `${path}:4:74: clients.cl_live_x.secret.from_environment: The environment variable NOT_SET is not set. Set it to the secret.`
    ]
    const reference = `${path}:4:30: clients.cl_live_x.organization: There is no organization org_b, neither in this file nor in the database. Did you mean org_a?`
    const head = (count: number): string => `signet: There are ${count} mistakes in ${path}. Nothing was changed: correct the file and apply it again.`
    expect(withoutProgress(mistaken)).toMatchObject({ exitCode: 3, stdout: '', stderr: `${[head(4), own[0], own[1], reference, own[2]].join('\n')}\n` })
    expect(withoutProgress(away)).toMatchObject({ exitCode: 3, stdout: '', stderr: `${[head(3), ...own].join('\n')}\n` })
    expect(sound).toMatchObject({ exitCode: 4, stdout: '' })
  })

  it('says what it would do, does it, and then has nothing to do; the file may come from standard input', async () => {
    const text = sample.replace('value: only-for-local-stacks-0123456789', 'from_environment: PARTNER_SECRET')
    const dry = await cli.withInput(text, 'apply', '-', '--dry-run')
    expect(withoutProgress(dry)).toMatchObject({ exitCode: 0, stderr: 'signet: nothing was changed; it would be: 7 created, 0 changed, 0 removed\n' })
    expect(dry.stdout).toMatch(/^\+ organization org_samplegames: "Sample Games"\n[^]*\n {4}It has no secret yet\. [^]*\n\+ secret cl_live_samplebackend: imported\n$/)
    expect((await world.state()).organizations).toEqual([])
    const path = await fileOf('signet.yaml', text)
    const applied = await cli('apply', path)
    expect(withoutProgress(applied)).toMatchObject({ exitCode: 0, stdout: dry.stdout, stderr: 'signet: applied: 7 created, 0 changed, 0 removed\n' })
    const again = await cli('apply', path, '--json')
    expect({ ...withoutProgress(again), stdout: JSON.parse(again.stdout) as unknown }).toMatchObject({
      exitCode: 0, stdout: { file: path, dry_run: false, changed: false, changes: [], kept: [], warnings: [] }, stderr: 'signet: nothing to do: the database is as the file says\n'
    })
    expect(JSON.stringify(cli.transcript())).not.toContain('the-secret-of-the-partner')
  })

  it('removes nothing without a terminal to ask on, but with --yes', async () => {
    const path = await fileOf('less.yaml', sample.slice(0, sample.indexOf('  cl_test_api:')))
    const kept = await cli('apply', path, '--json')
    expect(JSON.parse(kept.stdout)).toMatchObject({ changed: true, kept: [{ kind: 'client', id: 'cl_test_api' }] })
    expect(kept.stderr).toContain('signet: The client cl_test_api left the file; it is kept. --prune removes it.\n')
    const [dry, refused] = await Promise.all([cli('apply', path, '--prune', '--dry-run'), cli('apply', path, '--prune')])
    expect(dry).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^- client cl_test_api: "The API itself"\n {4}It gets no tokens any more/) as unknown })
    expect(refused).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('there is no terminal to ask on') as unknown })
    expect((await world.state()).clients).toHaveLength(2)
    expect(await cli('apply', path, '--prune', '--yes')).toMatchObject({ exitCode: 0, stdout: dry.stdout })
    expect((await world.state()).clients).toHaveLength(1)
  })
})

describe('a secret of the file that was revoked with --override', { timeout: 240_000 }, () => {
  it('stays revoked through --prune and the older file; --release gives its client to the command line', async () => {
    await world.clear()
    const path = await fileOf('signet.yaml', sample.replace('value: only-for-local-stacks-0123456789', 'from_environment: PARTNER_SECRET'))
    const empty = await fileOf('empty.yaml', '{}')
    const states = async (): Promise<unknown> => await cli.json('secret', 'list', 'cl_live_samplebackend')
    expect((await cli('apply', path)).exitCode).toBe(0)
    const [{ id } = { id: '' }] = [...(await world.state()).clients.find((each) => each.id === 'cl_live_samplebackend')?.secrets.values() ?? []]
    await cli.record('secret', 'revoke', id, '--override')
    const pruned = await cli('apply', empty, '--prune', '--yes')
    expect(pruned).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('= client cl_live_samplebackend: released to the command line\n') as unknown })
    expect(pruned.stderr).toContain('signet: The client cl_live_samplebackend left the file; its secret was revoked by hand, so it is kept, and belongs to the command line from now on.\n')
    expect(pruned.stderr).toContain('signet: applied: 0 created, 0 changed, ')
    expect((await cli('apply', path)).stderr).toContain('The secret of cl_live_samplebackend in the file was revoked by hand and stays so.')
    expect(await states()).toMatchObject([{ secret_id: id, state: 'revoked', managed_by: 'signet' }])

    expect(await cli('apply', empty, '--prune', '--release')).toMatchObject({ exitCode: 2, stdout: '' })
    expect(await cli('apply', empty, '--release')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('= client cl_live_samplebackend: released') as unknown })
    expect((await cli('client', 'delete', 'cl_live_samplebackend', '--yes')).exitCode).toBe(0)
  })
})

describe('a crash in the middle of signet apply', { timeout: 120_000 }, () => {
  const many = (name: string, count: number): string => JSON.stringify({
    organizations: { org_many: { name } },
    clients: Object.fromEntries(Array.from({ length: count }, (_, index) => [`cl_live_many${index}`, { organization: 'org_many', name, scopes: [] }]))
  })

  /** Seen by another connection than the one that holds a row: a transaction sees the same sessions to its end. */
  async function commands (): Promise<readonly { readonly query: string, readonly waits: boolean, readonly writes: boolean }[]> {
    return await world.database.$queryRaw`
      SELECT query, wait_event_type IS NOT DISTINCT FROM 'Lock' AS waits, backend_xid IS NOT NULL AS writes
      FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'signet cli'`
  }

  beforeAll(async () => { await world.clear() })

  it('changes nothing: killed while it waits for its last row, and at any other moment', async () => {
    const [first, second] = [await fileOf('first.json', many('First', 1_500)), await fileOf('second.json', many('Second', 1_000))]
    expect((await cli('apply', first, '--prune', '--yes')).exitCode).toBe(0)
    let before = await world.state()
    const other = new pg.Client({ connectionString: world.url })
    await other.connect()

    await other.query("BEGIN; SELECT FROM clients WHERE id = 'cl_live_many1499' FOR UPDATE")
    const killed = await cli.during(async (kill) => {
      while (!(await commands()).some(({ query, waits }) => waits && /^DELETE FROM \S+clients/.test(query))) await pause(20)
      kill('SIGKILL')
    }, 'apply', second, '--prune', '--yes')
    expect(killed).toMatchObject({ exitCode: null, stdout: '' })
    await other.query('COMMIT')
    await other.end()
    while ((await commands()).length > 0) await pause(20)
    expect(await world.state()).toEqual(before)

    for (const longest of [50, 250, 450]) {
      const file = before.clients.length === 1_500 ? second : first // the same again would write nothing
      await cli.during(async (kill) => {
        while (kill(0) && !(await commands()).some(({ writes }) => writes)) await pause(5)
        await pause(randomInt(longest))
        kill('SIGKILL')
      }, 'apply', file, '--prune', '--yes')
      while ((await commands()).length > 0) await pause(20)
      const after = await world.state()
      const names = new Set([...after.organizations, ...after.clients].map(({ name }) => name))
      expect(names.size, 'either the one file or the other').toBe(1)
      expect(after.clients).toHaveLength(names.has('First') ? 1_500 : 1_000)
      if (names.has(before.organizations[0]?.name ?? '')) expect(after).toEqual(before)
      before = after
    }
    expect((await cli('apply', second, '--prune', '--yes')).exitCode).toBe(0)
    expect((await world.state()).clients).toHaveLength(1_000)
  })
})
