/** Says in the log, once a day and by one process of all, which secrets and keys are in use and expire soon. */
import type { Logger } from 'pino'
import { kidOf, secretIdOf } from '../clients/credential-name.ts'
import type { Clock } from '../clock.ts'
import type { CredentialUsageStore, EndingCredential, EndingWindow } from './store.ts'

const dayMillis = 86_400_000

/** In milliseconds: how soon is soon, how long ago is no longer in use, and how often a process looks. */
export const expiryLimits = { soonMillis: 14 * dayMillis, inUseMillis: 30 * dayMillis, lookMillis: 600_000 } as const

interface WarnDependencies {
  readonly store: Pick<CredentialUsageStore, 'claimEnding'>
  readonly clock: Clock
  readonly logger: Logger
}

export function endingWindow (now: number): EndingWindow {
  return { now: new Date(now), until: new Date(now + expiryLimits.soonMillis), usedSince: new Date(now - expiryLimits.inUseMillis) }
}

/** @returns to be called now and then; it looks when it is time again, and waits for the database to come back */
export function createWarnOfExpiry ({ store, clock, logger }: WarnDependencies): () => Promise<void> {
  let lookedAt = -Infinity

  function warn ({ clientId, credential, expiresAt, lastUsedAt }: EndingCredential): void {
    const secretId = secretIdOf(credential)
    if (secretId === undefined) logger.warn({ clientId, kid: kidOf(credential), expiresAt, lastUsedAt }, 'client.key_expiring')
    else logger.warn({ clientId, secretId, expiresAt, lastUsedAt }, 'secret.expiring')
  }

  return async () => {
    const now = clock()
    if (now >= lookedAt && now - lookedAt < expiryLimits.lookMillis) return
    lookedAt = now
    try {
      for (const ending of await store.claimEnding(endingWindow(now))) warn(ending)
    } catch (error) {
      logger.debug({ err: error }, 'credential_usage.not_read') // the feed says that the database is away
    }
  }
}
