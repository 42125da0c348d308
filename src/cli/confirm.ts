/** A question before what cannot be undone. */
import { createInterface } from 'node:readline/promises'
import { exitCodes, OperatorError } from '../operator-error.ts'

/**
 * Asks on a terminal. Without one only `yes` will do.
 * @throws OperatorError `usage` without a terminal and without `yes`, `refused` when the answer is no
 */
export async function confirm (question: string, { yes }: { readonly yes: boolean }): Promise<void> {
  if (yes) return
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new OperatorError('This cannot be undone, and there is no terminal to ask on. Give --yes to go ahead.', { exitCode: exitCodes.usage })
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw new OperatorError('Nothing was done.', { exitCode: exitCodes.refused })
  } finally {
    terminal.close()
  }
}
