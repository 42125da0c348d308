/** `npm test`: prepares the clone if need be and becomes vitest; further arguments are vitest's. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { prepare, root } from './prepare.js'

await prepare()
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
process.chdir(root)
process.argv.splice(1, 1, vitest, 'run')
await import(pathToFileURL(vitest).href)
