/**
 * Blocks for whoever got tokens lately from any process, before this one is asked, and for the key that is to sign next: so
 * that it goes on issuing tokens for every client that is in use while the database is away.
 */
import type { Logger } from 'pino'
import type { Client } from '../clients/client.ts'
import type { Clock } from '../clock.ts'
import type { KeyRing } from '../keys/ring.ts'
import type { SigningKey } from '../keys/signing-key.ts'
import { defaultAccessTokenTtlSeconds } from '../oauth/claims.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Allocator } from './allocate.ts'
import type { StatusListStore } from './store.ts'

interface LeaseAheadDependencies {
  readonly store: Pick<StatusListStore, 'readHolders'>
  readonly allocator: Pick<Allocator, 'prepare' | 'renew'>
  readonly clients: { get (id: string): Client | undefined }
  readonly organizations: { get (id: string): Organization | undefined }
  readonly keys: Pick<KeyRing, 'find' | 'all' | 'active'>
  readonly clock: Clock
  readonly logger: Logger
  /** How long this process goes on issuing tokens without the database. */
  readonly awayMillis: number
}

/** In milliseconds: how often it is looked who leased and whose blocks end, and how long ago somebody got tokens who may come again. */
export const leaseAheadLimits = { intervalMillis: 5_000, renewalMillis: 300_000, recentMillis: 26 * 3_600_000, overlapMillis: 180_000 } as const

/** @returns a function that stops it */
export function startLeasingAhead ({ store, allocator, clients, organizations, keys, clock, logger, awayMillis }: LeaseAheadDependencies): () => void {
  let since = -Infinity
  let renewedAt = clock()
  let running = false
  let signing = ''

  /** The keys of the family that sign while the database may be away: the one that signs now, and the one that takes over. */
  function signers ({ environment, algorithm }: Pick<SigningKey, 'environment' | 'algorithm'>): Set<string> {
    return new Set([clock(), clock() + awayMillis].flatMap((at) => keys.active(environment, algorithm, at)?.kid ?? []))
  }

  async function run (): Promise<void> {
    const startedAt = clock()
    const failures: unknown[] = []
    const recently = startedAt - leaseAheadLimits.recentMillis
    const signingNow = [...new Set(keys.all().flatMap((key) => [...signers(key)]))].sort().join(' ')
    const holders = await store.readHolders(new Date(signingNow === signing ? Math.max(since, recently) : recently), new Date(recently))
    for (const { clientId, credential, kid } of holders) {
      const client = clients.get(clientId)
      const organization = client === undefined ? undefined : organizations.get(client.organizationId)
      const key = keys.find(kid)
      if (client === undefined || organization === undefined || client.disabledAt !== null || organization.disabledAt !== null || key === undefined) continue
      const lifetimeSeconds = client.accessTokenTtlSeconds ?? defaultAccessTokenTtlSeconds
      const holder = { clientId, organizationId: organization.id, credential, clientCutOff: client.tokensRevokedBefore, organizationCutOff: organization.tokensRevokedBefore }
      for (const signer of signers(key)) {
        await allocator.prepare({ ...holder, kid: signer }, client.environment, clock() + lifetimeSeconds * 1000).catch((error: unknown) => { failures.push(error) })
      }
    }
    // Clocks differ a little, that a credential was used is written down within a minute, and what is read twice is leased once.
    if (failures.length === 0) {
      since = Math.min(startedAt, clock()) - leaseAheadLimits.overlapMillis
      signing = signingNow
    } else {
      logger.debug({ err: failures[0], failures: failures.length }, 'status_list.not_leased_ahead')
    }
    if (Math.abs(clock() - renewedAt) < leaseAheadLimits.renewalMillis) return
    renewedAt = clock()
    await allocator.renew(recently)
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
