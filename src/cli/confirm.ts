/**
 * Asks a person before what cannot be undone. No transaction is open while a question is: whoever asks has only read,
 * and writes once the answer is there.
 */
import { createInterface } from 'node:readline'
import { exitCodes, OperatorError } from '../operator-error.ts'
import { printable } from '../names.ts'
import { signalExitCodes, stopSignals } from '../stop-signals.ts'
import { wrapWords } from './table.ts'

export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean, readonly columns?: number }
  /** Who is told of signals. */
  readonly signals: Pick<NodeJS.EventEmitter, 'on' | 'removeListener'>
}

export interface ConfirmOptions {
  /** The answer was given beforehand, with --yes. */
  readonly yes: boolean
  /** Where there is nobody to ask: emergency stops proceed, for they must never hang or fail in a script. Default: refuse. */
  readonly unattended?: 'refuse' | 'proceed'
  /** Default: standard input and standard error. */
  readonly terminal?: Terminal
  /** What else whoever is asked ought to know. It may change while the question is open, and the answer counts all the same. */
  readonly aside?: () => Promise<string | undefined>
}

const afterwards = 'Nothing was changed.'
const hint = ' [y/N] '

/**
 * Returns when the answer is yes.
 * @param question what would be done and what is lost; it may have several lines
 * @throws OperatorError `refused` when the answer is anything else, `usage` when there is nobody to ask
 */
export async function confirm (question: string, options: ConfirmOptions): Promise<void> {
  if (!mustAsk(options)) return
  const terminal = options.terminal ?? ownTerminal()
  const width = Math.max((terminal.output.columns ?? 0) || 80, 40) - hint.length // a terminal that does not know its size says 0
  const answer = await ask(question.split('\n').flatMap((text) => wrapWords(printable(text), width)), terminal)
  if (!/^\s*y(?:es)?\s*$/i.test(answer ?? '')) throw new OperatorError(afterwards, { exitCode: exitCodes.refused })
}

/**
 * Whether `confirm` will ask. Also worth calling before a database is opened: what nobody could agree to needs none.
 * @throws OperatorError `usage` when there is nobody to ask
 */
export function mustAsk ({ yes, unattended = 'refuse', terminal = ownTerminal() }: ConfirmOptions): boolean {
  if (yes) return false
  if (terminal.input.isTTY === true && terminal.output.isTTY === true) return true
  if (unattended === 'proceed') return false
  throw new OperatorError(`This cannot be undone, and there is no terminal to ask on. ${afterwards} Add --yes to agree.`, { exitCode: exitCodes.usage })
}

/**
 * Asks about things that others may change while the question is open: an answer counts for what was asked.
 * @param readQuestion reads what would be lost now; undefined when nothing would
 */
export async function confirmLoss (readQuestion: () => Promise<string | undefined>, options: ConfirmOptions): Promise<void> {
  const question = await readQuestion()
  if (question === undefined || !mustAsk(options)) return
  const aside = await options.aside?.()
  await confirm(aside === undefined ? question : `${question}\n${aside}`, options)
  if (await readQuestion() !== question) {
    throw new OperatorError(`While the question was open, somebody else changed what it was about. ${afterwards} Give the command again.`, { exitCode: exitCodes.refused })
  }
}

function ownTerminal (): Terminal {
  return { input: process.stdin, output: process.stderr, signals: process }
}

/**
 * @returns undefined for Ctrl-C, Ctrl-D and a terminal that was closed
 * @throws OperatorError with the exit code of a signal
 */
async function ask (lines: readonly string[], { input, output, signals }: Terminal): Promise<string | undefined> {
  output.write(lines.slice(0, -1).map((line) => `${line}\n`).join('')) // readline draws its prompt anew at every key
  // With `terminal`, Ctrl-C is a key that readline reads and not a signal, which would say that something was under way.
  const reader = createInterface({ input, output, terminal: true, historySize: 0 })
  let forget: () => void = () => {}
  try {
    return await new Promise((resolve, reject) => {
      forget = onceStopped(signals, (exitCode) => {
        output.write('\n')
        reject(new OperatorError(afterwards, { exitCode }))
      })
      const giveUp = (): void => {
        output.write('\n')
        resolve(undefined)
      }
      reader.once('SIGINT', giveUp)
      reader.once('close', giveUp)
      reader.question(`${lines.at(-1) ?? ''}${hint}`, (answer) => {
        reader.removeListener('close', giveUp)
        resolve(answer)
      })
    })
  } finally {
    forget()
    reader.removeAllListeners('close')
    reader.close()
  }
}

/** @returns how to listen no more */
function onceStopped (signals: Terminal['signals'], stopped: (exitCode: number) => void): () => void {
  const listeners = stopSignals.map((name) => [name, () => { stopped(signalExitCodes[name]) }] as const)
  for (const [name, listener] of listeners) signals.on(name, listener)
  return () => {
    for (const [name, listener] of listeners) signals.removeListener(name, listener)
  }
}
