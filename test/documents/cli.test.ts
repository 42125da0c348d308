import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exitCodes } from '../../src/operator-error.ts'
import { createCli, type Cli } from '../cli/cli-process.ts'
import { readDocument, readSection, readTable } from './markdown.ts'

const section = readSection(readDocument('README.md'), '## Command line')
const [, exitCodeTable = ''] = section.split(/(?=^\| exit code)/m)

describe('the command line as README.md describes it', { timeout: 120_000 }, () => {
  let cli: Cli

  beforeAll(async () => { cli = await createCli() })
  afterAll(async () => { await cli.remove() })

  it('has every command with its options, and no other', async () => {
    expect(documented()).toEqual(await offered())
  })

  it('has every exit code', () => {
    expect(readTable(exitCodeTable).map(([code]) => Number(code))).toEqual([0, ...Object.values(exitCodes)])
  })

  /** What help says, of every command that does something. */
  async function offered (): Promise<Record<string, string[]>> {
    const nouns = commandsIn(await help())
    const found = await Promise.all(nouns.map(async (noun) => {
      const verbs = commandsIn(await help(noun))
      const commands = noun === 'migrate' || verbs.length === 0 ? [noun, ...verbs.map((verb) => `${noun} ${verb}`)] : verbs.map((verb) => `${noun} ${verb}`)
      return await Promise.all(commands.map(async (command): Promise<[string, string[]]> => [command, optionsIn(await help(...command.split(' ')))]))
    }))
    return Object.fromEntries(found.flat())
  }

  async function help (...command: string[]): Promise<string> {
    const { exitCode, stdout } = await cli(...command, '--help')
    expect(exitCode).toBe(0)
    return stdout
  }
})

function documented (): Record<string, string[]> {
  return Object.fromEntries(readTable(section).map(([usage = '']) => {
    const command = /^[a-z]+(?: [a-z]+)?/.exec(usage.replaceAll('`', ''))?.[0] ?? ''
    return [command, flagsIn(usage)]
  }))
}

function commandsIn (help: string): string[] {
  return [...partOf(help, 'Commands').matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help')
}

function optionsIn (help: string): string[] {
  return flagsIn([...partOf(help, 'Options').matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag]) => flag).join(' '))
}

function flagsIn (text: string): string[] {
  return [...text.matchAll(/--[a-z][a-z-]*/g)].map(([flag]) => flag).filter((flag) => flag !== '--json').sort()
}

function partOf (help: string, heading: string): string {
  return new RegExp(`^${heading}:\\n((?: .*\\n|\\n(?= ))*)`, 'm').exec(help)?.[1] ?? ''
}
