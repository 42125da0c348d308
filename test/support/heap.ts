import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
// A context that was made with the flag on has the collector as a global.
const collect = runInNewContext('gc') as () => void

export const megabyte = 1024 * 1024

/** What is still in use after everything else was collected. */
export function heapBytes (): number {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
