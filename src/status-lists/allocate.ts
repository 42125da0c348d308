/**
 * Which index a token gets. Blocks of indexes are leased for one credential of one client, ahead of need, so that nothing is
 * written for a token; and what is leased can be revoked whole, with what has not been issued yet.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { sqlStateOf, sqlStates } from '../db.ts'
import type { Environment } from '../environment.ts'
import { OAuthError, temporarilyUnavailable } from '../oauth/errors.ts'
import type { StatusLists } from './directory.ts'
import type { OwnLists, TakenIndexes } from './own-lists.ts'
import type { StatusReference } from './status-list.ts'
import type { Block, Holder, StatusListStore } from './store.ts'

/**
 * @param expiresAt of the token, in milliseconds since the epoch
 * @returns an index that no other token has
 * @throws OAuthError `temporarily_unavailable`
 */
export type Allocate = (holder: Holder, environment: Environment, expiresAt: number) => StatusReference | Promise<StatusReference>

export interface Allocator {
  readonly allocate: Allocate
  /** Leases a block for whoever has none, so that the next token does not wait for the database. @throws when it cannot be leased */
  prepare (holder: Holder, environment: Environment, expiresAt: number): Promise<void>
}

interface AllocateDependencies {
  readonly ownLists: OwnLists
  readonly statusLists: Pick<StatusLists, 'get' | 'isRevoked'>
  readonly store: Pick<StatusListStore, 'lease'>
  readonly clock: Clock
  readonly logger: Logger
}

export const allocationLimits = {
  /** Of the first block of a credential. One that is used up within `quickMillis` is followed by one `growth` times as large. */
  smallestBlock: 16,
  largestBlock: 262_144,
  growth: 4,
  quickMillis: 1_800_000,
  /** When no more than this share of a block is left the next one is leased. */
  leftWhenNextIsLeased: 0.5,
  /** Credentials that have blocks. */
  shares: 100_000,
  /** How often, and how many milliseconds apart, a lease is tried while somebody changes what it depends on. */
  tries: 20,
  retryMillis: 25
} as const

interface LeasedBlock {
  readonly listId: string
  readonly size: number
  readonly last: number
  next: number
  /** Milliseconds since the epoch. */
  readonly usableUntil: number
  /** By then every token of the block has expired. */
  readonly expiresAt: number
}

/** What one credential has of blocks: the first one is used, the second one is ahead of need. */
interface Share {
  readonly blocks: LeasedBlock[]
  leasing: Promise<void> | undefined
  /** Of the last block, and when that was leased. */
  size: number
  leasedAt: number
  /** Of its tokens, so far, in milliseconds. */
  longestLifetime: number
}

