import { Option, type Command } from 'commander'
import type { ApplyOptions } from '../configuration/apply.ts'
import type { Plan } from '../configuration/changes.ts'
import type { ReadFile } from '../configuration/read.ts'
import type * as Report from '../configuration/report.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import type { CommandContext } from './command.ts'
import { confirm, mustAsk, type ConfirmOptions } from './confirm.ts'
import { refuse } from './find.ts'
import { examples } from './help.ts'
import type { Output } from './output.ts'
import type { Reading, Session } from './session.ts'

interface ApplyCommandOptions {
  readonly dryRun?: boolean
  readonly prune?: boolean
  readonly release?: boolean
  readonly yes?: boolean
}

export function addApplyCommand (program: Command, context: CommandContext): void {
  program.command('apply')
    .description('Make the database as a configuration file says: all of it, or nothing when there is a mistake. Applied twice, the file changes nothing.')
    .argument('<file>', 'the configuration file (docs/configuration-file.md), or - to read it from standard input')
    .option('--dry-run', 'only say what would be changed, and who would lose what')
    .option('--prune', 'remove what the file made and does not name any more')
    .addOption(new Option('--release', 'hand what the file made and does not name any more to the command line').conflicts('prune'))
    .option('--yes', 'do not ask before what cannot be undone; required for removals where there is no terminal')
    .addHelpText('after', examples('signet apply signet.yaml --dry-run', 'signet apply signet.yaml', 'signet apply signet.yaml --prune --yes'))
    .action((path: string, options: ApplyCommandOptions) => apply(path, options, context))
}

async function apply (path: string, options: ApplyCommandOptions, context: CommandContext): Promise<void> {
  const { readConfigurationFile, readConfigurationInput } = await import('../configuration/file.ts')
  const file = path === '-' ? await readConfigurationInput(process.stdin, context) : await readConfigurationFile({ path, ...context })
  try {
    const open = options.dryRun === true ? context.withReading : context.withSession
    await open((session) => applyIn(session, file, options, context))
  } catch (error) {
    // Without the database some mistakes stay unknown; those of the file itself do not.
    if (!(error instanceof OperatorError) || error.exitCode !== exitCodes.unavailable || file.mistakes.length === 0) throw error
    const { refusal } = await import('../configuration/mistakes.ts')
    throw refusal(file.label, file.mistakes)
  }
}

async function applyIn ({ database, clock, sealer }: Reading & Partial<Pick<Session, 'sealer'>>, file: ReadFile, options: ApplyCommandOptions, { output }: CommandContext): Promise<void> {
  const [{ applyConfiguration }, report] = await Promise.all([import('../configuration/apply.ts'), import('../configuration/report.ts')])
  const { dryRun = false, prune = false, release = false, yes = false } = options
  const leftovers = prune ? 'remove' : release ? 'release' : 'keep'
  const asking = yes ? {} : createAsking(output, report)
  const plan = await applyConfiguration({ database, clock, sealer, progress: output.note, file, leftovers, dryRun, ...asking })
  const lines = report.reportLines(plan)
  await output.text(lines.map((line) => `${line}\n`).join(''), report.reportJson(file.label, plan, dryRun))
  for (const remark of report.remarks(plan)) output.note(remark)
  if (plan.changes.length === 0) output.note('nothing to do: the database is as the file says')
  else output.note(dryRun ? `nothing was changed; it would be: ${report.countChanges(plan)}` : `applied: ${report.countChanges(plan)}`)
}

/**
 * On a terminal, asks before all that cannot be undone. Where there is none, what the file says is done, for somebody
 * has decided on the file; what is removed because it is not in the file, needs --yes.
 */
export function createAsking (
  output: Pick<Output, 'note'>, { lineOf, reportLines }: Pick<typeof Report, 'lineOf' | 'reportLines'>, onTerminal: Pick<ConfirmOptions, 'terminal'> = {}
): Required<Pick<ApplyOptions, 'review' | 'approve'>> {
  const agreed = new Set<string>()
  let isAsked = false
  const losses = ({ changes }: Plan): readonly string[] => changes.filter(({ action, irreversible }) => isAsked ? irreversible : action === 'remove').map(lineOf)
  return {
    async review (expected) {
      const count = expected.changes.filter(({ irreversible }) => irreversible).length
      if (count === 0) return
      const wish = { ...onTerminal, yes: false, unattended: losses(expected).length === 0 ? 'proceed' : 'refuse' } as const
      isAsked = mustAsk({ ...wish, unattended: 'proceed' })
      if (!isAsked && wish.unattended === 'proceed') return
      for (const line of reportLines(expected)) output.note(line)
      await confirm(`${count === 1 ? 'One of these changes' : `${count} of these changes`} cannot be undone. Go ahead?`, wish)
      for (const line of losses(expected)) agreed.add(line)
    },
    approve (plan) {
      if (losses(plan).some((line) => !agreed.has(line))) refuse('The database was changed meanwhile, and more would be lost now. Nothing was changed: apply the file again.')
    }
  }
}
