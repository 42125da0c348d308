import { VerificationError } from '../../../packages/verifier/src/index.ts'

/** The error that a verification ends with. */
export async function refused (verification: Promise<unknown>): Promise<VerificationError> {
  try {
    await verification
  } catch (error) {
    if (error instanceof VerificationError) return error
    throw error
  }
  throw new Error('it was accepted')
}

/** What was wrong, as the log of an API would have it: the causes, from the outermost to the first. */
export function causesOf ({ cause }: { readonly cause?: unknown }): string {
  return cause instanceof Error ? [cause.message, causesOf(cause)].filter((text) => text !== '').join(': ') : ''
}
