/** The worker processes of a supervisor: forks them, forks again what dies, drains them. It must not know what they serve. */
import cluster, { type Worker } from 'node:cluster'
import { OperatorError } from './operator-error.ts'
import type { Progress } from './progress.ts'
import { isWorkerMessage, type Assignment, type SupervisorMessage } from './worker-messages.ts'

export interface WorkerPoolOptions {
  /** The module that a worker runs. */
  readonly module: string
  readonly size: number
  readonly progress: Progress
}

export interface WorkerPool {
  /**
   * Resolves when all of them listen.
   * @throws OperatorError when one says that it cannot, or when they crash again and again before that
   */
  readonly serve: (assignment: Assignment) => Promise<void>
  /** Lets them finish what is under way. @returns whether all did so, and in time */
  readonly drain: (timeoutSeconds: number) => Promise<boolean>
  /** Ends them at once. */
  readonly kill: () => void
}

interface WorkerState {
  phase: 'loading' | 'loaded' | 'listening'
  failure: OperatorError | undefined
}

const crashesBeforeGivingUp = 3
const longestBackoffMilliseconds = 5_000
const stableMilliseconds = 30_000

/** They are forked at once and load their modules, most of what a start takes, while the supervisor opens the database. */
export function createWorkerPool ({ module, size, progress }: WorkerPoolOptions): WorkerPool {
  // Workers accept for themselves. Passed on by us, a connection whose worker dies at that moment stays with us, open
  // and never answered: seen once in some 170 crashes.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({ exec: module, args: [] })
  const workers = new Map<Worker, WorkerState>()
  let assigned: Assignment | undefined
  let stopping = false
  let drainedCleanly = true
  let started = false
  let crashes = 0
  let onChange: () => void = () => {}
  let giveUp: (reason: OperatorError) => void = () => {}
  const givenUp = new Promise<never>((_resolve, reject) => { giveUp = reject })
  givenUp.catch(() => {}) // may happen before anybody waits for it

  function fork (): void {
    if (stopping) return
    const worker = cluster.fork()
    const state: WorkerState = { phase: 'loading', failure: undefined }
    const forkedAt = performance.now()
    workers.set(worker, state)
    worker.on('error', () => {}) // a message that could not be sent: its exit follows
    worker.on('message', (message: unknown) => {
      if (!isWorkerMessage(message)) return
      if (message.type === 'failed') state.failure = new OperatorError(message.message, { exitCode: message.exitCode })
      else state.phase = message.type
      if (message.type === 'loaded' && assigned !== undefined) assign(worker, assigned)
      onChange()
    })
    worker.on('exit', (code, signal) => {
      workers.delete(worker)
      if (!stopping) replace(state.failure, describeEnd(worker, code, signal), performance.now() - forkedAt)
      else if (state.phase === 'listening' && code !== 0) drainedCleanly = false
      onChange()
    })
  }

  function replace (failure: OperatorError | undefined, end: string, livedMilliseconds: number): void {
    crashes = livedMilliseconds > stableMilliseconds ? 1 : crashes + 1
    if (!started && failure !== undefined) {
      giveUp(failure)
    } else if (!started && crashes >= crashesBeforeGivingUp) {
      giveUp(new OperatorError(`Workers ended ${crashes} times before they could serve, the last one with ${end}. See the log above for the cause.`))
    } else {
      progress(failure?.message ?? `a worker ended with ${end}; starting another`)
      setTimeout(fork, crashes === 1 ? 0 : Math.min(100 * 2 ** crashes, longestBackoffMilliseconds))
    }
  }

  async function serve (assignment: Assignment): Promise<void> {
    assigned = assignment
    for (const [worker, { phase }] of workers) if (phase === 'loaded') assign(worker, assignment)
    const allListen = new Promise<void>((resolve) => {
      onChange = () => { if (workers.size === size && [...workers.values()].every(({ phase }) => phase === 'listening')) resolve() }
    })
    await Promise.race([allListen, givenUp])
    started = true
    crashes = 0
  }

  async function drain (timeoutSeconds: number): Promise<boolean> {
    stopping = true
    for (const [worker, { phase }] of workers) {
      if (phase === 'listening') send(worker, { type: 'drain' })
      else worker.process.kill('SIGKILL') // it serves nobody yet
    }
    return await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => { resolve(false) }, timeoutSeconds * 1000)
      onChange = () => {
        if (workers.size > 0) return
        clearTimeout(timer)
        resolve(drainedCleanly)
      }
      onChange()
    })
  }

  function kill (): void {
    stopping = true
    for (const worker of workers.keys()) worker.process.kill('SIGKILL')
  }

  for (let index = 0; index < size; index += 1) fork()
  return { serve, drain, kill }
}

function assign (worker: Worker, assignment: Assignment): void {
  send(worker, { type: 'serve', assignment })
}

function send (worker: Worker, message: SupervisorMessage): void {
  worker.send(message, () => {}) // if it cannot be sent, the worker is ending
}

function describeEnd (worker: Worker, code: number | null, signal: string | null): string {
  return signal === null ? `exit code ${String(code)}` : `${signal} (process ${String(worker.process.pid)})`
}
