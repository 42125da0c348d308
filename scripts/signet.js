/** `npm run signet -- …`: prepares the clone if need be and becomes the command line tool. */
import { prepare } from './prepare.js'

await prepare()
await import('../dist/cli/main.js')
