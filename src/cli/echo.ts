/** What a refusal repeats of the arguments: not at length, on one line, and never a secret. */
import { redact } from '../http/redact.ts'
import { printable } from '../names.ts'

export interface Echo {
  /** The message, fit to be printed. */
  readonly clean: (message: string) => string
  /** What to say besides, when that took a client secret out of the message. */
  readonly leakIn: (message: string) => string | undefined
}

const maxCharacters = 100

/** @param given the arguments of the process */
export function createEcho (given: readonly string[]): Echo {
  const values = given.flatMap((each) => [each, each.slice(each.indexOf('=') + 1)]) // of --name=value, too
  const unfit = values.flatMap((value) => [value, printable(value)])
    .filter((value) => brief(value) !== value)
    .sort((one, other) => other.length - one.length)
  const clean = (message: string): string => redact(unfit.reduce((text, value) => text.replaceAll(value, () => brief(value)), message))
  return {
    clean,
    leakIn (message) {
      const secret = values.map((value) => /sgs_(?:live|test)_([a-z0-9]{16}(?=_))?/.exec(value)).find((found) => found !== null)
      if (secret === undefined || !message.includes(secret[0]) || clean(message).includes(secret[0])) return undefined
      return 'a client secret was given where none belongs, so the history of the shell has it: treat it as leaked. ' +
        `Give the client another one, and then: signet secret revoke ${secret[1] ?? 'SECRET-ID'}`
    }
  }
}

function brief (value: string): string {
  const characters = Array.from(printable(redact(value)))
  return characters.length > maxCharacters ? `${characters.slice(0, maxCharacters).join('')}…` : characters.join('')
}
