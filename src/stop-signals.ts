/**
 * SIGINT, SIGTERM and SIGHUP (the terminal was closed) for the supervisor. The first asks for a clean stop; another
 * one counts as impatience only after a moment, because npm passes on what the terminal already delivered to the
 * whole process group.
 */
export interface StopSignals {
  /** Aborted at the first signal. */
  readonly signal: AbortSignal
  /** Resolves at the first signal. */
  readonly requested: Promise<void>
  /** Resolves at an impatient one. */
  readonly forced: Promise<void>
  /** Ends the process by that first signal, for `process.exit()` waits for every thread that reads a file. */
  readonly endProcess: () => void
  /** The shell's exit code for having been ended by that first signal; 0 before. */
  readonly exitCode: () => number
}

const repeatMilliseconds = 2_000
/** The shell's. */
export const signalExitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const
export const stopSignals = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const

export function listenForStopSignals (): StopSignals {
  const controller = new AbortController()
  let firstAt: number | undefined
  let exitCode = 0
  let received: typeof stopSignals[number] | undefined
  let request: () => void = () => {}
  let force: () => void = () => {}
  const requested = new Promise<void>((resolve) => { request = resolve })
  const forced = new Promise<void>((resolve) => { force = resolve })
  function receive (name: typeof stopSignals[number]): void {
    if (firstAt !== undefined) {
      if (performance.now() - firstAt > repeatMilliseconds) force()
      return
    }
    firstAt = performance.now()
    exitCode = signalExitCodes[name]
    received = name
    controller.abort()
    request()
  }
  for (const name of stopSignals) process.on(name, receive)
  function endProcess (): void {
    if (received === undefined) return
    process.removeAllListeners(received) // which gives it back what it does by itself
    process.kill(process.pid, received)
  }

  return { signal: controller.signal, requested, forced, endProcess, exitCode: () => exitCode }
}
