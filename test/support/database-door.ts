/** Shuts a server's database, so that nobody gets in and all who are in are thrown out, and opens it again. */
import pg from 'pg'
import { databaseUrl, superuserUrl } from './embedded.ts'

export interface DatabaseDoor {
  readonly close: () => Promise<void>
  readonly open: () => Promise<void>
  /** Ends every connection of a server; they may come in again. */
  readonly shake: () => Promise<void>
  /** Another process's connection, which stays in while the door is closed. */
  readonly survivor: pg.Client
  /** Opens it, and lets go. */
  readonly leave: () => Promise<void>
}

export async function doorOf (url: string): Promise<DatabaseDoor> {
  const superuser = await connectTo(databaseUrl(superuserUrl(url), 'postgres'))
  const survivor = await connectTo(url)
  const { rows: [own] } = await survivor.query<{ name: string, pid: number }>('SELECT current_database() AS name, pg_backend_pid() AS pid')
  const name = own?.name ?? ''
  const open = async (): Promise<void> => { await superuser.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`) }
  return {
    async close () {
      await superuser.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)
      await superuser.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> $2', [name, own?.pid])
    },
    open,
    async shake () {
      await superuser.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE \'signet%\'', [name])
    },
    survivor,
    async leave () {
      await open()
      await Promise.all([survivor.end(), superuser.end()])
    }
  }
}

async function connectTo (url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'test' })
  client.on('error', () => {})
  await client.connect()
  return client
}
