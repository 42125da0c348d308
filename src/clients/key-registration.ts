/** Registering the public keys that clients sign with: checked first, and never a kid that was there before. */
import type { Clock } from '../clock.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import { readPublicJwk, type PublicKey } from '../oauth/public-jwk.ts'
import { isUsableKey, type Client, type ClientKey } from './client.ts'
import type { ClientStore } from './store.ts'

/** @throws OperatorError for a key that is not acceptable, a kid that the client had before, or a client that has too many usable ones */
export type AddKey = (client: Client, jwk: unknown, expiresAt: Date | null) => Promise<PublicKey>

export const maxUsableKeys = 10

export function createAddKey (store: Pick<ClientStore, 'addKey'>, clock: Clock): AddKey {
  return async (client, value, expiresAt) => {
    const usable = [...client.keys.values()].filter((key) => isUsableKey(key, clock())).length
    if (usable >= maxUsableKeys) throw refused(`The client ${client.id} has ${usable} usable keys, and ${maxUsableKeys} is the most. Revoke one first.`)
    const read = readPublicJwk(value)
    if ('refused' in read) throw refused(`This key cannot be registered: ${read.refused}.`)
    const { kid, algorithm, jwk, thumbprint } = read
    const before = [...client.keys.values()].find((key) => key.revokedAt !== null && key.kid !== kid && isSameKey(key, thumbprint))
    if (before !== undefined) throw refused(`The client ${client.id} had this key before, with the kid ${before.kid}, and it was revoked. Make a new one.`)
    if (!await store.addKey(client.id, { kid, algorithm, jwk, expiresAt })) {
      throw refused(`The client ${client.id} has or had a key with the kid ${kid}. A key that was revoked does not come back: give a new one a new kid.`)
    }
    return read
  }
}

/** Whatever kid the two have. */
export function isSameKey ({ jwk }: ClientKey, thumbprint: string): boolean {
  const read = readPublicJwk(jwk)
  return 'thumbprint' in read && read.thumbprint === thumbprint
}

/** The same key under whatever kid, itself among them: those count for nothing once one of them is revoked. */
export function kidsOf ({ keys }: Client, key: ClientKey): readonly ClientKey[] {
  const read = readPublicJwk(key.jwk)
  return [...keys.values()].filter((each) => each.kid === key.kid || ('thumbprint' in read && isSameKey(each, read.thumbprint)))
}

function refused (sentence: string): OperatorError {
  return new OperatorError(sentence, { exitCode: exitCodes.refused })
}
