/** `npm run build`: generates the Prisma client and builds, whether or not anything changed. */
import { rebuild } from './prepare.js'

await rebuild()
