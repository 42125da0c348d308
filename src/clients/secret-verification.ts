/**
 * Is this secret the client's? Cheapest first: the tag, the state of the secret, the memory of an earlier
 * success, the stored verifier, and only then argon2, at most one computation for a request. How long a refusal
 * takes depends on the form of the secret that was presented, never on the client that it names.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { isUsable, type Client, type ClientSecret } from './client.ts'
import { secretNamed } from './credential-name.ts'
import { lengthPrefixed, parseTaggedSecret, type SecretFormat } from './secret-format.ts'
import { dummyHash, isOutdated, type SecretHasher } from './secrets.ts'
import { refused, type Verdict } from './verdict.ts'

export interface SecretCredential {
  readonly kind: 'secret'
  readonly method: 'client_secret_basic' | 'client_secret_post'
  readonly clientId: string
  readonly secret: string
}

export interface SecretVerification {
  /** @param client nobody when there is none that may authenticate; the same work is done for the same form */
  verify (credential: SecretCredential, client: Client, now: number): Promise<Verdict>
}

interface SecretVerificationDependencies {
  readonly format: SecretFormat
  readonly hasher: SecretHasher
  /** 32 random bytes, stored sealed. */
  readonly verifierKey: Buffer
  readonly hasImportedSecrets: () => boolean
  readonly store: {
    storeVerifier (secretId: string, hash: string, verifier: string): Promise<void>
    replaceHash (secretId: string, hash: string, replacement: { hash: string, verifier: string | null }): Promise<void>
  }
  readonly logger: Logger
}

/** Nobody made it, so it tells nothing about its client either. */
export const forgedSecret = 'forged secret'
export const maxSecretLength = 512
const maxRemembered = 100_000

export function createSecretVerification (dependencies: SecretVerificationDependencies): SecretVerification {
  const { format, hasher, verifierKey, hasImportedSecrets, store, logger } = dependencies
  const processKey = randomBytes(32)
  // Successes only, one for each secret that exists: attackers can neither fill it nor push others out.
  const remembered = new LRUCache<string, Buffer>({ max: maxRemembered })
  const underWay = new Map<string, Promise<boolean>>()

  async function verify (credential: SecretCredential, client: Client, now: number): Promise<Verdict> {
    if (credential.secret.length > maxSecretLength) return refused('wrong secret')
    const tagged = parseTaggedSecret(credential.secret)
    if (tagged === undefined) return await verifyImported(credential, client, now)
    if (!format.isGenuine(tagged, credential.clientId)) return refused(forgedSecret)
    const secret = client.secrets.get(tagged.secretId)
    if (secret === undefined || secret.imported) return refused('unknown secret')
    if (!isUsable(secret, now)) return refused('secret expired, disabled or revoked')
    return await isRight(client, secret, credential.secret) ? { verified: secretNamed(secret.id) } : refused('wrong secret')
  }

  /** One hash for whatever client is named, a dummy when there is nothing to compare with. */
  async function verifyImported (credential: SecretCredential, client: Client, now: number): Promise<Verdict> {
    if (!hasImportedSecrets()) return refused('unknown secret')
    const secret = [...client.secrets.values()].filter((each) => each.imported && isUsable(each, now)).at(-1)
    if (secret === undefined) {
      const fingerprint = mac(processKey, lengthPrefixed(credential.clientId, '', dummyHash, credential.secret))
      await once(fingerprint, () => hasher.verify(dummyHash, credential.secret, 'anybody'))
      return refused('unknown secret')
    }
    return await isRight(client, secret, credential.secret) ? { verified: secretNamed(secret.id) } : refused('wrong secret')
  }

  async function isRight (client: Client, secret: ClientSecret, text: string): Promise<boolean> {
    const input = lengthPrefixed(client.id, secret.id, secret.hash, text)
    const fingerprint = mac(processKey, input)
    const earlier = remembered.get(secret.id)
    if (earlier !== undefined && timingSafeEqual(earlier, fingerprint)) return true
    if (secret.verifier === null) return await hashOnce(client, secret, text, fingerprint)
    const right = isVerifier(secret.verifier, mac(verifierKey, input))
    if (right) remember(client, secret, text, fingerprint)
    return right
  }

  function remember (client: Client, secret: ClientSecret, text: string, fingerprint: Buffer): void {
    remembered.set(secret.id, fingerprint)
    keepBetter(client, secret, text)
  }

  /** Single flight: the same secret arriving many times at once is hashed once, and stored once. */
  function hashOnce (client: Client, secret: ClientSecret, text: string, fingerprint: Buffer): Promise<boolean> {
    return once(fingerprint, async () => {
      const right = await hasher.verify(secret.hash, text, secret.imported ? 'anybody' : 'genuine')
      if (right) remember(client, secret, text, fingerprint)
      return right
    })
  }

  /** A client that does not exist has its dummy hashed once too: how many wait for one hash tells nothing about it. */
  function once (fingerprint: Buffer, compute: () => Promise<boolean>): Promise<boolean> {
    const key = fingerprint.toString('base64')
    const running = underWay.get(key)
    if (running !== undefined) return running
    const started = compute().finally(() => underWay.delete(key))
    underWay.set(key, started)
    return started
  }

  /** After a success: an outdated hash is replaced, and a generated secret gets its verifier. Nobody waits for it. */
  function keepBetter (client: Client, secret: ClientSecret, text: string): void {
    const verifierFor = (hash: string): string | null => secret.imported
      ? null
      : mac(verifierKey, lengthPrefixed(client.id, secret.id, hash, text)).toString('base64url')

    async function keep (): Promise<void> {
      if (isOutdated(secret.hash)) {
        const hash = await hasher.hash(text)
        await store.replaceHash(secret.id, secret.hash, { hash, verifier: verifierFor(hash) })
        return
      }
      const verifier = verifierFor(secret.hash)
      if (verifier !== null && secret.verifier === null) await store.storeVerifier(secret.id, secret.hash, verifier)
    }

    keep().catch((error: unknown) => {
      remembered.delete(secret.id) // so that the next success tries again
      logger.warn({ err: error, clientId: client.id, secretId: secret.id }, 'secret.verifier_not_stored')
    })
  }

  return { verify }
}

function isVerifier (stored: string, expected: Buffer): boolean {
  const bytes = Buffer.from(stored, 'base64url')
  return bytes.length === expected.length && timingSafeEqual(bytes, expected)
}

function mac (key: Buffer, input: Buffer): Buffer {
  return createHmac('sha256', key).update(input).digest()
}
