/** What every command is given: where it prints, and how it reaches the database. Nothing heavy is loaded by it. */
import type { Output } from './output.ts'
import type { OpenDatabase, Session } from './session.ts'

export interface CommandContext {
  readonly output: Output
  /** All of standard input, up to a limit. */
  readonly readInput: () => Promise<string>
  /** A variable of the environment, for what refers to one. */
  readonly readVariable: (name: string) => string | undefined
  /** Opens the database for as long as the work takes, with everything in it that commands rely on. */
  readonly withSession: (work: (session: Session) => Promise<void>) => Promise<void>
  /** The database as it is, possibly without a schema. */
  readonly withDatabase: (work: (database: OpenDatabase) => Promise<void>) => Promise<void>
}
