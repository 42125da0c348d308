/** Nonces that say when a proof was made by our clock. Nothing is stored: every process that has the key knows them. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../clock.ts'

export interface Nonces {
  /** The one to hand out. */
  current (): string
  isFresh (nonce: string): boolean
}

/** A nonce is good for one to two of these. */
const stepMillis = 120_000

/**
 * @param key of this purpose, the same in all processes
 * @see [RFC 9449 §8](https://www.rfc-editor.org/rfc/rfc9449.html#section-8)
 */
export function createNonces (key: Buffer, clock: Clock): Nonces {
  function nonceOf (step: number): string {
    return createHmac('sha256', key).update(String(step)).digest('base64url')
  }
  const currentStep = (): number => Math.floor(clock() / stepMillis)
  return {
    current: () => nonceOf(currentStep()),
    isFresh (nonce) {
      const given = Buffer.from(nonce)
      // The one to come too: another instance's clock may be ahead.
      return [-1, 0, 1].map((offset) => Buffer.from(nonceOf(currentStep() + offset)))
        .some((expected) => expected.length === given.length && timingSafeEqual(expected, given))
    }
  }
}
