/**
 * The master key: 32 bytes from `MASTER_KEY`, from a file, or made at the first start. Everything that the
 * database must not show readably is sealed under subkeys of it (sealer.ts).
 */
import { hkdfSync, randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises'
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

export interface MasterKeys {
  /** The one to seal under. */
  readonly current: MasterKey
  /** They open what was sealed before. */
  readonly others: readonly MasterKey[]
}

export type MasterKeySource = Pick<Config, 'masterKey' | 'masterKeyFile' | 'previousMasterKey' | 'previousMasterKeyFile' | 'dataDir'>

const ownFile = 'master.key'
/** Beside `master.key` in the data folder: `next` while it is being rotated, and each earlier one under its id. */
const besideOwnFile = /^master\.key\.(?:next|[\w-]{12})$/

/**
 * @returns undefined when neither variable is set and the data folder has no key yet
 * @throws OperatorError when a key is named but missing, unreadable or malformed
 */
export async function readMasterKeys (config: MasterKeySource): Promise<MasterKeys | undefined> {
  const current = await readNamed(config.masterKey, config.masterKeyFile, 'MASTER_KEY') ?? await readFrom(join(config.dataDir, ownFile), 'may be missing')
  const previous = await readNamed(config.previousMasterKey, config.previousMasterKeyFile, 'PREVIOUS_MASTER_KEY')
  const beside = isOwn(config) ? await readBeside(config.dataDir) : []
  if (current === undefined) return undefined
  return { current, others: [...previous === undefined ? [] : [previous], ...beside].filter(({ id }) => id !== current.id) }
}

/** Whether Signet itself keeps the master key, in the data folder. */
export function isOwn ({ masterKey, masterKeyFile }: MasterKeySource): boolean {
  return masterKey === undefined && masterKeyFile === undefined
}

async function readNamed (key: string | undefined, path: string | undefined, name: string): Promise<MasterKey | undefined> {
  if (key !== undefined && path !== undefined) throw new OperatorError(`${name} and ${name}_FILE are both set. Keep one of them.`)
  if (key !== undefined) return parseMasterKey(key, name)
  return path === undefined ? undefined : await readFrom(path, 'must be there')
}

async function readFrom (path: string, presence: 'may be missing' | 'must be there'): Promise<MasterKey | undefined> {
  try {
    return parseMasterKey(await readFile(path, 'utf8'), path)
  } catch (error) {
    if (error instanceof OperatorError) throw error
    if (errorCode(error) === 'ENOENT' && presence === 'may be missing') return undefined
    throw new OperatorError(`The master key cannot be read from ${path} (${errorCode(error) ?? 'unknown error'}). Put the file back, or make it readable for this user.`, { cause: error })
  }
}

async function readBeside (folder: string): Promise<MasterKey[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => besideOwnFile.test(name)).sort()
  return (await Promise.all(names.map((name) => readFrom(join(folder, name), 'may be missing')))).filter((key) => key !== undefined)
}

/** Makes a key with mode 0600. When another process makes one at the same moment, both get the first one's. */
export async function createMasterKey (config: MasterKeySource): Promise<MasterKey> {
  return await createFile(config.masterKeyFile ?? join(config.dataDir, ownFile))
}

/** The key that a rotation is to seal under, durably stored beside the one of now. One that an interrupted rotation left is used. */
export async function createNextMasterKey ({ dataDir }: Pick<Config, 'dataDir'>): Promise<MasterKey> {
  return await createFile(join(dataDir, `${ownFile}.next`))
}

/**
 * Gives the key of that id the name `master.key`, and the one that had it its id as a name: earlier backups need it.
 * To be done once everything is sealed under it, and as often as anybody likes.
 * @returns whether there was anything to do
 */
export async function promoteMasterKey ({ dataDir }: Pick<Config, 'dataDir'>, { id }: MasterKey): Promise<boolean> {
  const own = join(dataDir, ownFile)
  try {
    const current = await readFrom(own, 'must be there')
    if (current === undefined || current.id === id) return false
    const candidates = [`${own}.next`, `${own}.${id}`]
    for (const candidate of candidates) {
      if ((await readFrom(candidate, 'may be missing'))?.id !== id) continue
      await link(own, `${own}.${current.id}`).catch((error: unknown) => { if (errorCode(error) !== 'EEXIST') throw error })
      await syncFolder(dataDir)
      await rename(candidate, own).catch((error: unknown) => { if (errorCode(error) !== 'ENOENT') throw error }) // another process was quicker
      await syncFolder(dataDir)
      return true
    }
    return false
  } catch (error) {
    throw unwritable(own, error)
  }
}

async function createFile (path: string): Promise<MasterKey> {
  const temporary = join(dirname(path), `.master.key.${process.pid}.${randomBytes(6).toString('hex')}`)
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeDurably(temporary)
    await link(temporary, path).catch((error: unknown) => { if (errorCode(error) !== 'EEXIST') throw error })
    await syncFolder(dirname(path)) // its name must survive a power loss before anything is sealed under it
    return parseMasterKey(await readFile(path, 'utf8'), path)
  } catch (error) {
    throw unwritable(path, error)
  } finally {
    await unlink(temporary).catch(() => {}) // it may not even have been made
  }
}

function unwritable (path: string, error: unknown): OperatorError {
  if (error instanceof OperatorError) return error
  return new OperatorError(`The master key cannot be written to ${path} (${errorCode(error) ?? 'unknown error'}). Make the folder writable and the disk roomy, or set MASTER_KEY.`, { cause: error })
}

/** A key of its own for each purpose: what is made with one says nothing about another. */
export function subkeyOf (masterKey: Pick<MasterKey, 'bytes'>, purpose: string): Buffer {
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
