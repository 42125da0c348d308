/**
 * When what clients authenticate with was used, and how many tokens it got. Requests are counted in memory, and what was
 * counted is written about once a minute; nothing is written for a request, and nothing waits for it. What a request was
 * about, and whether it may be, others know.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Client } from '../clients/client.ts'
import { kidOf } from '../clients/credential-name.ts'
import { sqlStateOf, sqlStates } from '../db.ts'
import type { CountedUsage, CredentialUsageStore } from './store.ts'

export interface CredentialUsage {
  /** @param credential what the client authenticated with: `secret:` and its id, `key:` and its kid, or `certificate` */
  used (client: UsingClient, credential: string): void
  /** A token was issued to it. */
  minted (client: UsingClient, credential: string): void
  /** Writes what was counted, if a minute has passed since the last time. What cannot be written is kept. */
  record (): Promise<void>
  /** Writes what is left, however long ago the last time was. */
  finish (): Promise<void>
}

type UsingClient = Pick<Client, 'id' | 'keys'>

interface UsageDependencies {
  readonly store: Pick<CredentialUsageStore, 'add'>
  readonly clock: Clock
  readonly logger: Logger
}

export const usageLimits = {
  intervalMillis: 60_000,
  /** Credentials that are counted between two writes, or while nothing can be written. */
  credentials: 100_000,
  /** How often, and how many milliseconds apart, it is tried to write while somebody deletes what it is about. */
  tries: 20,
  retryMillis: 25,
  /** How long a process that ends waits for its last write. */
  finishMillis: 3_000
} as const

interface Count {
  firstUsedAt: number
  lastUsedAt: number
  tokens: number
}

/** By client, and by credential. */
type Counts = Map<string, Map<string, Count>>

export function createCredentialUsage ({ store, clock, logger }: UsageDependencies): CredentialUsage {
  let counts: Counts = new Map()
  let size = 0
  let recordedAt = clock()
  let writing: Promise<void> | undefined
  let isFailing = false

  function countOf (clientId: string, credential: string, firstUsedAt: number): Count | undefined {
    let ofClient = counts.get(clientId)
    const known = ofClient?.get(credential)
    if (known !== undefined) return known
    if (size >= usageLimits.credentials) {
      if (size === usageLimits.credentials) logger.warn({ limit: usageLimits.credentials }, 'credential_usage.not_counted')
      size = usageLimits.credentials + 1 // said once, until there is room again
      return undefined
    }
    if (ofClient === undefined) counts.set(clientId, ofClient = new Map<string, Count>())
    const made: Count = { firstUsedAt, lastUsedAt: firstUsedAt, tokens: 0 }
    ofClient.set(credential, made)
    size += 1
    return made
  }

  function add (clientId: string, credential: string, firstUsedAt: number, lastUsedAt: number, tokens: number): void {
    const found = countOf(clientId, credential, firstUsedAt)
    if (found === undefined) return
    found.firstUsedAt = Math.min(found.firstUsedAt, firstUsedAt)
    found.lastUsedAt = Math.max(found.lastUsedAt, lastUsedAt) // a clock that is set back moves nothing back
    found.tokens += tokens
  }

  function count (client: UsingClient, credential: string, tokens: number): void {
    const now = clock()
    add(client.id, recordedName(client, credential), now, now, tokens)
  }

  function putBack (taken: readonly CountedUsage[]): void {
    for (const { clientId, credential, firstUsedAt, lastUsedAt, tokens } of taken) add(clientId, credential, firstUsedAt.getTime(), lastUsedAt.getTime(), tokens)
  }

  /** One statement, whatever was counted. */
  async function write (): Promise<void> {
    if (size === 0) return
    const taken = rowsOf(counts)
    counts = new Map()
    size = 0
    try {
      await addPatiently(taken)
      isFailing = false
    } catch (error) {
      putBack(taken)
      if (!isFailing) logger.warn({ err: error }, 'credential_usage.not_stored') // once, however long the database is away
      isFailing = true
    }
  }

  async function addPatiently (taken: readonly CountedUsage[]): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await store.add(taken)
        return
      } catch (error) {
        if (sqlStateOf(error) !== sqlStates.lockNotAvailable || tries === usageLimits.tries) throw error
        await pause(usageLimits.retryMillis)
      }
    }
  }

  async function writeOnce (): Promise<void> {
    writing ??= write().finally(() => { writing = undefined })
    await writing
  }

  return {
    used: (client, credential) => { count(client, credential, 0) },
    minted: (client, credential) => { count(client, credential, 1) },
    async record () {
      const now = clock()
      if (now >= recordedAt && now - recordedAt < usageLimits.intervalMillis) return
      recordedAt = now
      await writeOnce()
    },
    async finish () {
      const patience = new AbortController()
      const rest = (async () => {
        await writing
        await writeOnce()
      })()
      await Promise.race([rest, pause(usageLimits.finishMillis, undefined, { signal: patience.signal }).catch(() => {})])
      patience.abort()
    }
  }
}

/** The keys at a client's `jwks_uri` are as many as it likes, and it names them: they count as one. */
function recordedName ({ keys }: UsingClient, credential: string): string {
  const kid = kidOf(credential)
  return kid !== undefined && !keys.has(kid) ? 'jwks_uri' : credential
}

function rowsOf (counts: Counts): CountedUsage[] {
  return [...counts].flatMap(([clientId, ofClient]) => [...ofClient].map(([credential, { firstUsedAt, lastUsedAt, tokens }]) => ({
    clientId, credential, firstUsedAt: new Date(firstUsedAt), lastUsedAt: new Date(lastUsedAt), tokens
  })))
}
