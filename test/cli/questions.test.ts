import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { confirm, confirmLoss, type Terminal } from '../../src/cli/confirm.ts'

interface FakeTerminal extends Terminal {
  readonly input: PassThrough & { isTTY?: boolean }
  readonly signals: EventEmitter
  readonly shown: () => string
}

/** @param isTTY of standard input and of standard error */
function createTerminal ({ input = true, output = true } = {}): FakeTerminal {
  const streams = { input: Object.assign(new PassThrough(), { isTTY: input }), output: Object.assign(new PassThrough(), { isTTY: output }) }
  let shown = ''
  streams.output.setEncoding('utf8').on('data', (text: string) => { shown += text })
  return { ...streams, signals: new EventEmitter(), shown: () => shown }
}

async function answered (keys: string | undefined, question = 'Delete the scope a?\nThis cannot be undone.'): Promise<{ outcome: unknown, shown: string }> {
  const terminal = createTerminal()
  const outcome = confirm(question, { yes: false, terminal }).then(() => 'agreed', (error: unknown) => error)
  if (keys === undefined) terminal.input.end()
  else terminal.input.write(keys)
  return { outcome: await outcome, shown: terminal.shown() }
}

const nothingChanged = expect.objectContaining({ name: 'OperatorError', message: 'Nothing was changed.', exitCode: 3 }) as unknown

describe('a question on a terminal', () => {
  it('shows the question and takes y and yes for an answer', async () => {
    const { outcome, shown } = await answered('y\r')
    expect(outcome).toBe('agreed')
    expect(shown).toMatch(/^Delete the scope a\?\n.*This cannot be undone\. \[y\/N\] /)
    for (const keys of ['yes\r', 'YES\n', ' y \r']) expect((await answered(keys)).outcome, keys).toBe('agreed')
  })

  it('takes everything else for no: another word, nothing, Ctrl-C, Ctrl-D and the end of the terminal', async () => {
    for (const keys of ['n\r', 'no\r', '\r', 'yess\r', 'nay\r', 'y\u0003', '\u0003', '\u0004', undefined]) {
      expect((await answered(keys)).outcome, keys).toEqual(nothingChanged)
    }
  })

  it('cannot be used to send control characters to the terminal', async () => {
    const { shown } = await answered('n\r', 'Delete the organization "a\u001b[2Jb\u202ec"?')
    expect(shown).toContain('"a\uFFFD[2Jb\uFFFDc"? [y/N]')
  })

  it('is given up at a signal, with its exit code and the certainty that nothing was changed', async () => {
    for (const [signal, exitCode] of [['SIGHUP', 129], ['SIGINT', 130], ['SIGTERM', 143]] as const) {
      const terminal = createTerminal()
      const outcome = confirm('Delete it?', { yes: false, terminal }).catch((error: unknown) => error)
      terminal.signals.emit(signal)
      expect(await outcome).toMatchObject({ message: 'Nothing was changed.', exitCode })
      expect(terminal.signals.eventNames()).toEqual([])
    }
  })

  it('may say what changes while it is open: the answer counts for the rest of it', async () => {
    const terminal = createTerminal()
    let minutes = 2
    const outcome = confirmLoss(async () => 'Revoke it?', { yes: false, terminal, aside: async () => `It was last used ${(minutes += 1)} minutes ago.` }).then(() => 'agreed')
    await new Promise(setImmediate)
    terminal.input.write('y\r')
    expect(await outcome).toBe('agreed')
    expect(terminal.shown()).toMatch(/^Revoke it\?\n.*It was last used 3 minutes ago\. \[y\/N\] /)
  })

  it('is not asked when --yes answered it', async () => {
    const terminal = createTerminal()
    await confirm('Delete it?', { yes: true, terminal })
    expect(terminal.shown()).toBe('')
  })
})

describe('a question about what others may change meanwhile', () => {
  it('is not asked when nothing would be lost, and its answer counts for nothing else', async () => {
    const asked = async (...questions: readonly (string | undefined)[]): Promise<{ outcome: unknown, shown: string }> => {
      const terminal = createTerminal()
      const left = [...questions]
      const outcome = confirmLoss(async () => left.shift(), { yes: false, terminal }).then(() => 'agreed', (error: unknown) => error)
      terminal.input.write('y\r')
      return { outcome: await outcome, shown: terminal.shown() }
    }
    expect(await asked(undefined)).toEqual({ outcome: 'agreed', shown: '' })
    expect((await asked('1 client loses it.', '1 client loses it.')).outcome).toBe('agreed')
    expect((await asked('1 client loses it.', '2 clients lose it.')).outcome)
      .toMatchObject({ exitCode: 3, message: expect.stringMatching(/somebody else changed.+Nothing was changed\. Give the command again\./) as unknown })
  })
})

describe('without a terminal', () => {
  const halves = [createTerminal({ input: false }), createTerminal({ output: false }), createTerminal({ input: false, output: false })]

  it('nothing is asked: what cannot be undone is refused as a usage error that names --yes', async () => {
    for (const terminal of halves) {
      await expect(confirm('Delete it?', { yes: false, terminal })).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(/no terminal.+Nothing was changed.+--yes/) as unknown })
      await confirm('Delete it?', { yes: true, terminal })
      expect(terminal.shown()).toBe('')
    }
  })

  it('an emergency stop goes ahead', async () => {
    for (const terminal of halves) await confirm('Disable it?', { yes: false, unattended: 'proceed', terminal })
  })
})
