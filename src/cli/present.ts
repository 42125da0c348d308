/** How states, times and owners of several nouns are shown. */
import type { Json } from './output.ts'

export function stateOf ({ disabledAt }: { readonly disabledAt: Date | null }): 'enabled' | 'disabled' {
  return disabledAt === null ? 'enabled' : 'disabled'
}

export function timeOf (time: Date | null): string | null {
  return time === null ? null : time.toISOString()
}

/** What is so usual that a table need not say it of every row; JSON does. */
const usual: Readonly<Record<string, unknown>> = { state: 'enabled', deprecated: false, managed_by: null, disabled_at: null, revoked_at: null, kind: 'generated' }

/** @param others columns that are shown only where they tell something of some row */
export function columnsOf (rows: readonly Json[], columns: readonly string[], others: readonly string[]): readonly string[] {
  return [...columns, ...others.filter((name) => rows.some((row) => row[name] !== usual[name]))]
}
