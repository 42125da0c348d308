/**
 * A PostgreSQL as the image `postgres` runs it: it listens on TCP, has one role whose password is in a file, and asks
 * everybody for it. The programs are those of the embedded one. As root it runs as the user 999, as in that image.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { findRuntime } from '../../src/postgres/runtime.ts'
import { isRoot, until } from '../support/data-folder.ts'
import { freePort } from '../support/signet-process.ts'

export interface TcpPostgres {
  /** Without the password. */
  readonly url: string
  stop (): Promise<void>
}

const user = { uid: 999, gid: 999, name: 'the user 999' }

/** @param passwordFile which its user can read */
export async function startTcpPostgres (scratch: string, passwordFile: string): Promise<TcpPostgres> {
  const runtime = await findRuntime(isRoot ? user : undefined, () => {})
  const folder = join(scratch, 'postgresql')
  mkdirSync(folder)
  if (isRoot) chownSync(folder, user.uid, user.gid)
  const identity = isRoot ? { uid: user.uid, gid: user.gid } : {}
  const data = join(folder, 'data')
  execFileSync(runtime.initdb, ['-D', data, '-U', 'signet', '--pwfile', passwordFile, '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync'], { ...identity, stdio: 'pipe' })
  const port = await freePort()
  const server = spawn(runtime.postgres, ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off'], { ...identity, stdio: 'ignore' })
  const ended = once(server, 'exit')
  const password = readFileSync(passwordFile, 'utf8').trim()
  const options = { host: '127.0.0.1', port, user: 'signet', password, database: 'postgres' }
  await until(async () => await createDatabase(options), 'PostgreSQL lets us in', 30)
  return {
    url: `postgresql://signet@127.0.0.1:${port}/signet`,
    stop: async () => {
      server.kill('SIGQUIT') // at once
      await ended
    }
  }
}

async function createDatabase (options: pg.ClientConfig): Promise<boolean> {
  const client = new pg.Client(options)
  try {
    await client.connect()
    await client.query('CREATE DATABASE signet')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}
