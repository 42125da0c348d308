/** Disable and enable, for every noun. They say whether they changed anything, and can be given again without harm. */
import type { Command } from 'commander'
import type { CommandContext } from './command.ts'
import { confirmLoss } from './confirm.ts'
import { refuseManagedEnabling, refuseManagedUnlessOverridden } from './managed.ts'
import { addVerb, asideAbout, type Noun } from './noun.ts'
import { addReasonOption, type ReasonOption } from './reason.ts'
import type { Session } from './session.ts'

export interface Switching<Row> {
  readonly disable: {
    readonly description: string
    /** What is lost for good, in sentences; absent where enabling brings everything back. */
    readonly losses?: (row: Row, session: Session) => Promise<string>
    readonly note: string
  }
  readonly enable: { readonly description: string, readonly note: string }
  /** @throws OperatorError for a row that cannot be disabled or enabled */
  readonly check?: (row: Row, session: Session, enabling: boolean) => void
  /** By hand, so that no file enables what a person disabled. */
  readonly set: (session: Session, row: Row, disabledAt: Date | null) => Promise<void>
}

export function addSwitch<Row> (parent: Command, context: CommandContext, noun: Noun<Row>, switching: Switching<Row>): void {
  addDisable(parent, context, noun, switching)
  addEnable(parent, context, noun, switching)
}

interface DisableOptions extends ReasonOption { readonly yes?: boolean, readonly override?: boolean }

function addDisable<Row> (parent: Command, { output, withSession }: CommandContext, noun: Noun<Row>, { disable, check, set }: Switching<Row>): void {
  const { losses } = disable
  const command = addVerb(parent, noun, 'disable', disable.description, ...(losses === undefined ? [] : ['--yes']))
    .option('--override', 'also if a configuration file owns it; it stays disabled until enable --override')
  if (losses !== undefined) command.option('--yes', 'do not ask; without a terminal nothing is asked anyway')
  if (noun.isAudited) addReasonOption(command)
  command.action((reference: string, { yes = false, override = false, reason }: DisableOptions) => withSession(async (session) => {
    const readRow = async (reading: Session): Promise<{ row: Row, disabledAt: Date | null, disabledBy: string | null }> => {
      const row = await noun.find(reading, reference)
      const { managedBy, disabledAt, disabledBy } = noun.ownershipOf(row)
      refuseManagedUnlessOverridden(noun.titleOf(row), { managedBy }, override)
      check?.(row, reading, false)
      return { row, disabledAt, disabledBy }
    }
    await confirmLoss(async () => {
      const { row, disabledAt } = await readRow(session)
      return losses === undefined || disabledAt !== null ? undefined : `Disable ${noun.titleOf(row)}?\n${await losses(row, session)}`
    }, { yes, unattended: 'proceed', aside: async () => await asideAbout(noun, (await readRow(session)).row, session) })
    const { row, disabledBy, changed } = await session.alone(async (writing) => {
      const { row, disabledAt, disabledBy } = await readRow(writing)
      const changed = disabledAt === null || disabledBy !== null
      if (changed) await set(writing, row, disabledAt ?? new Date(session.clock()))
      return { row, disabledBy, changed }
    }, reason)
    await output.record({ changed, ...await noun.present(await noun.find(session, noun.keyOf(row)), session) })
    if (!changed) output.note(`the ${noun.word} was disabled already; nothing was changed`)
    else if (disabledBy !== null) output.note(`the configuration file ${disabledBy} had disabled the ${noun.word}; now it stays disabled whatever that file says`)
    else output.note(disable.note)
    const lastUse = await noun.lastUseOf?.(row, session)
    if (changed && lastUse !== undefined) output.note(`it was ${lastUse}`)
  }))
}

function addEnable<Row> (parent: Command, { output, withSession }: CommandContext, noun: Noun<Row>, { enable, check, set }: Switching<Row>): void {
  const command = addVerb(parent, noun, 'enable', enable.description)
    .option('--override', 'also if a configuration file owns it, when it was disabled by hand')
  if (noun.isAudited) addReasonOption(command)
  command.action((reference: string, { override = false, reason }: DisableOptions) => withSession(async (session) => {
    const { row, changed } = await session.alone(async (writing) => {
      const row = await noun.find(writing, reference)
      const ownership = noun.ownershipOf(row)
      refuseManagedEnabling(noun.titleOf(row), ownership, override)
      check?.(row, writing, true)
      const changed = ownership.disabledAt !== null
      if (changed) await set(writing, row, null)
      return { row, changed }
    }, reason)
    await output.record({ changed, ...await noun.present(await noun.find(session, noun.keyOf(row)), session) })
    output.note(changed ? enable.note : `the ${noun.word} was enabled already; nothing was changed`)
  }))
}
