/** Why something is stopped: for the audit record, which names who did it by itself. */
import type { Command } from 'commander'
import { readDescription } from './arguments.ts'

export interface ReasonOption { readonly reason?: string }

export function addReasonOption (command: Command): Command {
  return command.option('--reason <text>', 'why, for the audit record; 1 to 200 printable characters', readDescription)
}
