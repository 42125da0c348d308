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

const minuteMillis = 60_000
const spans = [['day', 1_440 * minuteMillis], ['hour', 60 * minuteMillis], ['minute', minuteMillis]] as const

/** As `3 minutes`, rounded down; a moment is no number. */
export function spanOf (millis: number): string {
  for (const [noun, unit] of spans) {
    // 36 hours say more than a day.
    if (millis >= unit * (noun === 'day' ? 2 : 1)) return counted(Math.floor(millis / unit), noun)
  }
  return 'less than a minute'
}
