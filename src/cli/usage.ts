/** How the use of secrets and keys is shown. */
import type { Client, ClientKey, ClientSecret } from '../clients/client.ts'
import { keyNamed, secretNamed } from '../clients/credential-name.ts'
import { recentUse, removalOfKey, removalOfSecret, type Removal, type Usages } from '../credential-usage/removal.ts'
import type { Json } from './output.ts'
import { timeOf } from './present.ts'
import type { Session } from './session.ts'

/** What a table has of it, before the reason at its end; JSON has all. */
export const usageColumns = ['last_used_at', 'tokens_minted', 'safe_to_remove'] as const

export async function readUsageOfSecrets (session: Session, client: Client): Promise<(secret: ClientSecret) => Json> {
  const usages = await session.credentialUsage.readOf(client.id)
  return (secret) => present(usages, secretNamed(secret.id), removalOfSecret(secret, client, usages, session.clock()))
}

export async function readUsageOfKeys (session: Session, client: Client): Promise<(key: ClientKey) => Json> {
  const usages = await session.credentialUsage.readOf(client.id)
  return (key) => present(usages, keyNamed(key.kid), removalOfKey(key, client, usages, session.clock()))
}

/** For whoever is about to stop it. @returns `last used 3 minutes ago`, by whichever of its names; undefined when it is not in use */
export async function readLastUse ({ credentialUsage, clock }: Session, client: Client, ...names: readonly string[]): Promise<string | undefined> {
  const usages = await credentialUsage.readOf(client.id)
  const [latest] = names.flatMap((name) => usages.get(name) ?? []).sort((one, other) => (other.lastUsedAt?.getTime() ?? 0) - (one.lastUsedAt?.getTime() ?? 0))
  return recentUse(latest, clock())
}

function present (usages: Usages, credential: string, { isSafe, because }: Removal): Json {
  const usage = usages.get(credential)
  return {
    recorded_since: timeOf(usage?.recordedSince ?? null),
    first_used_at: timeOf(usage?.firstUsedAt ?? null),
    last_used_at: timeOf(usage?.lastUsedAt ?? null),
    tokens_minted: usage?.tokensMinted ?? 0,
    safe_to_remove: isSafe,
    because
  }
}
