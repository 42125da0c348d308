/** `npm start`: prepares the clone if need be and becomes the server, in this same process, which gets npm's signals. */
import { prepare } from './prepare.js'

await prepare()
await import('../dist/main.js')
