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
  /** The shell's exit code for having been ended by that first signal; 0 before. */
  readonly exitCode: () => number
}

const repeatMilliseconds = 2_000
const exitCodes: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }

export function listenForStopSignals (): StopSignals {
  const controller = new AbortController()
  let firstAt: number | undefined
  let exitCode = 0
  let request: () => void = () => {}
  let force: () => void = () => {}
  const requested = new Promise<void>((resolve) => { request = resolve })
  const forced = new Promise<void>((resolve) => { force = resolve })
  function receive (name: NodeJS.Signals): void {
    if (firstAt !== undefined) {
      if (performance.now() - firstAt > repeatMilliseconds) force()
      return
    }
    firstAt = performance.now()
    exitCode = exitCodes[name] ?? 1
    controller.abort()
    request()
  }
  process.on('SIGHUP', receive)
  process.on('SIGINT', receive)
  process.on('SIGTERM', receive)
  return { signal: controller.signal, requested, forced, exitCode: () => exitCode }
}
