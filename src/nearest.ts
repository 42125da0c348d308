/** The one of several names that is only a slip away from what was written. Pure. */
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
    const distance = distanceBetween(written.toLowerCase(), name.toLowerCase(), bestDistance)
    if (distance < bestDistance) [best, bestDistance] = [name, distance]
  }
  return best
}

/**
 * How many characters to add, remove, replace or swap with the next one (optimal string alignment).
 * @param limit from which on it does not matter how far they are apart
 */
export function distanceBetween (one: string, other: string, limit = Infinity): number {
  const [written, name] = withoutCommonEnds(one, other)
  let beforeLast: readonly number[] = []
  let last: readonly number[] = Array.from({ length: name.length + 1 }, (_, index) => index)
  for (let row = 1; row <= written.length; row += 1) {
    const current = [row]
    let least = row
    for (let column = 1; column <= name.length; column += 1) {
      const isSame = written[row - 1] === name[column - 1]
      const isSwapped = row > 1 && column > 1 && written[row - 1] === name[column - 2] && written[row - 2] === name[column - 1]
      const cost = Math.min(
        (last[column - 1] ?? 0) + (isSame ? 0 : 1), (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1,
        isSwapped ? (beforeLast[column - 2] ?? 0) + 1 : Infinity
      )
      current.push(cost)
      least = Math.min(least, cost)
    }
    if (least > limit) return least // a swap reaches back two rows, but costs one
    beforeLast = last
    last = current
  }
  return last[name.length] ?? 0
}

function withoutCommonEnds (one: string, other: string): readonly [string, string] {
  const shorter = Math.min(one.length, other.length)
  let start = 0
  while (start < shorter && one[start] === other[start]) start += 1
  let end = 0
  while (end < shorter - start && one[one.length - 1 - end] === other[other.length - 1 - end]) end += 1
  return [one.slice(start, one.length - end), other.slice(start, other.length - end)]
}
