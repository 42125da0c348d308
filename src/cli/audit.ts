import { InvalidArgumentError, type Command } from 'commander'
import type { AuditRecord } from '../audit/audit-record.ts'
import { readDuration, readReference, readTime } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { examples } from './help.ts'
import type { Json } from './output.ts'
import { timeOf } from './present.ts'

const maxRecords = 10_000
const columns = ['at', 'actor', 'action', 'target_kind', 'target_id', 'reason']

/** A time, or how long before now. */
type Since = Date | number

interface ListOptions {
  readonly target?: string
  readonly since?: Since
  readonly limit: number
}

export function addAuditCommands (program: Command, { output, withReading }: CommandContext): void {
  const audit = program.command('audit')
    .description('Who stopped what, when and why: whatever was revoked, disabled, enabled or deleted, by whichever way.')
    .addHelpText('after', examples('signet audit list', 'signet audit list --target cl_live_...'))

  audit.command('list')
    .description('List the records, the latest first.')
    .option('--target <id>', 'only of what has this id (client, organization, secret, kid, status list and index), or is of this client', readReference)
    .option('--since <time>', 'only from then on: a time, or a duration such as 24h', readSince)
    .option('--limit <count>', `how many at most, 1 to ${maxRecords}`, readLimit, 50)
    .addHelpText('after', examples('signet audit list --since 24h', 'signet audit list --target cl_live_... --limit 1000 --json'))
    .action(({ target, since, limit }: ListOptions) => withReading(async ({ audit, clock }) => {
      const from = typeof since === 'number' ? new Date(clock() - since) : since
      await output.list((await audit.read({ target, since: from, limit })).map(present), columns)
    }))
}

function readSince (text: string): Since {
  try {
    return readDuration(text)
  } catch (error) {
    if (error instanceof InvalidArgumentError) return readTime(text)
    throw error
  }
}

function readLimit (text: string): number {
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > maxRecords) throw new InvalidArgumentError(`It takes a whole number from 1 to ${maxRecords}.`)
  return limit
}

function present ({ id, at, actor, action, targetKind, targetId, clientId, reason, details }: AuditRecord): Json {
  return { id: Number(id), at: timeOf(at), actor, action, target_kind: targetKind, target_id: targetId, client_id: clientId, reason, details }
}
