/** Embedded databases for the tests of src/postgres: opened in this process and in others, and all gone afterwards. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import pg from 'pg'
import { openEmbedded, type EmbeddedPostgres } from '../../src/postgres/embedded.ts'
import { newDataFolder, type DataFolder } from './data-folder.ts'

export interface Databases {
  /** Makes the cluster that `useMadeFolder` copies. */
  readonly prepare: () => Promise<void>
  readonly template: () => string
  /** Before a test that is about a first start. */
  readonly useNewFolder: () => Promise<void>
  /** Before a test that is about anything later. */
  readonly useMadeFolder: () => Promise<void>
  readonly dataDir: string
  readonly open: (dataDir?: string, postgresUser?: string) => Promise<EmbeddedPostgres>
  /** Another process that opens the database; as root it can be another user. */
  readonly spawnUser: (uid?: number) => ChildProcess
  /** Killed after the test. */
  readonly children: ChildProcess[]
  readonly cleanUp: () => Promise<void>
  readonly remove: () => Promise<void>
}

const progress = (): void => {}

export function createDatabases (): Databases {
  let template: DataFolder | undefined
  let folder: DataFolder | undefined
  let opened: EmbeddedPostgres[] = []
  const children: ChildProcess[] = []

  function templateDir (): string {
    if (template === undefined) throw new Error('prepare() comes first')
    return template.dataDir
  }

  function dataDir (): string {
    if (folder === undefined) throw new Error('useNewFolder() or useMadeFolder() comes first')
    return folder.dataDir
  }

  async function open (directory = dataDir(), postgresUser?: string): Promise<EmbeddedPostgres> {
    const database = await openEmbedded({ dataDir: directory, postgresUser, progress })
    opened.push(database)
    return database
  }

  function spawnUser (uid?: number): ChildProcess {
    const identity = uid === undefined ? {} : { uid, gid: uid }
    const child = spawn(process.execPath, [join(import.meta.dirname, 'database-user.js'), dataDir()], { stdio: ['pipe', 'pipe', 'inherit'], ...identity })
    children.push(child)
    return child
  }

  return {
    prepare: async () => {
      template = await newDataFolder()
      await (await openEmbedded({ dataDir: template.dataDir, postgresUser: undefined, progress })).release()
    },
    template: templateDir,
    useNewFolder: async () => { folder = await newDataFolder() },
    useMadeFolder: async () => { folder = await newDataFolder({ copyOf: templateDir() }) },
    get dataDir () { return dataDir() },
    open,
    spawnUser,
    children,
    cleanUp: async () => {
      for (const child of children.splice(0)) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      for (const database of opened) await database.release()
      opened = []
      await folder?.remove()
      folder = undefined
    },
    remove: async () => { await template?.remove() }
  }
}

export async function query<Row extends pg.QueryResultRow> (url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

/** What a process that `spawnUser` started says next. */
export async function says (child: ChildProcess): Promise<string> {
  const [chunk] = await once(child.stdout ?? child, 'data') as [Buffer] // as Node.js documents it
  return chunk.toString().trim()
}
