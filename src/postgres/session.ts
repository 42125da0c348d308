import { realpath } from 'node:fs/promises'
import pg from 'pg'
import { OperatorError } from '../operator-error.ts'
import { databaseName, roles } from './cluster.ts'
import { isPrivate, type DataFolder } from './data-folder.ts'
import { errorCode } from '../error-code.ts'
import { readPostmaster } from './postmaster.ts'

/** A connection to the server of a data folder, as its superuser. Its session holds our advisory locks. */
export interface Session {
  readonly client: pg.Client
  readonly socketFolder: string
  /** The server's process, as the server itself says. */
  readonly serverPid: number
}

/** `absent`: nobody is at the socket. `busy`: a server says that it takes no connection at the moment. `silent`: it says nothing. */
export type Attempt = Session | 'absent' | 'busy' | 'silent'

/** How long one attempt may take. */
export const connectSeconds = 5
const limits = { query_timeout: 30_000 } as const

/** The URL of a role's connection through the socket; it leaves nothing to PGPORT or PGSSLMODE. */
export function socketUrl (role: string, socketFolder: string): string {
  return `postgresql://${role}@/${databaseName}?host=${encodeURIComponent(socketFolder)}&port=5432&sslmode=disable`
}

/**
 * Connects to the server of this data folder, whoever started it, and makes sure that it is that server.
 * @param seconds after which it is silent
 * @throws OperatorError when another folder's server answers
 */
export async function connect (folder: DataFolder, seconds = connectSeconds): Promise<Attempt> {
  const socketFolder = await findSocketFolder(folder)
  if (socketFolder === undefined) return 'absent'
  const client = new pg.Client({ connectionString: socketUrl(roles.superuser, socketFolder), application_name: 'signet lock', connectionTimeoutMillis: seconds * 1000, ...limits })
  client.on('error', () => {}) // whoever uses the session listens to its end
  try {
    await client.connect()
    const { rows } = await client.query<{ folder: string, pid: number }>(
      "SELECT current_setting('data_directory') AS folder, split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS pid"
    )
    const [server] = rows
    if (server !== undefined && await realpath(server.folder).catch(() => '') === folder.cluster) return { client, socketFolder, serverPid: server.pid }
  } catch (error) {
    await client.end().catch(() => {})
    return judge(error, folder)
  }
  await client.end().catch(() => {})
  throw new OperatorError(`The PostgreSQL that answers in ${socketFolder} was started for another folder than ${folder.cluster}. Stop it, or set SIGNET_DATA_DIR to another folder.`)
}

function judge (error: unknown, folder: DataFolder): Exclude<Attempt, Session> {
  const code = errorCode(error)
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return 'absent'
  if (code === '3D000' || code === '28000') { // no such database, no such role
    throw new OperatorError(`The cluster in ${folder.cluster} was not made by Signet (${error instanceof Error ? error.message : code}). Set SIGNET_DATA_DIR to another folder.`, { cause: error })
  }
  if (error instanceof Error && /timeout/i.test(error.message)) return 'silent' // pg's own, which has no code
  return 'busy' // starting, recovering or stopping (57P03, 57P01), or gone while we asked
}

/** A server that runs has written where its socket is; nobody else could write that file. */
async function findSocketFolder (folder: DataFolder): Promise<string | undefined> {
  const running = (await readPostmaster(folder.cluster))?.socketFolder
  for (const candidate of running === undefined ? [folder.run] : [running, folder.run]) {
    if (await isPrivate(candidate, folder)) return candidate
  }
  return undefined
}
