/**
 * Blocks for whoever got tokens lately from any process, before this one is asked: so that it goes on issuing tokens for
 * every client that is in use while the database is away.
 */
import type { Logger } from 'pino'
import type { Client } from '../clients/client.ts'
import type { Clock } from '../clock.ts'
import type { KeyRing } from '../keys/ring.ts'
import { defaultAccessTokenTtlSeconds } from '../oauth/claims.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Allocator } from './allocate.ts'
import type { StatusListStore } from './store.ts'

interface LeaseAheadDependencies {
  readonly store: Pick<StatusListStore, 'readHolders'>
  readonly allocator: Pick<Allocator, 'prepare'>
  readonly clients: { get (id: string): Client | undefined }
  readonly organizations: { get (id: string): Organization | undefined }
  readonly keys: Pick<KeyRing, 'find'>
  readonly clock: Clock
  readonly logger: Logger
}

/** In milliseconds: how often it is looked who leased, and how long ago somebody got tokens who may come again. */
export const leaseAheadLimits = { intervalMillis: 5_000, recentMillis: 26 * 3_600_000, overlapMillis: 60_000 } as const

/** @returns a function that stops it */
export function startLeasingAhead ({ store, allocator, clients, organizations, keys, clock, logger }: LeaseAheadDependencies): () => void {
  let since = clock() - leaseAheadLimits.recentMillis
  let running = false

  async function run (): Promise<void> {
    const startedAt = clock()
    for (const { clientId, credential, kid } of await store.readHolders(new Date(since))) {
      const client = clients.get(clientId)
      const organization = client === undefined ? undefined : organizations.get(client.organizationId)
      if (client === undefined || organization === undefined || client.disabledAt !== null || organization.disabledAt !== null || keys.find(kid) === undefined) continue
      const lifetimeSeconds = client.accessTokenTtlSeconds ?? defaultAccessTokenTtlSeconds
      const holder = { clientId, organizationId: organization.id, credential, kid, clientCutOff: client.tokensRevokedBefore, organizationCutOff: organization.tokensRevokedBefore }
      await allocator.prepare(holder, client.environment, clock() + lifetimeSeconds * 1000).catch((error: unknown) => { logger.debug({ err: error, clientId }, 'status_list.not_leased_ahead') })
    }
    // Clocks of processes and of the database differ a little, and what is read twice is leased once.
    since = Math.min(startedAt, clock()) - leaseAheadLimits.overlapMillis
  }

  async function runOnce (): Promise<void> {
    if (running) return
    running = true
    await run().catch((error: unknown) => { logger.debug({ err: error }, 'status_list.holders_not_read') }) // the feed says that the database is away
    running = false
  }

  const timer = setInterval(() => { void runOnce() }, leaseAheadLimits.intervalMillis)
  timer.unref()
  void runOnce()
  return () => { clearInterval(timer) }
}
