import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { loadConfig } from '../../src/config.ts'
import { prepare } from '../../src/setup/prepare.ts'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { createCli, type Cli } from './cli-process.ts'
import { whileWritesWait } from './waiting-writes.ts'

const masterKey = 'c2'.repeat(32)
let database: TestDatabase
let cli: Cli

beforeAll(async () => {
  database = await createTestDatabase()
  const config = loadConfig({ DATABASE_URL: database.url, MASTER_KEY: masterKey })
  await prepare({ config, url: database.url, embedded: false, clock: systemClock, progress: () => {} })
  cli = await createCli({ DATABASE_URL: database.url, MASTER_KEY: masterKey })
})
afterAll(async () => {
  await cli.remove()
  await database.drop()
})

/** Nothing is read from where nothing listens, so a usage error that reached the database would end with 4. */
const nowhere = { DATABASE_URL: 'postgresql://nobody:hunter2@127.0.0.1:9/none', MASTER_KEY: masterKey, DATABASE_WAIT_SECONDS: '0' }

async function allWith (exitCode: number, commands: readonly (readonly string[])[]): Promise<readonly string[]> {
  const unreachable = await createCli(nowhere)
  const runs = await Promise.all(commands.map((command) => unreachable(...command)))
  await unreachable.remove()
  expect(runs.map((run, index) => ({ command: commands[index], exitCode: run.exitCode, stdout: run.stdout })))
    .toEqual(commands.map((command) => ({ command, exitCode, stdout: '' })))
  return runs.map(({ stderr }) => stderr)
}

describe('usage errors end with exit code 2 before any database is opened', { timeout: 60_000 }, () => {
  it('for commands and options that do not exist, are missing or contradict each other', async () => {
    const sentences = await allWith(2, [
      ['nonsense'], ['organization', 'nonsense'], ['organization', 'create'], ['organization', 'list', 'extra'], ['client', 'show'],
      ['client', 'list', '--nonsense'], ['secret', 'add', 'cl_live_x', '--expires-in', '1d', '--expires-at', '2099-01-01'],
      ['scope', 'update', 'a', '--default', '--no-default'], ['scope', 'update', 'a', '--no-deprecated', '--deprecated'], ['organization', 'create', '--name', 'A', '--name', 'B']
    ])
    expect(sentences.slice(-3).map((sentence) => sentence.split('\n')[0])).toEqual([
      'signet: --default and --no-default contradict each other', 'signet: --no-deprecated and --deprecated contradict each other', 'signet: --name was given twice, with different values'
    ])
    expect(sentences[0]).toBe("signet: unknown command 'nonsense'\n(add --help for an explanation)\n")
    expect(sentences[2]).toMatch(/^signet: required option '--name <name>' not specified$/m)
  })

  it('for values that no option takes', async () => {
    const create = ['client', 'create', '--name', 'A client']
    const resource = ['resource', 'create', '--name', 'A resource', '--identifier']
    const scope = ['scope', 'create', '--resource', 'https://api.example.com', '--description', 'A scope', '--name']
    await allWith(2, [
      [...create, '--environment', 'staging'], [...create, '--grant', 'password'], [...create, '--scope', 'a  b'], [...create, '--scope', ''], [...create, '--scope', 'a"b'],
      [...resource, '/relative'], [...resource, 'api.example.com'], [...resource, 'https://api.example.com/#fragment'], [...resource, 'https:///path'], [...resource, 'https://api.example.com/a b'],
      [...scope, 'two words'], [...scope, 'quote"'], [...scope, 'x'.repeat(129)],
      ['secret', 'add', 'cl_live_x', '--expires-in', 'soon'], ['secret', 'add', 'cl_live_x', '--expires-in', '999999w'], ['secret', 'add', 'cl_live_x', '--expires-at', '2099-02-30'],
      ['secret', 'add', 'cl_live_x', '--expires-at', '2099-01-01T00:00']
    ])
  })

  it('for names that are empty, too long, padded, or hold control or invisible characters, which are not printed either', async () => {
    const names = ['', 'x'.repeat(101), ' padded', 'bell\u0007', 'escape\u001b[2J', 'line\nbreak', 'delete\u007f', 'csi\u009b2J', 'right\u202eleft', 'zero\u200bwidth']
    const sentences = await allWith(2, names.map((name) => ['organization', 'create', '--name', name]))
    for (const sentence of sentences) expect(sentence).toMatch(/^signet: [^\p{Cc}\p{Cf}]+\n(?:[^\p{Cc}\p{Cf}]+\n)*$/u)
  })
})

describe('what is given is repeated', { timeout: 60_000 }, () => {
  it('with 100 characters at most, and on one line', async () => {
    const long = 'x'.repeat(10_000)
    const [unknown, name, option, broken, missing] = await allWith(2, [[long], ['organization', 'create', '--name', long], ['client', 'list', `--organization=${long}`], ['two\nlines\u001b[2J'], ['apply', `a\nb${long}`]])
    for (const sentence of [unknown, name, option]) expect(sentence).toMatch(/^signet: [^\n]*[^x]x{100}…[^\n]*\n/)
    expect(broken).toBe("signet: unknown command 'two\uFFFDlines\uFFFD[2J'\n(add --help for an explanation)\n")
    expect(missing).toMatch(/^signet: The configuration file a\uFFFDbx{97}… cannot be read [^\n]+\n$/)
  })

  it('never if it is a secret, which is said to be leaked, with how to revoke it', async () => {
    const [id, secret] = ['0123456789abcdef', `sgs_live_0123456789abcdef_${'A'.repeat(43)}_${'B'.repeat(22)}`]
    const leaked = `signet: a client secret was given where none belongs, so the history of the shell has it: treat it as leaked. Give the client another one, and then: signet secret revoke ${id}\n`
    const [command, option, cut] = await allWith(2, [[secret], ['client', 'list', `--expires-in=${secret}`], [`sgs_test_${'x'.repeat(200)}`]])
    expect(command).toBe(`signet: unknown command '[redacted]'\n${leaked}(add --help for an explanation)\n`)
    expect(option).toBe(`signet: unknown option '--expires-in=[redacted]'\n${leaked}(add --help for an explanation)\n`)
    expect(cut).toMatch(/^signet: unknown command '\[redacted\]'\nsignet: a client secret [^\n]+ signet secret revoke SECRET-ID\n/)
    const runs = await Promise.all([cli('client', 'show', secret), cli('scope', 'list', '--resource', secret), cli('organization', 'show', secret)])
    for (const { stderr } of runs) expect(stderr).toMatch(/^signet: There is no \w+ [^\n]*\[redacted\][^\n]*\nsignet: a client secret was given/)
    for (const { stderr } of runs) expect(stderr).not.toContain('sgs_')
  })
})

