/** What a command that failed says, and what it exits with. */
import { errorCode } from '../error-code.ts'
import { printable } from '../names.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'

export interface Failure {
  readonly exitCode: number
  readonly sentence: string
  /** What stands below the sentence. */
  readonly lines: readonly string[]
  /** For the operator who asks for them. */
  readonly details: string | undefined
}

/** Prisma's codes for a row to change that is not there, and for one that a new row would refer to. */
const removedMeanwhile = new Set(['P2025', 'P2003'])

export function describeFailure (error: unknown): Failure {
  if (error instanceof OperatorError) {
    return { exitCode: error.exitCode, sentence: printable(error.message), lines: error.lines.map(printable), details: detailsOf(error.cause) }
  }
  if (removedMeanwhile.has(errorCode(error) ?? '')) {
    return {
      exitCode: exitCodes.refused,
      sentence: 'Something that this command names was removed by somebody else meanwhile. Nothing was changed: see what is there with list or show.',
      lines: [],
      details: detailsOf(error)
    }
  }
  const name = error instanceof Error ? error.name : typeof error
  return {
    exitCode: exitCodes.failure,
    sentence: printable(`Something unexpected went wrong (${[name, errorCode(error)].filter((part) => part !== undefined).join(' ')}). Set LOG_LEVEL=debug to see the details.`),
    lines: [],
    details: detailsOf(error)
  }
}

function detailsOf (error: unknown): string | undefined {
  if (error === undefined) return undefined
  return error instanceof Error ? error.stack ?? error.message : JSON.stringify(error)
}
