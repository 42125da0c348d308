/**
 * The form of generated secrets: `sgs_<environment>_<secret id>_<256 random bits>_<tag>`, all of `[A-Za-z0-9_]`.
 * The tag is a MAC over the rest and the client id, so that a forged or mistyped secret fails in microseconds,
 * before any look-up and any password hash.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Environment } from '../environment.ts'
import { base62, lowerCaseRandom } from '../identifiers.ts'

export interface SecretFormat {
  generate (clientId: string, environment: Environment): { readonly id: string, readonly secret: string }
  /** Whether the tag was made by this server for this client. Says nothing about whether the secret is still valid. */
  isGenuine (tagged: TaggedSecret, clientId: string): boolean
}

export interface TaggedSecret {
  readonly secretId: string
  readonly untagged: string
  readonly tag: string
}

const taggedForm = /^(sgs_(?:live|test)_([a-z0-9]{16})_[A-Za-z0-9]{43})_([A-Za-z0-9]{22})$/

/** @returns undefined for a secret of any other form: an imported one, or somebody else's */
export function parseTaggedSecret (secret: string): TaggedSecret | undefined {
  const [, untagged, secretId, tag] = taggedForm.exec(secret) ?? []
  if (untagged === undefined || secretId === undefined || tag === undefined) return undefined
  return { secretId, untagged, tag }
}

/** @param tagKey 32 random bytes, stored sealed */
export function createSecretFormat (tagKey: Buffer): SecretFormat {
  function tagOf (untagged: string, clientId: string): string {
    return base62(createHmac('sha256', tagKey).update(lengthPrefixed(untagged, clientId)).digest().subarray(0, 16), 22)
  }

  return {
    generate (clientId, environment) {
      const id = lowerCaseRandom(16)
      const untagged = `sgs_${environment}_${id}_${base62(randomBytes(32), 43)}`
      return { id, secret: `${untagged}_${tagOf(untagged, clientId)}` }
    },
    isGenuine: ({ untagged, tag }, clientId) => timingSafeEqual(Buffer.from(tag), Buffer.from(tagOf(untagged, clientId)))
  }
}

/** Several texts as one input of a MAC that no other texts give. */
export function lengthPrefixed (...texts: readonly string[]): Buffer {
  return Buffer.concat(texts.flatMap((text) => {
    const bytes = Buffer.from(text)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return [length, bytes]
  }))
}
