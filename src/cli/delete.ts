/** Delete, for every noun. It always asks, and says what is lost with it. */
import type { Command } from 'commander'
import type { CommandContext } from './command.ts'
import { confirmLoss, mustAsk } from './confirm.ts'
import { refuseManaged } from './managed.ts'
import { addVerb, asideAbout, type Noun } from './noun.ts'
import { addReasonOption, type ReasonOption } from './reason.ts'
import type { Session } from './session.ts'

export interface Deleting<Row> {
  readonly description: string
  /**
   * What goes with it and who loses what, in sentences.
   * @throws OperatorError when something is in the way
   */
  readonly losses: (row: Row, session: Session) => Promise<string>
  readonly remove: (session: Session, row: Row) => Promise<void>
}

export function addDelete<Row> (parent: Command, { output, withSession }: CommandContext, noun: Noun<Row>, { description, losses, remove }: Deleting<Row>): void {
  const command = addVerb(parent, noun, 'delete', description, '--yes')
    .option('--yes', 'do not ask; required where there is no terminal')
  if (noun.isAudited) addReasonOption(command)
  command.action(async (reference: string, { yes = false, reason }: ReasonOption & { readonly yes?: boolean }) => {
    mustAsk({ yes }) // what nobody could agree to needs no database
    await withSession(async (session) => {
      const readRow = async (reading: Session): Promise<{ row: Row, lost: string }> => {
        const row = await noun.find(reading, reference)
        refuseManaged(noun.titleOf(row), noun.ownershipOf(row))
        return { row, lost: await losses(row, reading) }
      }
      await confirmLoss(async () => {
        const { row, lost } = await readRow(session)
        return `Delete ${noun.titleOf(row)}?\n${lost}\nThis cannot be undone.`
      }, { yes, aside: async () => await asideAbout(noun, (await readRow(session)).row, session) })
      const { last, lost } = await session.alone(async (writing) => {
        const { row, lost } = await readRow(writing)
        const last = await noun.present(row, writing)
        await remove(writing, row)
        return { last, lost }
      }, reason)
      if (yes) for (const line of lost.split('\n')) output.note(line) // nobody has read it yet
      await output.record({ deleted: true, ...last })
      output.note(`the ${noun.word} is deleted`)
    })
  })
}
