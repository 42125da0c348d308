/**
 * Encryption at rest under the master key: AES-256-GCM with one HKDF subkey for each purpose. The purpose, the
 * row's id and its qualifier are associated data, so a sealed value opens in the row it was made for only.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { OperatorError } from '../operator-error.ts'
import { subkeyOf, type MasterKey } from './master-key.ts'

export interface SealedPlace {
  /** What the value is for, such as `signing-key`: chooses the subkey. */
  readonly purpose: string
  /** The id of the row that holds the envelope. */
  readonly row: string
  /** What else must not be exchanged, such as the key's `alg`. */
  readonly qualifier: string
}

export interface Sealer {
  /** @returns `v1.<master key id>.<nonce>.<ciphertext and tag>`, the last two base64url */
  seal (place: SealedPlace, plaintext: Uint8Array): string
  /** @throws OperatorError saying whether the master key is another one or the envelope was altered */
  open (place: SealedPlace, envelope: string): Buffer
  /** Whether there is the master key that an envelope names. */
  hasKeyOf (envelope: string): boolean
  /** The same master keys, of which that one seals. @throws OperatorError when there is none of that id */
  under (masterKeyId: string): Sealer
  /** Reads the master keys again, where they come from, if there is none that the envelope names: they may have been rotated. */
  learn (envelope: string): Promise<void>
}

export interface SealerOptions {
  /** Master keys that only open. */
  readonly others?: readonly MasterKey[]
  /** Reads every master key there is now. */
  readonly reread?: () => Promise<readonly MasterKey[]>
}

interface KnownKey {
  readonly id: string
  readonly subkey: (purpose: string) => Buffer
}

const nonceBytes = 12
const tagBytes = 16
/** Whoever asks more often about the same key is asking about one that is not there. */
const learnsEveryMillis = 1_000

/** @param masterKey that seals, and opens */
export function createSealer (masterKey: MasterKey, { others = [], reread = async () => [] }: SealerOptions = {}): Sealer {
  const known = new Map<string, KnownKey>([masterKey, ...others].map((each) => [each.id, knownKey(each)]))
  const missed = new Map<string, { readonly at: number, readonly reading: Promise<void> }>()

  async function learn (envelope: string): Promise<void> {
    const id = masterKeyIdOf(envelope)
    if (known.has(id)) return
    const last = missed.get(id)
    if (last !== undefined && performance.now() - last.at < learnsEveryMillis) {
      await last.reading
      return
    }
    const reading = reread().then((keys) => {
      for (const each of keys) if (!known.has(each.id)) known.set(each.id, knownKey(each))
    })
    missed.set(id, { at: performance.now(), reading })
    await reading
  }

  function missing (what: string, id: string): OperatorError {
    const ids = [...known.keys()]
    const sentence = ids.length === 1 ? `The master key is not the one of this database: it is ${ids.join()}` : `None of the master keys is the one of this database: they are ${ids.join(', ')}`
    return new OperatorError(`${sentence}, and ${what} was sealed under ${id}. Set MASTER_KEY or MASTER_KEY_FILE to the key that this database was made with.`)
  }

  function sealerUnder (id: string): Sealer {
    return {
      seal (place, plaintext) {
        const key = known.get(id)
        if (key === undefined) throw missing(describe(place), id)
        const nonce = randomBytes(nonceBytes)
        const cipher = createCipheriv('aes-256-gcm', key.subkey(place.purpose), nonce, { authTagLength: tagBytes })
        cipher.setAAD(associatedData(place))
        const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
        return `v1.${id}.${nonce.toString('base64url')}.${sealed.toString('base64url')}`
      },

      open (place, envelope) {
        const [version, keyId, nonce = '', sealed = '', ...rest] = envelope.split('.')
        if (version !== 'v1' || keyId === undefined || rest.length > 0) throw altered(place)
        const key = known.get(keyId)
        if (key === undefined) throw missing(describe(place), keyId)
        const bytes = Buffer.from(sealed, 'base64url')
        try {
          const decipher = createDecipheriv('aes-256-gcm', key.subkey(place.purpose), Buffer.from(nonce, 'base64url'), { authTagLength: tagBytes })
          decipher.setAAD(associatedData(place))
          decipher.setAuthTag(bytes.subarray(-tagBytes))
          return Buffer.concat([decipher.update(bytes.subarray(0, -tagBytes)), decipher.final()])
        } catch (error) {
          throw altered(place, error)
        }
      },

      hasKeyOf: (envelope) => known.has(masterKeyIdOf(envelope)),
      under (masterKeyId) {
        if (!known.has(masterKeyId)) throw missing('what is in it', masterKeyId)
        return sealerUnder(masterKeyId)
      },
      learn
    }
  }

  return sealerUnder(masterKey.id)
}

/** Which master key an envelope names, whether or not there is one of that id. */
export function masterKeyIdOf (envelope: string): string {
  return envelope.split('.')[1] ?? ''
}

function knownKey (masterKey: MasterKey): KnownKey {
  const subkeys = new Map<string, Buffer>()
  return {
    id: masterKey.id,
    subkey (purpose) {
      const made = subkeys.get(purpose) ?? subkeyOf(masterKey, `seal ${purpose}`)
      subkeys.set(purpose, made)
      return made
    }
  }
}

function associatedData ({ purpose, row, qualifier }: SealedPlace): Buffer {
  return Buffer.from(JSON.stringify([purpose, row, qualifier]))
}

function describe ({ purpose, row }: SealedPlace): string {
  return purpose === row ? `the ${purpose}` : `${purpose} ${row}`
}

function altered (place: SealedPlace, cause?: unknown): OperatorError {
  return new OperatorError(`The row of ${describe(place)} does not open: it was altered or damaged. Restore it from a backup.`, { cause })
}
