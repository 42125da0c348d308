/** How states and times of several nouns are shown. */
export function stateOf ({ disabledAt }: { readonly disabledAt: Date | null }): 'enabled' | 'disabled' {
  return disabledAt === null ? 'enabled' : 'disabled'
}

export function timeOf (time: Date | null): string | null {
  return time === null ? null : time.toISOString()
}
