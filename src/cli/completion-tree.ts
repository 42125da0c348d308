/** What there is to complete, read off the commands themselves: a new option is completed because it exists. */
import type { Argument, Command, Option } from 'commander'

/** `file`: names of files. A list: these. Undefined: whatever the operator knows, such as an id. */
export type Values = 'file' | readonly string[] | undefined

export interface CommandNode {
  /** `client create`; empty for signet itself. */
  readonly path: string
  readonly description: string
  /** The names of its commands. */
  readonly commands: readonly string[]
  readonly options: readonly OptionNode[]
  /** Its arguments, by position; the last one repeats if it may. */
  readonly values: readonly Values[]
}

export interface OptionNode {
  readonly flag: string
  readonly description: string
  readonly takesValue: boolean
  readonly values: Values
}

/** Every command, the program first. */
export function readTree (program: Command): CommandNode[] {
  const common = [...program.options.filter(({ long }) => long !== '--version').map(toOption), help]
  return readCommand(program, '', common)
}

const help: OptionNode = { flag: '--help', description: 'explain', takesValue: false, values: undefined }

function readCommand (command: Command, path: string, common: readonly OptionNode[]): CommandNode[] {
  const own = command.options.filter((option) => !option.hidden).map(toOption)
  const flags = new Set(own.map(({ flag }) => flag))
  const node = {
    path,
    description: firstSentence(command.description()),
    commands: command.commands.map((each) => each.name()),
    options: [...own, ...common.filter(({ flag }) => !flags.has(flag))],
    values: command.registeredArguments.map(valuesOf)
  }
  return [node, ...command.commands.flatMap((each) => readCommand(each, `${path} ${each.name()}`.trim(), common))]
}

function toOption (option: Option): OptionNode {
  return {
    flag: option.long ?? option.flags,
    description: option.description,
    takesValue: option.required || option.optional,
    values: valuesOf(option)
  }
}

function valuesOf (place: Argument | Option): Values {
  if (place.argChoices !== undefined) return place.argChoices
  const name = 'flags' in place ? /<([^>]+)>/.exec(place.flags)?.[1] : place.name()
  return name?.toLowerCase() === 'file' ? 'file' : undefined
}

function firstSentence (text: string): string {
  return /^(.*?)[.:](?:\s|$)/.exec(text)?.[1] ?? text
}

/** Everything of a command that takes known values: options by their flag, arguments by their position from 0. */
export function placesOf ({ options, values }: CommandNode): (readonly [place: string, values: 'file' | readonly string[]])[] {
  const places = [...options.map(({ flag, values: of }) => [flag, of] as const), ...values.map((of, position) => [String(position), of] as const)]
  return places.flatMap(([place, of]) => of === undefined ? [] : [[place, of] as const])
}

/** In single quotes, for either shell. */
export function quoteWord (text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
