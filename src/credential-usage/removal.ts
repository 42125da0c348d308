/** Is a secret or key safe to remove: does nobody come with it any more, and is it needed for nothing else? Pure. */
import { isUsable, isUsableKey, type Client, type ClientKey, type ClientSecret } from '../clients/client.ts'
import { keyNamed, secretNamed } from '../clients/credential-name.ts'
import { kidsOf } from '../clients/key-registration.ts'
import { maxAccessTokenTtlSeconds } from '../oauth/claims.ts'
import { spanOf } from '../phrases.ts'
import { expiryLimits } from './expiring.ts'
import type { UsageRow } from './store.ts'

export interface Removal {
  readonly isSafe: boolean
  /** In words. */
  readonly because: string
}

export type Usages = ReadonlyMap<string, UsageRow>

/** Whatever lifetime its client and resources had: by then the last token that was got with it has expired. */
const longestTokenMillis = maxAccessTokenTtlSeconds * 1000

export function removalOfSecret (secret: ClientSecret, client: Client, usages: Usages, now: number): Removal {
  return removalOf(secretNamed(secret.id), secret, client, usages, now)
}

/** Whoever revokes a key revokes it under every kid that it has: it is safe when it is so under each. */
export function removalOfKey (key: ClientKey, client: Client, usages: Usages, now: number): Removal {
  const others = kidsOf(client, key).filter(({ kid }) => kid !== key.kid)
  const names = new Set([key, ...others].map(({ kid }) => keyNamed(kid)))
  const judge = (each: ClientKey): Removal => removalOf(keyNamed(each.kid), { ...each, disabledAt: null }, client, usages, now, names)
  const own = judge(key)
  if (!own.isSafe) return own
  for (const each of others) {
    const { isSafe, because } = judge(each)
    if (!isSafe) return { isSafe, because: `the same key as ${each.kid}: ${because}` }
  }
  return own
}

/** The latest that is known of its use, as long as it counts as in use. */
export function recentUse (usage: UsageRow | undefined, now: number): string | undefined {
  const lastUsedAt = usage?.lastUsedAt?.getTime()
  return lastUsedAt !== undefined && isRecent(lastUsedAt, now) ? `last used ${spanOf(now - lastUsedAt)} ago` : undefined
}

type Removable = Pick<ClientSecret, 'createdAt' | 'expiresAt' | 'revokedAt' | 'disabledAt'>

/** @param itself every name that it is used under */
function removalOf (credential: string, removable: Removable, client: Client, usages: Usages, now: number, itself: ReadonlySet<string> = new Set([credential])): Removal {
  const stopped = stopOf(removable, now)
  if (stopped !== undefined) return removalOfStopped(stopped, now)
  const usage = usages.get(credential)
  const recent = recentUse(usage, now)
  if (recent !== undefined) return { isSafe: false, because: recent }
  return removalOfUnused(usage, removable.createdAt, isAnotherUsed(itself, client, usages, now), now)
}

interface Stop {
  readonly how: string
  readonly at: number
}

/** What ended it first. */
function stopOf ({ revokedAt, disabledAt, expiresAt }: Removable, now: number): Stop | undefined {
  return Object.entries({ revoked: revokedAt, disabled: disabledAt, expired: expiresAt })
    .flatMap(([how, at]) => at === null || (how === 'expired' && at.getTime() > now) ? [] : [{ how, at: at.getTime() }])
    .sort((one, other) => one.at - other.at)[0]
}

function removalOfStopped ({ how, at }: Stop, now: number): Removal {
  const since = `${how} ${spanOf(now - at)} ago`
  if (now - at >= longestTokenMillis) return { isSafe: true, because: `${since}: the last token that was got with it has expired` }
  return { isSafe: false, because: `${since}: tokens that were got with it may live until ${dateOf(at + longestTokenMillis)}` }
}

/** Nobody has come with it lately, as far as anybody knows. */
function removalOfUnused (usage: UsageRow | undefined, createdAt: Date, isAnotherUsed: boolean, now: number): Removal {
  const madeAt = createdAt.getTime()
  const lastUsedAt = usage?.lastUsedAt?.getTime()
  const recordedSince = Math.max(madeAt, usage?.recordedSince?.getTime() ?? madeAt)
  const idle = now - Math.max(recordedSince, lastUsedAt ?? recordedSince)
  const isUnknownBefore = recordedSince > Math.max(madeAt, lastUsedAt ?? madeAt)
  const isNeverUsed = lastUsedAt === undefined && !isUnknownBefore
  const described = [
    isNeverUsed ? `never used since it was made ${spanOf(now - madeAt)} ago` : lastUsedAt === undefined ? undefined : `last used ${spanOf(now - lastUsedAt)} ago`,
    isUnknownBefore ? `unknown before ${dateOf(recordedSince)}, and not used since` : undefined
  ].filter((each) => each !== undefined).join(', ')
  if (idle < expiryLimits.inUseMillis) return { isSafe: false, because: described }
  if (isNeverUsed) return { isSafe: true, because: described }
  if (isAnotherUsed) return { isSafe: true, because: `${described}; the client uses another one` }
  return { isSafe: false, because: `${described}; the client uses no other one, so ask its owner` }
}

/** Another secret or key of the client, its certificate or what it publishes: usable, and used lately. */
function isAnotherUsed (itself: ReadonlySet<string>, client: Client, usages: Usages, now: number): boolean {
  const usable = new Set([
    ...[...client.secrets.values()].filter((secret) => isUsable(secret, now)).map(({ id }) => secretNamed(id)),
    ...[...client.keys.values()].filter((key) => isUsableKey(key, now)).map(({ kid }) => keyNamed(kid)),
    ...client.jwksUri === null ? [] : ['jwks_uri'],
    ...client.certificateSubject === null && client.certificateThumbprints.length === 0 ? [] : ['certificate']
  ])
  return [...usages.values()].some(({ credential: other, lastUsedAt }) => !itself.has(other) && usable.has(other) && lastUsedAt !== null && isRecent(lastUsedAt.getTime(), now))
}

function isRecent (time: number, now: number): boolean {
  return now - time < expiryLimits.inUseMillis
}

function dateOf (millis: number): string {
  return new Date(millis).toISOString().slice(0, 10)
}
