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

/** How many characters to add, remove or replace (Levenshtein). */
function distanceBetween (one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= other.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (one[row - 1] === other[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[other.length] ?? 0
}
