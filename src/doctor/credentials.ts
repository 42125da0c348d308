/** Secrets and registered keys that clients use, and that end. */
import { endingWindow } from '../credential-usage/expiring.ts'
import { createCredentialUsageStore, type EndingCredential } from '../credential-usage/store.ts'
import type { Database } from '../db.ts'
import { listed } from '../phrases.ts'
import { notChecked, ok, problem, warning, type Finding } from './finding.ts'

export const credentialsCheck = 'credentials in use'

interface CredentialDependencies {
  /** Whether the schema is the one that this version reads. */
  readonly isUpToDate: boolean
  readonly now: number
}

export async function examineCredentials (database: Database, { isUpToDate, now }: CredentialDependencies): Promise<Finding[]> {
  if (!isUpToDate) return [notChecked(credentialsCheck, 'the schema is not that of this version')]
  let ending: EndingCredential[]
  try {
    ending = await createCredentialUsageStore(database).readEnding(endingWindow(now))
  } catch (error) {
    return [problem(credentialsCheck, `what is in use could not be read (${error instanceof Error ? error.name : String(error)})`, 'See the log of the database.')]
  }
  const expired = ending.filter(({ expiresAt }) => expiresAt.getTime() <= now)
  const soon = ending.filter(({ expiresAt }) => expiresAt.getTime() > now)
  const findings = [
    ...describe(expired, 'has expired, and its client has used nothing else since', 'have expired, and their clients have used nothing else since'),
    ...describe(soon, 'expires within 14 days', 'expire within 14 days')
  ]
  return findings.length === 0 ? [ok(credentialsCheck, 'none that was used within 30 days expires within 14 days')] : findings
}

const advice = 'Give the client another one with signet secret add or signet client keygen, or a later end with signet secret update.'

function describe (ending: readonly EndingCredential[], one: string, several: string): Finding[] {
  if (ending.length === 0) return []
  const names = ending.map(({ clientId, credential, expiresAt }) => `${credential.replace(':', ' ')} of ${clientId} on ${expiresAt.toISOString().slice(0, 10)}`)
  return [warning(credentialsCheck, `${ending.length} ${ending.length === 1 ? one : several}: ${listed(names)}`, advice)]
}