describe('a request that cannot be met ends with exit code 3 and one sentence that says where to look', { timeout: 60_000 }, () => {
  it('for organizations, resources, scopes, clients and secrets that do not exist', async () => {
    await cli.record('organization', 'create', '--name', 'Sample Games')
    const runs = await Promise.all([
      cli('client', 'create', '--name', 'A client', '--organization', 'Nobody'),
      cli('client', 'create', '--name', 'A client', '--scope', 'unknown:scope'),
      cli('client', 'create', '--name', 'A client', '--resource-server', 'https://nobody.example.com'),
      cli('scope', 'create', '--name', 'a', '--resource', 'https://nobody.example.com', '--description', 'x'),
      cli('client', 'disable', 'cl_live_nobody'),
      cli('secret', 'add', 'cl_live_nobody'),
      cli('secret', 'revoke', 'nothing')
    ])
    expect(runs.map(({ exitCode, stdout }) => ({ exitCode, stdout }))).toEqual(runs.map(() => ({ exitCode: 3, stdout: '' })))
    for (const { stderr } of runs) expect(stderr).toMatch(/^signet: There is no .+\n$/)
    expect((await cli.json('client', 'list'))).toEqual([])
  })
})

describe('a database that is away ends with exit code 4 and one sentence', { timeout: 60_000 }, () => {
  it('when nothing listens, without showing the password', async () => {
    const [sentence] = await allWith(4, [['client', 'list']])
    expect(sentence).toMatch(/^signet: The PostgreSQL at 127\.0\.0\.1:9 .+\n$/)
    expect(sentence).not.toContain('hunter2')
  })

  it('when it is named in .env, which the environment overrides', async () => {
    const [named, overridden] = await Promise.all([{}, nowhere].map((environment) => createCli(environment, { dotenv: 'DATABASE_URL=postgresql://nobody@127.0.0.1:7/none\nDATABASE_WAIT_SECONDS=0\n' })))
    const runs = await Promise.all([named?.('client', 'list'), overridden?.('client', 'list')])
    await Promise.all([named?.remove(), overridden?.remove()])
    expect(runs).toMatchObject(['127.0.0.1:7', '127.0.0.1:9'].map((address) => ({ exitCode: 4, stderr: expect.stringContaining(address) as unknown })))
  })

  it('when it goes away while a command waits for it', async () => {
    const victim = await createTestDatabase()
    const affected = await createCli({ DATABASE_URL: victim.url, MASTER_KEY: masterKey })
    const { exitCode, stderr } = await whileWritesWait(victim.url, (waiting) => affected.during(async () => {
      await waiting()
      await victim.drop()
    }, 'organization', 'create', '--name', 'Unlucky'))
    await affected.remove()
    expect(exitCode).toBe(4)
    expect(stderr).toMatch(/^signet: The PostgreSQL at [^\n]+\n$/m)
  })
})

describe('signals', { timeout: 60_000 }, () => {
  it('end a command that waits with the exit code of the signal', async () => {
    const { exitCode, stdout, stderr } = await whileWritesWait(database.url, (waiting) => cli.during(async (kill) => {
      await waiting()
      kill('SIGTERM')
    }, 'organization', 'create', '--name', 'Interrupted'))
    expect({ exitCode, stdout }).toEqual({ exitCode: 143, stdout: '' })
    expect(stderr).toMatch(/^signet: Interrupted\./m)
  })
})

describe('what is unexpected', { timeout: 60_000 }, () => {
  it('is one sentence, with details for LOG_LEVEL=debug only', async () => {
    const verbose = await createCli({ DATABASE_URL: database.url, MASTER_KEY: masterKey, LOG_LEVEL: 'debug' })
    await execute(database, 'ALTER TABLE organizations RENAME COLUMN name TO broken')
    const [sentence, details] = await Promise.all([cli('organization', 'list'), verbose('organization', 'list')])
    await execute(database, 'ALTER TABLE organizations RENAME COLUMN broken TO name')
    await verbose.remove()
    expect(sentence).toMatchObject({ exitCode: 1, stdout: '' })
    expect(sentence.stderr).toMatch(/^signet: Something unexpected went wrong \(.+\)\. Set LOG_LEVEL=debug to see the details\.\n$/)
    expect(details.stderr).toMatch(/\n {4}at /)
  })

  it('a wrong master key is named as the cause', async () => {
    const other = await createCli({ DATABASE_URL: database.url, MASTER_KEY: 'c3'.repeat(32) })
    const { exitCode, stderr } = await other('client', 'list')
    await other.remove()
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^signet: The master key is not the one of this database/)
  })
})

async function execute ({ url }: TestDatabase, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(statement)
  await client.end()
}
