/** A database that configuration files are applied to by the very functions that the command line and the start call. */
import { randomBytes } from 'node:crypto'
import { applyConfiguration, type ApplyOptions } from '../../src/configuration/apply.ts'
import type { Plan } from '../../src/configuration/changes.ts'
import type { Leftovers } from '../../src/configuration/leaving.ts'
import { formatMistake, inOrder } from '../../src/configuration/mistakes.ts'
import { readConfiguration, type ReadFile } from '../../src/configuration/read.ts'
import { readAll, type State } from '../../src/configuration/state.ts'
import { createDatabase, type Database } from '../../src/db.ts'
import { OperatorError } from '../../src/operator-error.ts'
import { createSealer, type Sealer } from '../../src/sealing/sealer.ts'
import { createFixtures, type Fixtures } from '../support/fixtures.ts'
import { createTestDatabase } from '../support/embedded.ts'

export interface ApplyWish {
  readonly prune?: boolean
  readonly release?: boolean
  readonly dryRun?: boolean
  /** Who is asked, and answers. */
  readonly asking?: Pick<ApplyOptions, 'review' | 'approve'>
  readonly variables?: Readonly<Record<string, string>>
}

export interface World {
  readonly url: string
  readonly database: Database
  readonly fixtures: Fixtures
  readonly sealer: Sealer
  readonly apply: (file: string | object, wish?: ApplyWish) => Promise<Plan>
  /** What is wrong with a file, without the file's name. */
  readonly refusals: (file: string | object, wish?: ApplyWish) => Promise<readonly string[]>
  readonly state: () => Promise<State>
  /** How many changes the feed has announced. */
  readonly announced: () => Promise<number>
  /** Empties it. */
  readonly clear: () => Promise<void>
  readonly drop: () => Promise<void>
}

export const label = 'signet.yaml'

export async function readText (file: string | object, variables: Readonly<Record<string, string>> = {}): Promise<ReadFile> {
  const text = typeof file === 'string' ? file : JSON.stringify(file)
  return await readConfiguration({ label, bytes: Buffer.from(text), folder: import.meta.dirname, readVariable: (name) => variables[name] })
}

function leftoversOf (prune: boolean, release: boolean): Leftovers {
  if (prune) return 'remove'
  return release ? 'release' : 'keep'
}

/** The mistakes that are seen without a database. */
export async function mistakesIn (file: string | object, variables?: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { mistakes } = await readText(file, variables)
  return inOrder(mistakes).map((mistake) => formatMistake('', mistake).slice(1))
}

export async function createWorld (): Promise<World> {
  const { url, drop } = await createTestDatabase()
  const database = createDatabase({ url, applicationName: 'signet test', poolSize: 3 })
  const serverKeys = { secretTag: randomBytes(32), secretVerifier: randomBytes(32) }
  const sealer = createSealer({ id: 'test', bytes: randomBytes(32) })
  const world: World = {
    url,
    database,
    sealer,
    fixtures: createFixtures({ database, sealer, serverKeys, clock: Date.now }),
    apply: async (file, { prune = false, release = false, dryRun = false, asking = {}, variables } = {}) =>
      await applyConfiguration({ database, clock: Date.now, sealer, progress: () => {}, file: await readText(file, variables), leftovers: leftoversOf(prune, release), dryRun, ...asking }),
    async refusals (file, wish) {
      try {
        await world.apply(file, wish)
      } catch (error) {
        if (error instanceof OperatorError && error.exitCode === 3) return error.lines.map((line) => line.replace(/^signet\.yaml:/, ''))
        throw error
      }
      return []
    },
    state: () => readAll(database),
    announced: async () => Number((await database.change.aggregate({ _max: { id: true } }))._max.id ?? 0),
    async clear () {
      await database.$executeRaw`TRUNCATE organizations, resources, scopes, clients, client_scopes, client_secrets, deleted_clients CASCADE`
    },
    async drop () {
      await database.$disconnect()
      await drop()
    }
  }
  return world
}
