/**
 * The master key: 32 bytes from `MASTER_KEY`, from a file, or made at the first start. Everything that the
 * database must not show readably is sealed under subkeys of it (sealer.ts).
 */
import { hkdfSync, randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Config } from '../config.ts'
import { errorCode } from '../error-code.ts'
import { OperatorError } from '../operator-error.ts'
import { syncFolder } from '../sync-folder.ts'

export interface MasterKey {
  /** Names the key in envelopes; says nothing about it. */
  readonly id: string
  readonly bytes: Buffer
}

type MasterKeySource = Pick<Config, 'masterKey' | 'masterKeyFile' | 'dataDir'>

/**
 * @returns undefined when neither variable is set and the data folder has no key yet
 * @throws OperatorError when a key is named but missing, unreadable or malformed
 */
export async function readMasterKey (config: MasterKeySource): Promise<MasterKey | undefined> {
  if (config.masterKey !== undefined && config.masterKeyFile !== undefined) {
    throw new OperatorError('MASTER_KEY and MASTER_KEY_FILE are both set. Keep one of them.')
  }
  if (config.masterKey !== undefined) return parseMasterKey(config.masterKey, 'MASTER_KEY')
  const path = masterKeyPath(config)
  try {
    return parseMasterKey(await readFile(path, 'utf8'), path)
  } catch (error) {
    if (error instanceof OperatorError) throw error
    if (errorCode(error) === 'ENOENT' && config.masterKeyFile === undefined) return undefined
    throw new OperatorError(`The master key cannot be read from ${path} (${errorCode(error) ?? 'unknown error'}). Put the file back, or make it readable for this user.`, { cause: error })
  }
}

/** Makes a key with mode 0600. When another process makes one at the same moment, both get the first one's. */
export async function createMasterKey (config: MasterKeySource): Promise<MasterKey> {
  const path = masterKeyPath(config)
  const temporary = join(dirname(path), `.master.key.${process.pid}.${randomBytes(6).toString('hex')}`)
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeDurably(temporary)
    await link(temporary, path).catch((error: unknown) => { if (errorCode(error) !== 'EEXIST') throw error })
    await syncFolder(dirname(path)) // its name must survive a power loss before anything is sealed under it
    return parseMasterKey(await readFile(path, 'utf8'), path)
  } catch (error) {
    if (error instanceof OperatorError) throw error
    throw new OperatorError(`The master key cannot be written to ${path} (${errorCode(error) ?? 'unknown error'}). Make the folder writable and the disk roomy, or set MASTER_KEY.`, { cause: error })
  } finally {
    await unlink(temporary).catch(() => {}) // it may not even have been made
  }
}

/** A key of its own for each purpose: what is made with one says nothing about another. */
export function subkeyOf (masterKey: MasterKey, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey.bytes, '', `signet ${purpose}`, 32))
}

async function writeDurably (path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(`${randomBytes(32).toString('base64url')}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

function masterKeyPath (config: MasterKeySource): string {
  return config.masterKeyFile ?? join(config.dataDir, 'master.key')
}

export function parseMasterKey (text: string, source: string): MasterKey {
  const trimmed = text.trim()
  const bytes = /^[0-9a-fA-F]{64}$/.test(trimmed)
    ? Buffer.from(trimmed, 'hex')
    : /^[\w-]{43}=?$/.test(trimmed) ? Buffer.from(trimmed, 'base64url') : undefined
  if (bytes?.length !== 32) {
    throw new OperatorError(`${source} holds no master key: it must be 32 bytes as 43 characters of base64url or 64 of hex. Put the right key back, or make a new one for a new database with: openssl rand -hex 32`)
  }
  const id = Buffer.from(hkdfSync('sha256', bytes, '', 'signet master key id', 9)).toString('base64url')
  return { id, bytes }
}
