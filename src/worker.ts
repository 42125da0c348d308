/** One process that serves requests: it builds the app, listens, and drains when its supervisor says so. */
import { setTimeout as pause } from 'node:timers/promises'
import { createApp, type App } from './app.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { createLogger } from './logger.ts'
import { answerForMetrics } from './metrics/server.ts'
import { OperatorError } from './operator-error.ts'
import { listenProblem } from './port.ts'
import { readMasterKeys } from './sealing/master-key.ts'
import { createRereadingSealer } from './sealing/rereading.ts'
import { isSupervisorMessage, type Assignment, type WorkerMessage } from './worker-messages.ts'

const keepKeysEveryMillis = 60_000
/** It writes once a minute: so often it is asked whether that has passed. */
const recordUsageEveryMillis = 1_000

/** Waits for an assignment. The process ends when it was drained, when it failed, or when its supervisor is gone. */
export function runWorker (clock: Clock): void {
  // Ctrl-C reaches the whole process group: when to stop is the supervisor's decision.
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, () => {})
  process.on('disconnect', () => { process.exit(1) })
  process.on('message', (message) => {
    if (isSupervisorMessage(message) && message.type === 'serve') void serve(message.assignment, clock)
  })
  tell({ type: 'loaded' })
}

async function serve ({ config, url }: Assignment, clock: Clock): Promise<void> {
  const logger = createLogger(config.logLevel)
  const crash = (error: unknown, origin: string): void => {
    logger.fatal({ err: error, origin }, 'worker.crashed')
    process.exit(1)
  }
  process.on('uncaughtException', crash)
  try {
    const masterKeys = await readMasterKeys(config)
    if (masterKeys === undefined) {
      throw new OperatorError('The master key went away while Signet was starting. Put it back, and start again.')
    }
    const app = await createApp({ config, url, sealer: createRereadingSealer(masterKeys, config), clock, logger })
    if (config.metrics !== undefined) answerForMetrics(app.metrics)
    await app.listen()
    keepKeys(app)
    setInterval(() => { void app.recordUsage() }, recordUsageEveryMillis).unref()
    process.on('message', (message) => { if (isSupervisorMessage(message) && message.type === 'drain') void drain(app, config) })
    tell({ type: 'listening' })
  } catch (error) {
    const problem = listenProblem(error, config)
    if (problem instanceof OperatorError) tell({ type: 'failed', message: problem.message, exitCode: problem.exitCode }, () => { process.exit(problem.exitCode) })
    else crash(problem, 'start')
  }
}

/** Not all workers at the same moment: each would make keys, of which one is kept. */
function keepKeys (app: App): void {
  setTimeout(() => { void app.keepKeys().finally(() => { keepKeys(app) }) }, keepKeysEveryMillis * (0.5 + Math.random() / 2)).unref()
}

async function drain (app: App, config: Config): Promise<void> {
  app.startDraining()
  await pause(config.drainSeconds * 1000)
  await app.close()
  process.exit(0)
}

function tell (message: WorkerMessage, afterwards: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, afterwards)
}
