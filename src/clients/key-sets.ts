/**
 * The keys that clients publish at their `jwks_uri`, in memory. They are fetched when somebody names a key that is not
 * there, and not again before a while has passed: anybody can name one.
 */
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { readPublicJwk, type PublicKey } from '../oauth/public-jwk.ts'
import type { FetchKeySet } from './fetch-key-set.ts'

export interface KeySets {
  /**
   * @param keyId the key that is looked for; undefined: any
   * @param now milliseconds since the epoch
   * @returns what is known by then; nothing, where nothing could be fetched
   */
  keysAt (uri: string, keyId: string | undefined, now: number): Promise<readonly PublicKey[]>
}

interface KeySet {
  readonly keys: readonly PublicKey[]
  /** When the keys were fetched, and when that was tried for the last time; milliseconds since the epoch. */
  readonly fetchedAt: number
  readonly triedAt: number
}

/** In milliseconds but for the numbers of sets, of keys in one, and of fetches under way. */
export const keySetLimits = { freshMillis: 300_000, cooldownMillis: 30_000, staleMillis: 3_600_000, sets: 10_000, keys: 50, fetches: 16 } as const

export function createKeySets (fetch: FetchKeySet, logger: Logger): KeySets {
  const sets = new LRUCache<string, KeySet>({ max: keySetLimits.sets })
  const underWay = new Map<string, Promise<KeySet>>()

  /** What was fetched earlier is good for a while longer when it cannot be fetched again. */
  async function refresh (uri: string, known: KeySet | undefined, now: number): Promise<KeySet> {
    const set = await fetch(uri).then(keysOf).then((keys) => ({ keys, fetchedAt: now, triedAt: now }), (error: unknown) => {
      logger.warn({ err: error, uri }, 'client.keys_not_fetched')
      return { keys: known?.keys ?? [], fetchedAt: known?.fetchedAt ?? 0, triedAt: now }
    })
    sets.set(uri, set)
    return set
  }

  /** Single flight: however many ask at once, one connection is made. */
  function refreshOnce (uri: string, known: KeySet | undefined, now: number): Promise<KeySet> {
    const running = underWay.get(uri)
    if (running !== undefined) return running
    const started = refresh(uri, known, now).finally(() => underWay.delete(uri))
    underWay.set(uri, started)
    return started
  }

  function isToBeFetched (known: KeySet | undefined, keyId: string | undefined, now: number): boolean {
    if (known === undefined) return true
    // A clock that was set back waits for nothing.
    if (now - known.triedAt < keySetLimits.cooldownMillis && now >= known.triedAt) return false
    return now - known.fetchedAt >= keySetLimits.freshMillis || now < known.fetchedAt || (keyId !== undefined && !known.keys.some(({ kid }) => kid === keyId))
  }

  return {
    async keysAt (uri, keyId, now) {
      const known = sets.get(uri)
      const mayFetch = underWay.has(uri) || underWay.size < keySetLimits.fetches
      const set = mayFetch && isToBeFetched(known, keyId, now) ? await refreshOnce(uri, known, now) : known
      return set === undefined || now - set.fetchedAt > keySetLimits.staleMillis ? [] : set.keys
    }
  }
}

/**
 * Keys of other kinds are passed over, and so are those that are not acceptable.
 * @throws Error for anything but a key set
 * @see [RFC 7517 §5](https://www.rfc-editor.org/rfc/rfc7517.html#section-5)
 */
function keysOf (document: unknown): PublicKey[] {
  const keys: unknown = typeof document === 'object' && document !== null && 'keys' in document ? document.keys : undefined
  if (!Array.isArray(keys)) throw new Error('it is no JWK set')
  if (keys.length > keySetLimits.keys) throw new Error(`it has more than ${keySetLimits.keys} keys`)
  return keys.map(readPublicJwk).filter((read): read is PublicKey => !('refused' in read))
}