export function createAllocator ({ ownLists, statusLists, store, clock, logger }: AllocateDependencies): Allocator {
  const shares = new LRUCache<string, Share>({ max: allocationLimits.shares })

  function shareOf (holder: Holder): Share {
    const { clientId, credential, kid, clientCutOff, organizationCutOff } = holder
    const key = `${clientId} ${credential} ${kid} ${clientCutOff?.getTime() ?? ''} ${organizationCutOff?.getTime() ?? ''}`
    const known = shares.get(key)
    if (known !== undefined) return known
    const share: Share = { blocks: [], leasing: undefined, size: 0, leasedAt: 0, longestLifetime: 0 }
    shares.set(key, share)
    return share
  }

  /** The next index of the first block that is good for the token; blocks that are good for none any more are dropped. */
  function takeFrom (share: Share, expiresAt: number): StatusReference | undefined {
    for (let block = share.blocks[0]; block !== undefined; block = share.blocks[0]) {
      const { listId, next, last, usableUntil } = block
      const status = { listId, index: next }
      if (next <= last && clock() < usableUntil && expiresAt <= block.expiresAt && statusLists.get(listId) !== undefined && !statusLists.isRevoked(status)) {
        block.next += 1
        return status
      }
      share.blocks.shift()
    }
    return undefined
  }

  function isRunningOut ({ blocks: [block, ...others] }: Share): boolean {
    return block === undefined || (others.length === 0 && block.last + 1 - block.next <= block.size * allocationLimits.leftWhenNextIsLeased)
  }

  /** A block that lasted long enough is followed by one of its size: a client that comes once a day never has a large one. */
  function nextSize ({ size, leasedAt }: Share): number {
    if (size === 0) return allocationLimits.smallestBlock
    return clock() - leasedAt < allocationLimits.quickMillis ? Math.min(size * allocationLimits.growth, allocationLimits.largestBlock) : size
  }

  async function lease (share: Share, holder: Holder, environment: Environment): Promise<void> {
    const size = nextSize(share)
    const { listId, firstIndex, lastIndex, usableUntil } = await takeGood(environment, size)
    const expiresAt = usableUntil + share.longestLifetime
    const isLeased = await leasePatiently({ listId, firstIndex, lastIndex, expiresAt: new Date(expiresAt) }, holder, environment)
    if (isLeased === undefined) {
      await lease(share, holder, environment)
      return
    }
    if (!isLeased) throw stoppedMeanwhile()
    share.blocks.push({ listId, size, next: firstIndex, last: lastIndex, usableUntil, expiresAt })
    share.size = size
    share.leasedAt = clock()
  }

  /** What is not leased of a list is revoked when its database was restored: no more is taken of that list. */
  async function takeGood (environment: Environment, count: number): Promise<TakenIndexes> {
    for (;;) {
      const taken = await ownLists.take(environment, count)
      if (!statusLists.isRevoked({ listId: taken.listId, index: taken.firstIndex })) return taken
      ownLists.abandon(environment, taken.listId)
    }
  }

  /** @returns whether it is leased; undefined when the database does not know the list (any more) */
  async function leasePatiently (block: Block, holder: Holder, environment: Environment): Promise<boolean | undefined> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await store.lease(block, holder)
      } catch (error) {
        const state = sqlStateOf(error)
        if (state === sqlStates.foreignKeyViolation) {
          ownLists.abandon(environment, block.listId)
          return undefined
        }
        if (state !== sqlStates.lockNotAvailable || tries === allocationLimits.tries) throw error
        await pause(allocationLimits.retryMillis)
      }
    }
  }

  /** Single flight: however many tokens wait for a block of one credential, one is leased. */
  function leaseOnce (share: Share, holder: Holder, environment: Environment): Promise<void> {
    share.leasing ??= lease(share, holder, environment).finally(() => { share.leasing = undefined })
    return share.leasing
  }

  async function waitForBlock (share: Share, holder: Holder, environment: Environment, expiresAt: number): Promise<StatusReference> {
    try {
      for (let tries = 0; tries < allocationLimits.tries; tries += 1) {
        await leaseOnce(share, holder, environment)
        const status = takeFrom(share, expiresAt)
        if (status !== undefined) return status
      }
      throw stoppedMeanwhile()
    } catch (error) {
      throw error instanceof OAuthError ? error : temporarilyUnavailable('The status of the token cannot be stored at this moment. Send the request again.', 2, error)
    }
  }

  function shareFor (holder: Holder, expiresAt: number): Share {
    const share = shareOf(holder)
    share.longestLifetime = Math.max(share.longestLifetime, expiresAt - clock())
    return share
  }

  function allocate (holder: Holder, environment: Environment, expiresAt: number): StatusReference | Promise<StatusReference> {
    const share = shareFor(holder, expiresAt)
    const status = takeFrom(share, expiresAt)
    if (status === undefined) return waitForBlock(share, holder, environment, expiresAt)
    if (isRunningOut(share) && share.leasing === undefined) {
      leaseOnce(share, holder, environment).catch((error: unknown) => { logger.warn({ err: error, clientId: holder.clientId }, 'status_list.not_leased_ahead') })
    }
    return status
  }

  return {
    allocate,
    async prepare (holder, environment, expiresAt) {
      const share = shareFor(holder, expiresAt)
      if (share.blocks.length === 0) await leaseOnce(share, holder, environment)
    }
  }
}

function stoppedMeanwhile (): OAuthError {
  return temporarilyUnavailable('The client was stopped or changed while the request was under way. Send it again, with new assertions and proofs.', 1, 'stopped meanwhile')
}
