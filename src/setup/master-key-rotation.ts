/**
 * Seals everything anew under another master key: all of it in one transaction, while nobody else writes, or nothing. What
 * is sealed stays the same: secrets stay valid, and servers that have both keys notice nothing.
 */
import { lockWriters } from '../changes/writer-lock.ts'
import { resealSecret } from '../clients/sealed-secret.ts'
import { createClientStore } from '../clients/store.ts'
import type { Config } from '../config.ts'
import { patience, type Database } from '../db.ts'
import { resealSigningKey } from '../keys/signing-key.ts'
import { createSigningKeyTable } from '../keys/store.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import { counted } from '../phrases.ts'
import type { Progress } from '../progress.ts'
import { createNextMasterKey, isOwn, promoteMasterKey, readMasterKeys, type MasterKey, type MasterKeys } from '../sealing/master-key.ts'
import { createSealer, masterKeyIdOf } from '../sealing/sealer.ts'
import { resealServerKey } from '../sealing/server-keys.ts'
import { createSealedValueStore } from '../sealing/store.ts'

export interface MasterKeyRotation {
  readonly changed: boolean
  /** The id of the key that everything is sealed under now, and of the one before. */
  readonly masterKeyId: string
  readonly previousMasterKeyId: string
  readonly sealed: { readonly signingKeys: number, readonly clientSecrets: number, readonly serverKeys: number }
}

interface Options {
  readonly config: Config
  readonly database: Database
  readonly progress: Progress
}

/**
 * The new key is the one of MASTER_KEY, and the old one that of PREVIOUS_MASTER_KEY; where Signet keeps the key itself, a
 * new one is made.
 * @throws OperatorError `refused`
 */
export async function rotateMasterKey ({ config, database, progress }: Options): Promise<MasterKeyRotation> {
  const keys = await readMasterKeys(config)
  if (keys === undefined) throw new OperatorError(`There is no master key in ${config.dataDir}. Put it back, or set MASTER_KEY or MASTER_KEY_FILE.`)
  const before = await readSealingId(database)
  const target = await chooseTarget(config, keys, before)
  const result = await reseal(database, target, [keys.current, ...keys.others], before, progress)
  if (isOwn(config) && await promoteMasterKey(config, target)) progress(`master.key in ${config.dataDir} is the new key; the one before it is master.key.${before} there`)
  return result
}

async function chooseTarget (config: Config, { current, others }: MasterKeys, before: string): Promise<MasterKey> {
  if (isOwn(config)) return await createNextMasterKey(config)
  if (current.id === before && others.length === 0) {
    throw new OperatorError('Everything is sealed under the one master key that is set. Make a new one with openssl rand -hex 32, set MASTER_KEY or MASTER_KEY_FILE to it and PREVIOUS_MASTER_KEY or PREVIOUS_MASTER_KEY_FILE to the one of now, for every server and for this command.', { exitCode: exitCodes.refused })
  }
  return current
}

async function readSealingId (database: Database): Promise<string> {
  const [value] = await createSealedValueStore(database).readAll()
  if (value === undefined) throw new OperatorError('Nothing is sealed in this database yet. Start the server first.', { exitCode: exitCodes.refused })
  return masterKeyIdOf(value.envelope)
}

async function reseal (database: Database, target: MasterKey, others: readonly MasterKey[], before: string, progress: Progress): Promise<MasterKeyRotation> {
  const telling = setTimeout(() => { progress('waiting for somebody else\'s change to end') }, 1_000)
  return await database.$transaction(async (transaction) => {
    await lockWriters(transaction)
    clearTimeout(telling)
    const [values, keys, clients] = [createSealedValueStore(transaction), createSigningKeyTable(transaction), createClientStore(transaction)]
    const [serverKeys, signingKeys, secrets] = [await values.readAll(), await keys.readAll(), await clients.readSealed()]
    const sealer = createSealer(target, { others })
    const sealed = { signingKeys: signingKeys.length, clientSecrets: secrets.length, serverKeys: serverKeys.length }
    const isDone = [...serverKeys.map(({ envelope }) => envelope), ...signingKeys.map(({ sealedPrivateKey }) => sealedPrivateKey), ...secrets.map(({ sealedSecret }) => sealedSecret)]
      .every((envelope) => masterKeyIdOf(envelope) === target.id)
    if (isDone) return { changed: false, masterKeyId: target.id, previousMasterKeyId: before, sealed }
    progress(`sealing ${counted(sealed.signingKeys, 'signing key')}, ${counted(sealed.clientSecrets, 'client secret')} and ${counted(sealed.serverKeys, 'key')} of the server anew`)
    await values.replace(serverKeys.map((row) => resealServerKey(row, sealer, sealer))) // first: what follows is compared with it
    await clients.keepSealed(secrets.map((row) => resealSecret(row, sealer, sealer)))
    await keys.replaceSealed(signingKeys.map((row) => resealSigningKey(row, sealer, sealer))) // last: whoever leases a block for a token needs their rows
    return { changed: true, masterKeyId: target.id, previousMasterKeyId: before, sealed }
  }, { timeout: 2 * patience.background, maxWait: patience.background }).finally(() => { clearTimeout(telling) })
}
