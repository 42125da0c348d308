/** Who gives a command, as audit records name it. */
import { hostname, userInfo } from 'node:os'
import { isText, maxNameLength, printable, textRule } from '../names.ts'
import { OperatorError } from '../operator-error.ts'

/**
 * @param named with SIGNET_ACTOR, for automation whose user of the system says nothing; that one is named all the same
 * @throws OperatorError for what is no name
 */
export function operatorActor (named: string | undefined): string {
  const user = printable(`${userName()}@${hostname()}`)
  if (named === undefined) return `operator ${user}`
  if (!isText(named, maxNameLength)) throw new OperatorError(`SIGNET_ACTOR is not a name. ${textRule(maxNameLength)}`)
  return `operator ${named} (${user})`
}

/** In a container the user may have a number and no name. */
function userName (): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}
