/** A plan as people and programs read it. It holds no secret, and nothing that could move a terminal's cursor. */
import { printable } from '../names.ts'
import type { Action, Change, Kept, Plan } from './changes.ts'

const signs: Readonly<Record<Action, string>> = { create: '+', update: '~', remove: '-', release: '=' }

/** One line for each change, with its consequences below it. */
export function reportLines ({ changes }: Plan): readonly string[] {
  return changes.flatMap((change) => [lineOf(change), ...change.consequences.map((sentence) => `    ${printable(sentence)}`), ...change.irreversible ? ['    This cannot be undone.'] : []])
}

/** What is worth knowing beside the changes. */
export function remarks ({ kept, warnings }: Plan): readonly string[] {
  return [...warnings, ...kept.map(sentenceOf)].map(printable)
}

function sentenceOf ({ kind, id, reason }: Kept): string {
  const what = kind === 'secret' ? `The secret of the client ${id}` : `The ${kind} ${id}`
  if (reason === null) return `${what} left the file; it is kept. --prune removes it.`
  return `${what} left the file; ${reason}, so it is kept, and belongs to the command line from now on.`
}

export function lineOf ({ action, kind, id, details }: Change): string {
  return printable(`${signs[action]} ${kind} ${id}${details.length === 0 ? '' : `: ${details.join(', ')}`}`)
}

export function countChanges ({ changes }: Plan): string {
  const count = (action: Action): number => changes.filter((change) => change.action === action).length
  const released = count('release')
  return `${count('create')} created, ${count('update')} changed, ${count('remove')} removed${released === 0 ? '' : `, ${released} released`}`
}

export function reportJson (file: string, { changes, kept, warnings }: Plan, isDryRun: boolean): Readonly<Record<string, unknown>> {
  return { file, dry_run: isDryRun, changed: changes.length > 0, changes, kept, warnings }
}
