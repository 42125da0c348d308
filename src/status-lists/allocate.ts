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
import { temporarilyUnavailable } from '../oauth/errors.ts'
import type { StatusLists } from './directory.ts'
import type { OwnLists, TakenIndexes } from './own-lists.ts'
import { addBlock, isRunningOut, newShare, nextSize, takeFrom, type Share } from './share.ts'
import type { StatusReference } from './status-list.ts'
import type { Block, Holder, StatusListStore } from './store.ts'

/**
 * @param expiresAt of the token, in milliseconds since the epoch
 * @returns an index that no other token has; undefined where the database knows of a change, to the client or to a key, that
 *   this process has not heard of yet
 * @throws OAuthError `temporarily_unavailable`
 */
export type Allocate = (holder: Holder, environment: Environment, expiresAt: number) => StatusReference | Promise<StatusReference | undefined>

export interface Allocator {
  readonly allocate: Allocate
  /** Leases what it takes to go on for whoever it is while the database is away. @throws when it cannot be leased */
  prepare (holder: Holder, environment: Environment, expiresAt: number): Promise<void>
  /** The same, as far as it can be done, for every credential that was used here since then. */
  renew (usedSince: number): Promise<void>
}

interface AllocateDependencies {
  readonly ownLists: OwnLists
  readonly statusLists: Pick<StatusLists, 'get' | 'isRevoked'>
  readonly store: Pick<StatusListStore, 'lease'>
  readonly clock: Clock
  readonly logger: Logger
  /** How long this process goes on issuing tokens without the database. */
  readonly awayMillis: number
}

export const allocationLimits = {
  /** Credentials that have blocks. */
  shares: 100_000,
  /** How often, and how many milliseconds apart, a lease is tried while somebody changes what it depends on. */
  tries: 20,
  retryMillis: 25,
  /** How long a lease ahead of need that failed is not tried again. */
  restMillis: 1_000
} as const

export function createAllocator ({ ownLists, statusLists, store, clock, logger, awayMillis }: AllocateDependencies): Allocator {
  const shares = new LRUCache<string, Share>({ max: allocationLimits.shares })

  function shareFor (holder: Holder, environment: Environment, expiresAt: number): Share {
    const { clientId, organizationId, credential, kid, clientCutOff, organizationCutOff } = holder
    const key = `${clientId} ${organizationId} ${credential} ${kid} ${clientCutOff?.getTime() ?? ''} ${organizationCutOff?.getTime() ?? ''}`
    const share = shares.get(key) ?? newShare(holder, environment)
    if (share.leasedAt === 0) shares.set(key, share)
    share.longestLifetime = Math.max(share.longestLifetime, expiresAt - clock())
    return share
  }

  function take (share: Share, expiresAt: number): StatusReference | undefined {
    return takeFrom(share, clock(), ({ listId, next, expiresAt: last }) => expiresAt <= last && statusLists.get(listId) !== undefined && !statusLists.isRevoked({ listId, index: next }))
  }

  /** @returns whether there is a block more: not where the database knows better who the holder is */
  async function lease (share: Share): Promise<boolean> {
    const size = nextSize(share, clock(), awayMillis)
    const { listId, firstIndex, lastIndex, usableUntil } = await takeGood(share.environment, size)
    const expiresAt = usableUntil + share.longestLifetime
    const isLeased = await leasePatiently({ listId, firstIndex, lastIndex, expiresAt: new Date(expiresAt) }, share)
    if (isLeased === undefined) return await lease(share)
    if (isLeased) addBlock(share, { listId, next: firstIndex, last: lastIndex, usableUntil, expiresAt }, clock())
    return isLeased
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
  async function leasePatiently (block: Block, { holder, environment }: Share): Promise<boolean | undefined> {
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
  function leaseOnce (share: Share): Promise<boolean> {
    share.leasing ??= lease(share).finally(() => { share.leasing = undefined })
    return share.leasing
  }

  async function waitForBlock (share: Share, expiresAt: number): Promise<StatusReference | undefined> {
    try {
      for (let tries = 0; tries < allocationLimits.tries; tries += 1) {
        if (!await leaseOnce(share)) return undefined
        const status = take(share, expiresAt)
        if (status !== undefined) return status
      }
      return undefined
    } catch (error) {
      throw temporarilyUnavailable('The status of the token cannot be stored at this moment. Send the request again.', 2, error)
    }
  }

  function isWanting (share: Share): boolean {
    return share.leasing === undefined && isRunningOut(share, clock(), awayMillis) && Math.abs(clock() - share.failedAt) > allocationLimits.restMillis
  }

  async function leaseAhead (share: Share): Promise<void> {
    await leaseOnce(share).catch((error: unknown) => {
      share.failedAt = clock()
      logger.warn({ err: error, clientId: share.holder.clientId }, 'status_list.not_leased_ahead')
    })
  }

  return {
    allocate (holder, environment, expiresAt) {
      const share = shareFor(holder, environment, expiresAt)
      const status = take(share, expiresAt)
      if (status === undefined) return waitForBlock(share, expiresAt)
      if (isWanting(share)) void leaseAhead(share)
      return status
    },
    async prepare (holder, environment, expiresAt) {
      const share = shareFor(holder, environment, expiresAt)
      if (isRunningOut(share, clock(), awayMillis)) await leaseOnce(share)
    },
    async renew (usedSince) {
      for (const share of [...shares.values()].filter((each) => each.usedAt > usedSince && isWanting(each))) await leaseAhead(share)
    }
  }
}
