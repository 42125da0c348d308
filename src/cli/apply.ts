import { Option, type Command } from 'commander'
import type { Plan } from '../configuration/changes.ts'
import type { Leftovers } from '../configuration/leaving.ts'
import type { ReadFile } from '../configuration/read.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import type { CommandContext } from './command.ts'
import { confirm } from './confirm.ts'
import { refuse } from './find.ts'
import { examples } from './help.ts'
import type { Reading } from './session.ts'

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
    .option('--yes', 'do not ask before anything is removed')
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

async function applyIn ({ database, clock }: Reading, file: ReadFile, { dryRun = false, prune = false, release = false, yes = false }: ApplyCommandOptions, { output }: CommandContext): Promise<void> {
  const [{ applyConfiguration }, report] = await Promise.all([import('../configuration/apply.ts'), import('../configuration/report.ts')])
  const leftovers: Leftovers = prune ? 'remove' : release ? 'release' : 'keep'
  const wanted = { database, clock, progress: output.note, file, leftovers }
  const removals = (plan: Plan): readonly string[] => plan.changes.filter(({ action }) => action === 'remove').map(report.lineOf)
  const agreed = new Set<string>()
  if (prune && !dryRun) {
    const planned = await applyConfiguration({ ...wanted, dryRun: true })
    const lines = removals(planned)
    if (lines.length > 0 && !yes) for (const line of report.reportLines(planned)) output.note(line)
    if (lines.length > 0) await confirm(`This removes ${lines.length} things for good. Go ahead?`, { yes })
    for (const line of lines) agreed.add(line)
  }
  const approve = (plan: Plan): void => {
    if (!yes && removals(plan).some((line) => !agreed.has(line))) refuse('The database was changed while the question was open, and more would be removed now. Nothing was changed: apply the file again.')
  }
  const plan = await applyConfiguration({ ...wanted, dryRun, approve })
  const lines = report.reportLines(plan)
  await output.text(lines.map((line) => `${line}\n`).join(''), report.reportJson(file.label, plan, dryRun))
  for (const remark of report.remarks(plan)) output.note(remark)
  if (plan.changes.length === 0) output.note('nothing to do: the database is as the file says')
  else output.note(dryRun ? `nothing was changed; it would be: ${report.countChanges(plan)}` : `applied: ${report.countChanges(plan)}`)
}
