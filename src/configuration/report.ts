/** A plan as people and programs read it. It holds no secret. */
import type { Action, Change, Plan } from './changes.ts'

const signs: Readonly<Record<Action, string>> = { create: '+', update: '~', remove: '-' }

/** One line for each change, with its consequences below it. */
export function reportLines ({ changes }: Plan): readonly string[] {
  return changes.flatMap((change) => [lineOf(change), ...change.consequences.map((sentence) => `    ${sentence}`)])
}

/** What is worth knowing beside the changes. */
export function remarks ({ kept, warnings }: Plan): readonly string[] {
  return [...warnings, ...kept.map(({ kind, id }) => `The ${kind} ${id} left the file; it is kept. --prune removes it.`)]
}

export function lineOf ({ action, kind, id, details }: Change): string {
  return `${signs[action]} ${kind} ${id}${details.length === 0 ? '' : `: ${details.join(', ')}`}`
}

export function countChanges ({ changes }: Plan): string {
  const count = (action: Action): number => changes.filter((change) => change.action === action).length
  return `${count('create')} created, ${count('update')} changed, ${count('remove')} removed`
}

export function reportJson (file: string, { changes, kept, warnings }: Plan, isDryRun: boolean): Readonly<Record<string, unknown>> {
  return { file, dry_run: isDryRun, changed: changes.length > 0, changes, kept, warnings }
}
