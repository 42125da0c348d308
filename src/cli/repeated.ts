import type { Command } from 'commander'
import { exitCodes } from '../operator-error.ts'

/** Each of their values counts. */
const repeatable = new Set(['grant', 'authenticationMethod', 'certificateThumbprint', 'exchangeResource', 'addExchangeResource', 'removeExchangeResource'])

/** Of options that contradict each other, as --name twice or --default and --no-default, commander takes the last without a word. */
export function refuseContradictions (command: Command): void {
  const given = new Map<string, { readonly flag: string, readonly value: unknown }>()
  for (const option of command.options) {
    const [name, flag] = [option.attributeName(), option.long ?? option.flags]
    command.on(`option:${option.name()}`, (value: unknown) => {
      const before = given.get(name)
      given.set(name, { flag, value })
      if (before === undefined || repeatable.has(name)) return
      if (before.flag !== flag) command.error(`error: ${before.flag} and ${flag} contradict each other`, { exitCode: exitCodes.usage })
      if (before.value !== value) command.error(`error: ${flag} was given twice, with different values`, { exitCode: exitCodes.usage })
    })
  }
  for (const subcommand of command.commands) refuseContradictions(subcommand)
}
