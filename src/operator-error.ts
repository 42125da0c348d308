/** What a process exits with; documented in docs/cli.md and in `signet --help`. */
export const exitCodes = {
  failure: 1,
  usage: 2,
  refused: 3,
  unavailable: 4
} as const

/**
 * A mistake or an outage that the operator can do something about. The message is one plain sentence of what
 * happened and one of what to do; entry files print it, without a stack, and exit with `exitCode`.
 */
export class OperatorError extends Error {
  readonly exitCode: number
  /** What is printed below the message, where one sentence cannot say all: each mistake of a file, for example. */
  readonly lines: readonly string[]

  constructor (message: string, options: { cause?: unknown, exitCode?: number, lines?: readonly string[] } = {}) {
    super(message, { cause: options.cause })
    this.name = 'OperatorError'
    this.exitCode = options.exitCode ?? exitCodes.failure
    this.lines = options.lines ?? []
  }
}
