/** When a secret or a key ends, as it is typed. */
import { Option, type Command } from 'commander'
import { exitCodes, OperatorError } from '../operator-error.ts'
import { readDuration, readTime } from './arguments.ts'

export interface ExpiryOptions {
  /** Milliseconds. */
  readonly expiresIn?: number
  readonly expiresAt?: Date
  readonly neverExpires?: true
}

/** @param otherwise what is the case without them */
export function addExpiryOptions (command: Command, otherwise: string): Command {
  return command
    .addOption(new Option('--expires-in <duration>', `how long it is valid from now: a number and s, m, h, d or w${otherwise}`).argParser(readDuration).conflicts('expiresAt'))
    .addOption(new Option('--expires-at <time>', 'when it ends: a date (UTC) or a time with its offset, ISO 8601').argParser(readTime))
}

/** @throws OperatorError `usage` for a time that has passed */
export function chooseExpiry ({ expiresIn, expiresAt }: ExpiryOptions, now: number): Date | null {
  if (expiresIn !== undefined) return new Date(now + expiresIn)
  if (expiresAt === undefined) return null
  if (expiresAt.getTime() <= now) throw new OperatorError('--expires-at is in the past: give a time to come.', { exitCode: exitCodes.usage })
  return expiresAt
}
