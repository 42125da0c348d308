import type { Progress } from '../progress.ts'

const silentMillis = 1_000
const betweenMillis = 2_000

/** Tells a person how far a table is, once that takes longer than a second. @returns to be called with how many more rows are done */
export function createRowProgress (what: string, total: number, progress: Progress): (rows: number) => void {
  let done = 0
  let next = performance.now() + silentMillis
  return (rows) => {
    done += rows
    if (performance.now() < next || done >= total) return
    next = performance.now() + betweenMillis
    progress(`${what}: ${done} of ${total} rows`)
  }
}
