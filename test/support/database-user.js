/**
 * A process that uses the embedded database, as the supervisor and the command line tool do, for tests that kill
 * it: says "open" when it has it, and lets go when its standard input ends.
 */
import { openEmbedded } from '../../dist/postgres/embedded.js'

const [dataDir, postgresUser] = process.argv.slice(2)
try {
  const database = await openEmbedded({ dataDir, postgresUser, progress: () => {} })
  process.stdout.write('open\n')
  for await (const chunk of process.stdin) process.stdout.write(chunk)
  process.stdout.write(`${await database.release()}\n`)
} catch (error) {
  process.stdout.write(`${error.name}: ${error.message}\n`)
  process.exitCode = error.exitCode ?? 70
}
