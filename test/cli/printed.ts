/** What commands print and what the database then holds. */
import pg from 'pg'
import { expect } from 'vitest'
import type { Cli, CliRun } from './cli-process.ts'

export const text = (pattern: RegExp): unknown => expect.stringMatching(pattern)

export async function sql (url: string, statement: string): Promise<Readonly<Record<string, unknown>>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}

export function expectTable (run: CliRun, ...lines: readonly RegExp[]): void {
  expect(run.exitCode).toBe(0)
  for (const line of lines) expect(run.stdout).toMatch(line)
}

export function secretIn (run: CliRun): string {
  return /^client_secret +(\S+)$/m.exec(run.stdout)?.[1] ?? ''
}

/** Each of the commands succeeded with --json and without. */
export function expectBothForms (cli: Cli, commands: readonly string[]): void {
  for (const command of commands) {
    const runs = cli.transcript().filter(({ parameters, exitCode }) => exitCode === 0 && `${parameters.join(' ')} `.startsWith(`${command} `))
    expect(new Set(runs.map(({ parameters }) => parameters.includes('--json'))), command).toEqual(new Set([true, false]))
  }
}

/** Nothing that was ever printed is a hash, a verifier, an envelope or a private key. @returns how many of them there are */
export async function expectNothingStored (cli: Cli, url: string): Promise<number> {
  const stored = await sql(url, 'SELECT hash AS value FROM client_secrets UNION SELECT verifier FROM client_secrets UNION SELECT sealed_private_key FROM signing_keys UNION SELECT envelope FROM sealed_values')
  const values = stored.map(({ value }) => value).filter((value) => typeof value === 'string')
  const everything = cli.transcript().map(({ stdout, stderr }) => stdout + stderr).join('')
  for (const value of values) expect(everything).not.toContain(value)
  expect(everything).not.toMatch(/\$argon2|PRIVATE KEY|v1\.[\w-]+\.[\w-]+\./)
  return values.length
}
