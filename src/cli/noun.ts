/** What show, update, disable, enable and delete must know of a noun: the verbs are the same for all of them. */
import type { Command } from 'commander'
import { exitCodes, OperatorError } from '../operator-error.ts'
import { readReference } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { confirmLoss } from './confirm.ts'
import { examples } from './help.ts'
import { refuseManaged, type Ownership } from './managed.ts'
import type { Json } from './output.ts'
import type { Session } from './session.ts'

export interface Noun<Row> {
  /** As people and commands name it. */
  readonly word: string
  /** What its commands take: placeholder, meaning, example. */
  readonly argument: { readonly name: string, readonly meaning: string, readonly example: string }
  /** @throws OperatorError when there is none */
  readonly find: (session: Session, reference: string) => Promise<Row>
  /** A reference that goes on naming the row whatever is changed about it. */
  readonly keyOf: (row: Row) => string
  /** As sentences name it: `the client cl_live_… (Partner backend)`. */
  readonly titleOf: (row: Row) => string
  readonly ownershipOf: (row: Row) => Ownership
  readonly present: (row: Row, session: Session) => Json | Promise<Json>
  /** Whether it leaves an audit record when one is stopped, so that a reason can be given. */
  readonly isAudited: boolean
  /** For whoever is about to stop it: `last used 3 minutes ago`. Undefined when it is not in use. */
  readonly lastUseOf?: (row: Row, session: Session) => Promise<string | undefined>
}

/** What a question says besides. */
export async function asideAbout<Row> ({ lastUseOf }: Noun<Row>, row: Row, session: Session): Promise<string | undefined> {
  const lastUse = await lastUseOf?.(row, session)
  return lastUse === undefined ? undefined : `It was ${lastUse}.`
}

/** A command of a noun that is about one row. */
export function addVerb<Row> (parent: Command, { word, argument }: Noun<Row>, verb: string, description: string, ...options: readonly string[]): Command {
  return parent.command(verb)
    .description(description)
    .argument(`<${argument.name}>`, argument.meaning, readReference)
    .addHelpText('after', examples(...['', ...options].map((each) => `signet ${word} ${verb} ${argument.example} ${each}`.trimEnd())))
}

export interface Showing<Row> {
  readonly description: string
  /** What only show tells. */
  readonly details: (row: Row, session: Session) => Promise<Json>
}

export function addShow<Row> (parent: Command, { output, withSession }: CommandContext, noun: Noun<Row>, { description, details }: Showing<Row>): void {
  addVerb(parent, noun, 'show', description, '--json')
    .action((reference: string) => withSession(async (session) => {
      const row = await noun.find(session, reference)
      await output.record({ ...await noun.present(row, session), ...await details(row, session) })
    }))
}

/** What an update comes to, given the row as it is now. */
export interface Plan {
  /** Undefined when the row is already as it was asked for. */
  readonly save: (() => Promise<void>) | undefined
  /** Only where something is lost for good. */
  readonly question?: string | undefined
  /** What else the operator ought to know. */
  readonly notes?: readonly string[]
}

export interface Updating<Row, Options> {
  readonly description: string
  readonly examples: readonly string[]
  readonly addOptions: (command: Command) => Command
  readonly plan: (row: Row, options: Options, session: Session) => Plan | Promise<Plan>
}

export function addUpdate<Row, Options extends object> (
  parent: Command, { output, withSession }: CommandContext, noun: Noun<Row>, { description, examples: lines, addOptions, plan }: Updating<Row, Options>
): void {
  const command = parent.command('update')
    .description(description)
    .argument(`<${noun.argument.name}>`, noun.argument.meaning, readReference)
  addOptions(command)
    .addHelpText('after', examples(...lines))
    .action(async (reference: string, options: Options & { readonly yes?: boolean }) => {
      if (Object.keys(options).every((name) => name === 'yes')) throw new OperatorError('Name what to change, with at least one option. See them with --help.', { exitCode: exitCodes.usage })
      await withSession(async (session) => {
        const readPlan = async (reading: Session): Promise<Plan & { readonly row: Row }> => {
          const row = await noun.find(reading, reference)
          refuseManaged(noun.titleOf(row), noun.ownershipOf(row))
          return { ...await plan(row, options, reading), row }
        }
        await confirmLoss(async () => (await readPlan(session)).question, { yes: options.yes ?? false })
        const { save, notes = [], row } = await session.alone(async (writing) => {
          const planned = await readPlan(writing)
          await planned.save?.()
          return planned
        })
        await output.record({ changed: save !== undefined, ...await noun.present(await noun.find(session, noun.keyOf(row)), session) })
        output.note(save === undefined ? `the ${noun.word} was so already; nothing was changed` : `the ${noun.word} is changed`)
        for (const note of notes) output.note(note)
      })
    })
}

type Given<Members> = { [Name in keyof Members]?: Exclude<Members[Name], undefined> }

/** Of the members that were named, those that the row does not have so already. */
export function differing<Members extends object> (row: object, named: Members): Given<Members> {
  const before = new Map(Object.entries(row))
  const members = Object.entries(named).filter(([name, value]) => value !== undefined && JSON.stringify(value) !== JSON.stringify(before.get(name)))
  return Object.fromEntries(members) as Given<Members> // the filter is what the type says
}

export function isEmpty (members: object): boolean {
  return Object.keys(members).length === 0
}
