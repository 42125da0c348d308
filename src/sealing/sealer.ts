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
}

const nonceBytes = 12
const tagBytes = 16

export function createSealer (masterKey: MasterKey): Sealer {
  const subkeys = new Map<string, Buffer>()

  function subkey (purpose: string): Buffer {
    const known = subkeys.get(purpose)
    if (known !== undefined) return known
    const made = subkeyOf(masterKey, `seal ${purpose}`)
    subkeys.set(purpose, made)
    return made
  }

  return {
    seal (place, plaintext) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', subkey(place.purpose), nonce, { authTagLength: tagBytes })
      cipher.setAAD(associatedData(place))
      const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
      return `v1.${masterKey.id}.${nonce.toString('base64url')}.${sealed.toString('base64url')}`
    },

    open (place, envelope) {
      const [version, keyId, nonce = '', sealed = '', ...rest] = envelope.split('.')
      if (version !== 'v1' || keyId === undefined || rest.length > 0) throw altered(place)
      if (keyId !== masterKey.id) {
        throw new OperatorError(`The master key is not the one of this database: it is ${masterKey.id}, and ${describe(place)} was sealed under ${keyId}. Set MASTER_KEY or MASTER_KEY_FILE to the key that this database was made with.`)
      }
      const bytes = Buffer.from(sealed, 'base64url')
      try {
        const decipher = createDecipheriv('aes-256-gcm', subkey(place.purpose), Buffer.from(nonce, 'base64url'), { authTagLength: tagBytes })
        decipher.setAAD(associatedData(place))
        decipher.setAuthTag(bytes.subarray(-tagBytes))
        return Buffer.concat([decipher.update(bytes.subarray(0, -tagBytes)), decipher.final()])
      } catch (error) {
        throw altered(place, error)
      }
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
