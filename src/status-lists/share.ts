/** What one credential has of blocks in this process: which index is next, and whether more are to be leased. */
import type { Environment } from '../environment.ts'
import type { StatusReference } from './status-list.ts'
import type { Holder } from './store.ts'

export const shareLimits = {
  /** How many indexes are left, at least, when more are leased: at first, and at most. A block has twice as many, up to `largestBlock`. */
  smallestReserve: 8,
  largestReserve: 4_194_304,
  /** What lasts for less than the longest time without a database is followed by so many times as many. */
  growth: 4,
  largestBlock: 262_144
} as const

export interface LeasedBlock {
  readonly listId: string
  readonly last: number
  next: number
  /** Milliseconds since the epoch. */
  readonly usableUntil: number
  /** By then every token of the block has expired. */
  readonly expiresAt: number
}

export interface Share {
  readonly holder: Holder
  readonly environment: Environment
  /** Used in this order. */
  readonly blocks: LeasedBlock[]
  leasing: Promise<boolean> | undefined
  /** Of a lease ahead of need that failed. */
  failedAt: number
  /** How many indexes its blocks have left. */
  left: number
  reserve: number
  /** How many were taken since the last lease, and when that was. */
  taken: number
  leasedAt: number
  /** When the last one was taken. */
  usedAt: number
  /** Of its tokens, so far, in milliseconds. */
  longestLifetime: number
}

export function newShare (holder: Holder, environment: Environment): Share {
  return { holder, environment, blocks: [], leasing: undefined, failedAt: 0, left: 0, reserve: shareLimits.smallestReserve, taken: 0, leasedAt: 0, usedAt: 0, longestLifetime: 0 }
}

/** The next index of the first block that is good; blocks that are good for nothing any more are dropped. */
export function takeFrom (share: Share, now: number, isGood: (block: LeasedBlock) => boolean): StatusReference | undefined {
  for (let block = share.blocks[0]; block !== undefined; block = share.blocks[0]) {
    if (block.next <= block.last && now < block.usableUntil && isGood(block)) {
      const status = { listId: block.listId, index: block.next }
      block.next += 1
      share.left -= 1
      share.taken += 1
      share.usedAt = now
      return status
    }
    share.left -= block.last + 1 - block.next
    share.blocks.shift()
  }
  return undefined
}

/** Whether what is left may not last for so many milliseconds, which is how long the database may be away. */
export function isRunningOut ({ blocks, left, reserve }: Share, now: number, awayMillis: number): boolean {
  const newest = blocks.at(-1)
  return newest === undefined || left <= reserve || newest.usableUntil - awayMillis <= now
}

/** Before a lease. @returns how many indexes it is for: a client that comes once a day never has a large block */
export function nextSize (share: Share, now: number, awayMillis: number): number {
  const usedWhileAway = share.taken / Math.max(now - share.leasedAt, 1) * awayMillis
  if (share.leasedAt > 0 && usedWhileAway > share.reserve) share.reserve = Math.min(share.reserve * shareLimits.growth, shareLimits.largestReserve)
  return Math.min(share.reserve * 2, shareLimits.largestBlock)
}

export function addBlock (share: Share, block: LeasedBlock, now: number): void {
  share.blocks.push(block)
  share.left += block.last + 1 - block.next
  share.taken = 0
  share.leasedAt = now
}
