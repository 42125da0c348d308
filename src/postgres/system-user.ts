/**
 * PostgreSQL refuses to run as root. This file decides which user it runs as when Signet was started as root;
 * an ordinary user's PostgreSQL runs as that user.
 */
import { readFile, stat } from 'node:fs/promises'
import { OperatorError } from '../operator-error.ts'
import { run, type Identity } from './run.ts'

export interface SystemUser extends Identity {
  readonly name: string
}

/**
 * The user for a cluster folder, which need not exist yet; `undefined` means ourselves.
 * @throws OperatorError when the data belongs to somebody else or no usable user exists
 */
export async function choosePostgresUser (cluster: string, requested: string | undefined): Promise<SystemUser | undefined> {
  const ownUid = process.geteuid?.() ?? 0
  const owner = await ownerOf(cluster)
  if (ownUid !== 0) {
    if (owner !== undefined && owner.uid !== ownUid) {
      throw new OperatorError(`The database in ${cluster} belongs to the user ${owner.name}. Start Signet as that user, or set SIGNET_DATA_DIR to another folder.`)
    }
    return undefined
  }
  if (requested !== undefined) return await requestedUser(requested, owner, cluster)
  if (owner !== undefined && owner.uid !== 0) return owner
  const user = await findUser('postgres') ?? await findUser('nobody')
  if (user === undefined || user.uid === 0) {
    throw new OperatorError('PostgreSQL refuses to run as root, and this system has neither a user "postgres" nor "nobody". Start Signet as an ordinary user, or name one with SIGNET_POSTGRES_USER.')
  }
  return user
}

async function requestedUser (name: string, owner: SystemUser | undefined, cluster: string): Promise<SystemUser> {
  const user = await findUser(name)
  if (user === undefined) {
    throw new OperatorError(`SIGNET_POSTGRES_USER names ${name}, and this system has no such user. Create it, or name another.`)
  }
  if (user.uid === 0) {
    throw new OperatorError(`SIGNET_POSTGRES_USER names ${name}, which is root, and PostgreSQL refuses to run as root. Name an ordinary user.`)
  }
  if (owner !== undefined && owner.uid !== 0 && owner.uid !== user.uid) {
    throw new OperatorError(`The database in ${cluster} belongs to the user ${owner.name}, and SIGNET_POSTGRES_USER names ${name}. Leave SIGNET_POSTGRES_USER unset, or set SIGNET_DATA_DIR to another folder.`)
  }
  return user
}

async function ownerOf (path: string): Promise<SystemUser | undefined> {
  try {
    const { uid, gid } = await stat(path)
    return { uid, gid, name: await nameOf(uid) }
  } catch {
    return undefined // not there, or not to be seen: what follows says so
  }
}

async function nameOf (uid: number): Promise<string> {
  const entry = (await localUsers()).find((user) => user.uid === uid)
  return entry?.name ?? String(uid)
}

async function findUser (name: string): Promise<SystemUser | undefined> {
  const local = (await localUsers()).find((user) => user.name === name)
  if (local !== undefined || !/^[A-Za-z_][\w.-]*\$?$/.test(name)) return local
  // A user of a directory service (LDAP, macOS) is not in /etc/passwd.
  const limits = { user: undefined, timeoutSeconds: 10 }
  const [uid, gid] = await Promise.all([run('id', ['-u', name], limits), run('id', ['-g', name], limits)])
  if (uid.exitCode !== 0 || gid.exitCode !== 0) return undefined
  return { uid: Number(uid.output.trim()), gid: Number(gid.output.trim()), name }
}

async function localUsers (): Promise<SystemUser[]> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '')
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':')
    return name === undefined || uid === undefined || gid === undefined || !/^\d+$/.test(uid) ? [] : [{ name, uid: Number(uid), gid: Number(gid) }]
  })
}
