/**
 * Brings up everything a Signet needs in order, keeps it up, and takes it down in the opposite order: port,
 * database, what must exist in it, workers. It serves nothing itself.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { OperatorError } from './operator-error.ts'
import type { MetricsServer } from './metrics/server.ts'
import { checkPortIsFree } from './port.ts'
import { openEmbedded, type EmbeddedPostgres } from './postgres/embedded.ts'
import { connectExternal } from './postgres/external.ts'
import type { Progress } from './progress.ts'
import { listenForStopSignals, type StopSignals } from './stop-signals.ts'
import { createWorkerPool, type WorkerPool } from './worker-pool.ts'

export interface SupervisorOptions {
  readonly config: Config
  readonly clock: Clock
  readonly progress: Progress
  /** The module that a worker runs. */
  readonly workerModule: string
  /** A variable of the environment, for the configuration file's secrets. */
  readonly readVariable: (name: string) => string | undefined
}

interface OpenDatabase {
  readonly url: string
  readonly release: () => Promise<void>
}

const impatientReleaseSeconds = 5

/**
 * Runs until it is told to stop.
 * @returns the exit code: 0 after a clean drain
 * @throws OperatorError
 */
export async function supervise (options: SupervisorOptions): Promise<number> {
  const { config, clock, progress, readVariable } = options
  const stop = listenForStopSignals()
  let database: OpenDatabase | undefined
  let workers: WorkerPool | undefined
  let metrics: MetricsServer | undefined
  let isAbandoned = false
  try {
    await checkPortIsFree(config)
    if (config.metrics?.port === config.port) throw new OperatorError('METRICS_PORT is PORT. Give the metrics a port of their own: whoever reaches it may read them.')
    if (config.metrics !== undefined) metrics = await (await import('./metrics/server.ts')).serveMetrics(config.metrics, progress)
    workers = createWorkerPool({ module: options.workerModule, size: config.workers, progress })
    const loading = import('./setup/prepare.ts') // while the database starts
    database = await openDatabase(options, stop.signal)
    const { prepare } = await loading
    stop.signal.throwIfAborted()
    const preparing = prepare({ config, url: database.url, embedded: config.databaseUrl === undefined, makesNextKeys: true, clock, progress, readVariable })
    const prepared = await Promise.race([preparing, untilLate(stop, config.shutdownTimeoutSeconds / 2)])
    isAbandoned = prepared === 'late'
    if (prepared === 'late') return stop.exitCode()
    const { sample } = prepared
    try {
      stop.signal.throwIfAborted()
      await Promise.race([workers.serve({ config, url: database.url }), stop.requested])
      stop.signal.throwIfAborted()
      progress(`listening on ${addressOf(config)} (issuer ${config.issuer})`)
    } finally {
      if (sample !== undefined) process.stdout.write(sample.text) // its secrets are nowhere else, whatever happened since
    }
    await stop.requested
    const drained = await Promise.race([workers.drain(config.shutdownTimeoutSeconds), stop.forced.then(() => false)])
    if (!drained) progress('some requests were cut off')
    return drained ? 0 : 1
  } catch (error) {
    if (stop.signal.aborted) return stop.exitCode()
    throw error
  } finally {
    metrics?.close()
    workers?.kill()
    await Promise.race([database?.release(), stop.forced.then(async () => { await pause(impatientReleaseSeconds * 1000) })])
    if (isAbandoned) stop.endProcess()
  }
}

/** A start that is to stop lets end what it prepares, but not for ever: that may wait for a lock, or for a file that nobody writes. */
async function untilLate (stop: StopSignals, seconds: number): Promise<'late'> {
  await stop.requested
  await Promise.race([pause(seconds * 1000), stop.forced])
  return 'late'
}

function addressOf ({ host, port, tlsCertificateFile }: Config): string {
  return `${tlsCertificateFile === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

async function openDatabase (options: SupervisorOptions, signal: AbortSignal): Promise<OpenDatabase> {
  const { config, progress } = options
  if (config.databaseUrl !== undefined) {
    await connectExternal({ url: config.databaseUrl, waitSeconds: config.databaseWaitSeconds, progress, signal })
    return { url: config.databaseUrl, release: async () => {} }
  }
  const { dataDir, port, postgresUser } = config
  const embedded = await openEmbedded({ dataDir, postgresUser, progress, signal })
  if (!(await embedded.holdSupervisorLock())) {
    await embedded.release()
    throw new OperatorError(`Another Signet already serves from ${dataDir}, on another port than ${port}. Use that one, stop it, or set SIGNET_DATA_DIR for a second one.`)
  }
  return keepOpen(embedded, progress, signal)
}

/** Restarts the database whenever it goes away; the workers find it where it was. */
function keepOpen (embedded: EmbeddedPostgres, progress: Progress, signal: AbortSignal): OpenDatabase {
  let reopening = Promise.resolve()
  embedded.onLost(() => {
    reopening = reopen()
  })

  async function reopen (): Promise<void> {
    progress('the database went away; starting it again')
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await embedded.reopen()
        progress('the database is back')
        return
      } catch (error) {
        if (failures === 0) progress(error instanceof OperatorError ? error.message : `the database did not start (${String(error)}); trying again`)
        await pause(1_000, undefined, { signal }).catch(() => {})
      }
    }
  }

  async function release (): Promise<void> {
    await reopening
    await embedded.release()
  }

  return { url: embedded.url, release }
}
