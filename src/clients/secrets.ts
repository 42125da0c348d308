/**
 * Password hashing of client secrets: argon2id with every parameter stated, one hash at a time (argon2 shares
 * libuv's four threads with everything else), in bounded lanes.
 */
import argon2 from 'argon2'
import { createTurns, type Lane } from './turns.ts'

/** @see OWASP Password Storage Cheat Sheet, argon2id: m = 19 MiB, t = 2, p = 1 */
export const argon2Parameters = { memoryKiB: 19_456, passes: 2, lanes: 1 } as const
/** A stored hash that asks for more, or for what argon2 cannot do, is refused, not run: a row must not exhaust the memory. */
const argon2Bounds = { memoryKiB: 262_144, passes: 10, lanes: 4 } as const
const maxWaiting = 32

/** Both throw an OAuthError `temporarily_unavailable` when too many are waiting. */
export interface SecretHasher {
  hash (secret: string): Promise<string>
  /** One argon2 computation. @param lane who can cause it */
  verify (hash: string, secret: string, lane: Lane): Promise<boolean>
}

export function createSecretHasher (): SecretHasher {
  const inTurn = createTurns(maxWaiting)
  return {
    hash: (secret) => inTurn('genuine', () => argon2.hash(secret, {
      type: argon2.argon2id,
      memoryCost: argon2Parameters.memoryKiB,
      timeCost: argon2Parameters.passes,
      parallelism: argon2Parameters.lanes,
      hashLength: 32
    })),
    async verify (hash, secret, lane) {
      // The same work as for any other: the time of a refusal must not tell that this client's row is damaged.
      const acceptable = isAcceptable(hash)
      const right = await inTurn(lane, () => argon2.verify(acceptable ? hash : dummyHash, secret))
      return right && acceptable
    }
  }
}

/** Of the same cost as a real one and of no known secret: what an unknown client's secret is compared with. */
export const dummyHash = '$argon2id$v=19$m=19456,t=2,p=1$c2lnbmV0LWR1bW15LXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

/** Whether the hash was made with weaker parameters than today's. */
export function isOutdated (hash: string): boolean {
  const parameters = parametersOf(hash)
  if (parameters === undefined) return false
  return parameters.memoryKiB < argon2Parameters.memoryKiB || parameters.passes < argon2Parameters.passes
}

/** Whether a stored hash is argon2id and within bounds. */
export function isAcceptable (hash: string): boolean {
  const parameters = parametersOf(hash)
  if (parameters === undefined) return false
  const { memoryKiB, passes, lanes } = parameters
  return passes >= 1 && passes <= argon2Bounds.passes && lanes >= 1 && lanes <= argon2Bounds.lanes &&
    memoryKiB >= 8 * lanes && memoryKiB <= argon2Bounds.memoryKiB // RFC 9106 §3.1
}

function parametersOf (hash: string): { memoryKiB: number, passes: number, lanes: number } | undefined {
  const [, memory, passes, lanes] = /^\$argon2id\$v=19\$m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,8})\$[\w+/]{11,88}\$[\w+/]{22,172}$/.exec(hash) ?? []
  if (memory === undefined || passes === undefined || lanes === undefined) return undefined
  return { memoryKiB: Number(memory), passes: Number(passes), lanes: Number(lanes) }
}
