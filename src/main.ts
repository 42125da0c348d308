/** The entry of the server: becomes a supervisor, with the environment as its configuration, or one of its workers. */
import cluster from 'node:cluster'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { systemClock } from './clock.ts'
import { OperatorError } from './operator-error.ts'
import { printProgress } from './progress.ts'

// Each kind of process loads its own half only, which is most of what a start takes.
async function main (): Promise<void> {
  if (cluster.isWorker) {
    const { runWorker } = await import('./worker.ts')
    runWorker(systemClock)
    return
  }
  const [{ loadConfig }, { grantedCores }, { supervise }] = await Promise.all([import('./config.ts'), import('./cores.ts'), import('./supervisor.ts')])
  if (existsSync('.env')) process.loadEnvFile('.env')
  const config = loadConfig(process.env, grantedCores())
  const exitCode = await supervise({ config, clock: systemClock, progress: printProgress, workerModule: fileURLToPath(import.meta.url), readVariable: (name) => process.env[name] })
  if (exitCode === 0) printProgress('stopped')
  process.exit(exitCode)
}

// A reader that went away (a closed terminal, "| head") is no reason to stop serving.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  await main()
} catch (error) {
  if (!(error instanceof OperatorError)) throw error
  printProgress(error.message)
  for (const line of error.lines) process.stderr.write(`${line}\n`)
  process.exit(error.exitCode)
}
