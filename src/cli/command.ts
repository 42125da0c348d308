/** What every command is given: where it prints, and how it reaches the database. Nothing heavy is loaded by it. */
import type { Config } from '../config.ts'
import type { Output } from './output.ts'
import type { OpenDatabase, Reading, Session } from './session.ts'

export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Why the `.env` that is there could not be read. */
  readonly dotenvProblem: Error | undefined
}

export interface CommandContext {
  readonly output: Output
  /** All of standard input, up to a limit. */
  readonly readInput: () => Promise<string>
  /** A variable of the environment, for what refers to one. */
  readonly readVariable: (name: string) => string | undefined
  /** Of the package. */
  readonly version: string
  /** As it is, without any check; `.env` has been read. */
  readonly environment: Environment
  /** @throws OperatorError when a variable cannot be used */
  readonly readConfig: () => Promise<Config>
  /** Opens the database for as long as the work takes, with everything in it that commands rely on. */
  readonly withSession: (work: (session: Session) => Promise<void>) => Promise<void>
  /** Opens it for what only reads. */
  readonly withReading: (work: (reading: Reading) => Promise<void>) => Promise<void>
  /** The database as it is, possibly without a schema. */
  readonly withDatabase: (work: (database: OpenDatabase) => Promise<void>) => Promise<void>
}
