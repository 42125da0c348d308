import type { Plan } from '../../src/configuration/changes.ts'
import { remarks, reportLines } from '../../src/configuration/report.ts'

/** What an operator reads. */
export function said (plan: Plan): readonly string[] {
  return [...reportLines(plan).map((line) => line.trim()), ...remarks(plan)]
}

export const organizations = 'organizations: { org_a: { name: A } }\n'
export const resources = 'resources: { https://a.example: { name: A, scopes: { read: { description: R, default: true }, write: { description: W } } } }\n'
export const client = (members: string): string => `clients: { cl_live_x: { organization: org_a, name: X${members === '' ? '' : `, ${members}`} } }\n`
export const irreversible = 'This cannot be undone.'
export const offline = (longest: string): string => `an API that verifies on its own believes them until they expire, within ${longest}.`
