import { OperatorError } from '../../src/operator-error.ts'

/** The sentence that an operator gets to read when this work is refused. */
export async function refusalOf (work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (error instanceof OperatorError) return error.message
    throw error
  }
  throw new Error('it was not refused')
}
