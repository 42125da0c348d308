/**
 * One bit for each token, the first in the lowest bit of the first byte.
 * @see [Token Status List §4.1](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-4.1)
 */

export function bitAt (bytes: Uint8Array, index: number): boolean {
  return ((bytes[index >> 3] ?? 0) >> (index & 7) & 1) === 1
}

/** Sets every bit from the first index to the last one. */
export function setBits (bytes: Uint8Array, first: number, last: number): void {
  const [firstByte, lastByte] = [first >> 3, last >> 3]
  const [head, tail] = [0xff << (first & 7) & 0xff, 0xff >> (7 - (last & 7))]
  if (firstByte === lastByte) {
    bytes.fill((bytes[firstByte] ?? 0) | (head & tail), firstByte, firstByte + 1)
    return
  }
  bytes.fill((bytes[firstByte] ?? 0) | head, firstByte, firstByte + 1)
  bytes.fill(0xff, firstByte + 1, lastByte)
  bytes.fill((bytes[lastByte] ?? 0) | tail, lastByte, lastByte + 1)
}
