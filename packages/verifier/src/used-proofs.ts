/** The proofs that this process has seen, for as long as they could be sent again. */
import { createHash } from 'node:crypto'
import { Unavailable } from './refusal.ts'

export interface UsedProofs {
  /**
   * @returns whether this is the first use
   * @throws Unavailable when there is no room: to forget a proof would be to accept it twice
   */
  use (thumbprint: string, identifier: string): boolean
}

export interface UsedProofsOptions {
  /** For how long a proof can be used, whatever its `iat`. */
  readonly lifetimeSeconds: number
  readonly maxProofs: number
  readonly now: () => number
}

export function createUsedProofs ({ lifetimeSeconds, maxProofs, now }: UsedProofsOptions): UsedProofs {
  /** Up to when each is good, that moment included. All are kept for equally long, so they expire in the order in which they came. */
  const seen = new Map<string, number>()

  function forgetExpired (): void {
    for (const [proof, until] of seen) {
      if (until >= now()) break
      seen.delete(proof)
    }
  }

  return {
    use (thumbprint, identifier) {
      const proof = createHash('sha256').update(`${thumbprint} ${identifier}`).digest('base64url')
      forgetExpired()
      if (seen.has(proof)) return false
      if (seen.size >= maxProofs) throw new Unavailable(`${maxProofs} proofs were used within ${lifetimeSeconds} seconds`)
      seen.set(proof, now() + lifetimeSeconds * 1_000)
      return true
    }
  }
}
