/** One line of what a doctor says. */
export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'problem' | 'not checked'
  readonly found: string
  /** What to do about it. */
  readonly advice: string | null
}

export function ok (check: string, found: string): Finding {
  return { check, state: 'ok', found, advice: null }
}

/** Something that works, and that the operator would rather know. */
export function warning (check: string, found: string, advice: string): Finding {
  return { check, state: 'warning', found, advice }
}

export function problem (check: string, found: string, advice: string): Finding {
  return { check, state: 'problem', found, advice }
}

export function notChecked (check: string, because: string): Finding {
  return { check, state: 'not checked', found: because, advice: null }
}
