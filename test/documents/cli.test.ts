import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { variables } from '../../src/cli/help.ts'
import { environmentSchema } from '../../src/config.ts'
import { exitCodes } from '../../src/operator-error.ts'
import { createCli, type Cli } from '../cli/cli-process.ts'
import { readDocument, readSection, readTable } from './markdown.ts'

const page = readDocument('docs/cli.md')

describe('the command line as docs/cli.md describes it', { timeout: 120_000 }, () => {
  let cli: Cli
  let commands: Record<string, string[]>

  beforeAll(async () => {
    cli = await createCli()
    commands = await offered()
  })
  afterAll(async () => { await cli.remove() })

  it('has every command with its options, and no other', () => {
    expect(documented()).toEqual(commands)
  })

  it('explains every option of every command, and no other', () => {
    const withOptions = Object.entries(commands).filter(([, options]) => options.length > 0)
    expect(explained()).toEqual(Object.fromEntries(withOptions))
  })

  it('explains the options that every command has', async () => {
    const rows = readTable(readSection(page, '## How to call it'))
    expect(rows.map(([option = '']) => option.replaceAll('`', '')).sort()).toEqual([...partOf(await help(), 'Options').matchAll(/--[a-z]+/g)].map(String).sort())
  })

  it('has every exit code', () => {
    expect(readTable(readSection(page, '## Exit codes')).map(([code]) => Number(code))).toEqual([0, ...Object.values(exitCodes)])
  })

  it('has every environment variable that help has, and none that there is not', () => {
    const names = readTable(readSection(page, '## Environment variables')).map(([name = '']) => name.replaceAll('`', ''))
    expect(names).toEqual(expect.arrayContaining(variables.map(([name]) => name)))
    expect(Object.keys(environmentSchema.properties)).toEqual(expect.arrayContaining(names))
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

/** What the tables of commands say, of every command. */
function documented (): Record<string, string[]> {
  return Object.fromEntries(tables('command').flat().map(([usage = '']) => [commandOf(usage), flagsIn(usage)]))
}

/** What the tables of options say, of every command that has some. A table belongs to the commands above it. */
function explained (): Record<string, string[]> {
  const found: Record<string, string[]> = {}
  for (const section of page.split(/^(?=## )/m)) {
    const [commands = []] = tables('command', section)
    const noun = commandOf(commands[0]?.[0] ?? '').split(' ')[0] ?? ''
    const isNoun = commands.every(([usage = '']) => commandOf(usage).startsWith(`${noun} `))
    const options = commands.length === 0 ? [] : tables('option', section).flat()
    for (const [option = '', of = ''] of options) {
      for (const [, verb = ''] of of.matchAll(/`([a-z-]+)`/g)) {
        const command = isNoun ? `${noun} ${verb}` : verb
        found[command] = [...found[command] ?? [], ...flagsIn(option)].sort()
      }
    }
  }
  return found
}

/** @param head what stands over the first column */
function tables (head: string, markdown = page): string[][][] {
  return markdown.split(new RegExp(`^(?=\\| ${head} \\|)`, 'm')).slice(1).map(readTable)
}

/** The words before its arguments; `a\\|b` is a choice of arguments. */
function commandOf (usage: string): string {
  return /^[a-z-]+(?: [a-z-]+(?![a-z\\-]))?/.exec(usage.replaceAll('`', ''))?.[0] ?? ''
}

function commandsIn (help: string): string[] {
  return [...partOf(help, 'Commands').matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help')
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
