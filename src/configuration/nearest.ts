/** "Did you mean": the one of several names that is only a slip away from what was written. */
const maxCandidates = 2_000
const maxLength = 64

/** @returns a question to append to a sentence, or nothing */
export function didYouMean (written: string, names: Iterable<string>): string {
  const near = nearest(written, names)
  return near === undefined ? '' : ` Did you mean ${near}?`
}

function nearest (written: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.min(4, Math.floor(written.length / 3)) + 1
  let looked = 0
  for (const name of names) {
    if ((looked += 1) > maxCandidates || written.length > maxLength) return best
    if (Math.abs(name.length - written.length) >= bestDistance) continue
    const distance = distanceBetween(written.toLowerCase(), name.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [name, distance]
  }
  return best
}

/** How many characters to add, remove, replace or swap with the next one (optimal string alignment). */
function distanceBetween (one: string, other: string): number {
  const rows = [Array.from({ length: other.length + 1 }, (_, index) => index)]
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Infinity
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row]
    rows.push(current)
    for (let column = 1; column <= other.length; column += 1) {
      const [letter, opposite] = [one[row - 1], other[column - 1]]
      const isSwapped = letter === other[column - 2] && one[row - 2] === opposite
      current.push(Math.min(
        at(row - 1, column - 1) + (letter === opposite ? 0 : 1), at(row - 1, column) + 1, at(row, column - 1) + 1,
        isSwapped ? at(row - 2, column - 2) + 1 : Infinity
      ))
    }
  }
  return at(one.length, other.length)
}
