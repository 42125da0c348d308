/** How sentences count and list. Pure. */

/** As `2 clients`, with a number that may be none. */
export function counted (count: number, noun: string): string {
  return `${count === 0 ? 'no' : count} ${noun}${count === 1 ? '' : 's'}`
}

const mostListed = 10

/** The first few by name, and how many more there are. */
export function listed (names: readonly string[]): string {
  const shown = names.slice(0, mostListed).join(', ')
  return names.length > mostListed ? `${shown} and ${names.length - mostListed} more` : shown
}
