/** Are two sets of times of one distribution? Nothing here knows what was timed. */

/** @param {readonly number[]} values @param {number} share 0.5 is the median */
export function quantile (values, share) {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

/**
 * How many standard errors the ranks of the two samples are apart: a test that outliers and the shape of the
 * distribution do not matter to.
 * @see Mann and Whitney, On a Test of Whether one of Two Random Variables is Stochastically Larger than the Other, 1947
 */
export function mannWhitney (one, other) {
  const all = [...one.map((value) => ({ value, isOne: true })), ...other.map((value) => ({ value, isOne: false }))].sort((left, right) => left.value - right.value)
  let [rankSum, ties] = [0, 0]
  for (let start = 0; start < all.length;) {
    let end = start
    while (end < all.length && all[end].value === all[start].value) end += 1
    const count = end - start
    rankSum += all.slice(start, end).filter(({ isOne }) => isOne).length * (start + end + 1) / 2
    ties += count ** 3 - count
    start = end
  }
  const [n, m, total] = [one.length, other.length, all.length]
  const expected = n * (total + 1) / 2
  const deviation = Math.sqrt(n * m / 12 * (total + 1 - ties / (total * (total - 1))))
  return deviation === 0 ? 0 : (rankSum - expected) / deviation
}

/**
 * The same question about the means, once the slowest part of both, which is the machine's doing, is cut off.
 * @see Reparaz, Balasch and Verbauwhede, Dude, is my code constant time?, 2017
 */
export function croppedT (one, other, share = 0.9) {
  const limit = quantile([...one, ...other], share)
  const [left, right] = [one, other].map((values) => {
    const kept = values.filter((value) => value <= limit)
    const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length
    const variance = kept.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (kept.length - 1)
    return { mean, error: variance / kept.length }
  })
  const error = Math.sqrt(left.error + right.error)
  return error > 0 ? (left.mean - right.mean) / error : 0
}
