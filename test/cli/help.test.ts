import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { variables } from '../../src/cli/help.ts'
import { environmentSchema } from '../../src/config.ts'
import { createCli, type Cli } from './cli-process.ts'

const verbs = ['create', 'list', 'show', 'update', 'disable', 'enable', 'delete']
const nouns = {
  organization: verbs,
  resource: verbs,
  scope: verbs,
  client: verbs,
  secret: ['add', 'list', 'show', 'update', 'disable', 'enable', 'revoke', 'delete'],
  key: ['list'],
  token: ['inspect'],
  revoke: ['token', 'index', 'secret', 'key', 'client', 'organization'],
  audit: ['list'],
  apply: [],
  export: [],
  migrate: ['status'],
  backup: [],
  restore: [],
  doctor: [],
  completion: []
}

let cli: Cli
beforeAll(async () => { cli = await createCli() })
afterAll(async () => { await cli.remove() })

describe('help', { timeout: 60_000 }, () => {
  it('explains the whole with examples, environment variables and exit codes', async () => {
    const { exitCode, stdout, stderr } = await cli('--help')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    for (const noun of Object.keys(nouns)) expect(stdout).toMatch(new RegExp(`^ {2}${noun} +\\S`, 'm'))
    expect(stdout).toMatch(/^Examples:\n {2}signet organization create /m)
    for (const [name] of variables) expect(stdout).toMatch(new RegExp(`^ {2}${name} +\\S`, 'm'))
    for (const code of [0, 1, 2, 3, 4]) expect(stdout).toMatch(new RegExp(`^ {2}${code} +\\S`, 'm'))
  })

  it('names only environment variables that there are', () => {
    expect(Object.keys(environmentSchema.properties)).toEqual(expect.arrayContaining(variables.map(([name]) => name)))
  })

  it('has an example of itself for every command, and the exit codes, in the 80 columns of a usual terminal', async () => {
    const commands = Object.entries(nouns).flatMap(([noun, verbs]) => [[noun], ...verbs.map((verb) => [noun, verb])])
    const runs = await Promise.all(commands.map((command) => cli(...command, '--help')))
    for (const [index, command] of commands.entries()) {
      expect(runs[index]).toMatchObject({ exitCode: 0, stderr: '' })
      expect(runs[index]?.stdout).toMatch(new RegExp(`^Examples:\n(?: {2}.+\n)*? {2}signet ${command.join(' ')}\\b`, 'm'))
      expect(runs[index]?.stdout).toMatch(/^Exit codes: 0 done, 1 failed, 2 usage, 3 refused, 4 database away\.$/m)
      for (const line of runs[index]?.stdout.split('\n') ?? []) expect(line.length, line).toBeLessThanOrEqual(80)
    }
  })

  it('is shown on standard error with exit code 2 when no command is given', async () => {
    const { exitCode, stdout, stderr } = await cli()
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toMatch(/^Usage: signet /)
  })

  it('is told apart from the version, which is that of the package', async () => {
    const manifest: unknown = JSON.parse(await readFile(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'))
    const { exitCode, stdout } = await cli('--version')
    expect({ exitCode, version: stdout.trim() }).toMatchObject({ exitCode: 0, version: (manifest as { version: string }).version }) // npm's format
  })
})
