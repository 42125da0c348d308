/** `npm run errors`: writes docs/errors.md, from the table that the server answers and explains errors by. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { prepare, root } from './prepare.js'

await prepare()
const { renderErrorDocument } = await import('../dist/docs/error-page.js')
writeFileSync(join(root, 'docs', 'errors.md'), renderErrorDocument())
