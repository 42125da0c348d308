/**
 * What may be used once: the identifiers (`jti`) of assertions and proofs. It knows owners and identifiers, not
 * what they are for. One insert decides, so that of several uses at the same moment, in whatever process, one wins.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { temporarilyUnavailable } from '../oauth/errors.ts'
import type { UsedIdentifierStore } from './store.ts'

export interface ReplayGuard {
  /**
   * The last check of whatever carries the identifier: what was used is used up.
   * @param owner whose identifiers these are: a client id, or a key's thumbprint
   * @param kind of what carries it, so that an assertion's identifier is none of a proof's
   * @param expiresAt from when on its carrier is refused as too old, in milliseconds since the epoch
   * @returns whether this is its first use
   * @throws OAuthError `temporarily_unavailable` when that cannot be stored
   */
  use (owner: string, kind: 'assertion' | 'proof', identifier: string, expiresAt: number): Promise<boolean>
  /** Forgets what would be refused as too old by now. @returns how many rows went */
  purgeExpired (): Promise<number>
}

/** Kept a little longer, for clocks that differ. */
const graceMillis = 60_000

/** @see [RFC 7523 §3](https://www.rfc-editor.org/rfc/rfc7523.html#section-3) (point 7) */
export function createReplayGuard (store: UsedIdentifierStore, clock: Clock): ReplayGuard {
  return {
    async use (owner, kind, identifier, expiresAt) {
      const digest = createHash('sha256').update(`${kind} ${identifier}`).digest()
      try {
        return await store.add({ owner, digest, expiresAt: new Date(expiresAt + graceMillis) })
      } catch (error) {
        throw temporarilyUnavailable('The use of the jti could not be stored. Send the request again, with a new jti.', 2, error)
      }
    },
    purgeExpired: () => store.purge(new Date(clock()))
  }
}
