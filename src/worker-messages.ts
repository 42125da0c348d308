import type { Config } from './config.ts'

/** What a worker tells its supervisor. `loaded`: it has its modules and waits for an assignment. */
export type WorkerMessage =
  | { readonly type: 'loaded' }
  | { readonly type: 'listening' }
  | { readonly type: 'failed', readonly message: string, readonly exitCode: number }

/** What a worker needs to serve; the same for all of them. */
export interface Assignment {
  readonly config: Config
  /** Of the database, which the supervisor opened. */
  readonly url: string
}

export type SupervisorMessage =
  | { readonly type: 'serve', readonly assignment: Assignment }
  | { readonly type: 'drain' }

/** Both ends are the same program, so the type alone tells ours from what Node.js's cluster module sends. */
export function isWorkerMessage (message: unknown): message is WorkerMessage {
  return hasType(message, ['loaded', 'listening', 'failed'])
}

export function isSupervisorMessage (message: unknown): message is SupervisorMessage {
  return hasType(message, ['serve', 'drain'])
}

function hasType (message: unknown, types: readonly string[]): boolean {
  return typeof message === 'object' && message !== null && 'type' in message && types.includes(String(message.type))
}
