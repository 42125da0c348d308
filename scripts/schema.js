/** `npm run schema`: writes docs/signet.schema.json, for editors, from the schema that the server reads configuration files by. */
import { writeFileSync } from 'node:fs'
import { rebuild } from './prepare.js'

await rebuild()
const { publishedSchema } = await import('../dist/configuration/document.js')
writeFileSync(new URL('../docs/signet.schema.json', import.meta.url), publishedSchema())
