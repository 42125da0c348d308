/** `npm run openapi`: writes docs/openapi.json, the API as its routes describe themselves. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { prepare, root } from './prepare.js'

await prepare()
const { routesOf } = await import('../dist/routes.js')
const { openApiOf, textOf } = await import('../dist/docs/openapi.js')
const issuer = 'http://127.0.0.1:8080'
writeFileSync(join(root, 'docs', 'openapi.json'), textOf(openApiOf(routesOf(issuer), issuer)))
