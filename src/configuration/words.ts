/** How a plan puts things: names and lifetimes. */
import { lifetimeSeconds } from '../access-tokens/mint.ts'
import type { Client } from '../clients/client.ts'
import { defaultAccessTokenTtlSeconds } from '../oauth/claims.ts'
import { counted, listed } from '../phrases.ts'
import type { Resource } from '../resources/resource.ts'

export function quoted (name: string): string {
  return `"${name}"`
}

export function duration (seconds: number): string {
  for (const [unit, size] of [['day', 86_400], ['hour', 3_600], ['minute', 60]] as const) {
    if (seconds % size === 0 && (unit !== 'day' || seconds > 86_400)) return counted(seconds / size, unit)
  }
  return counted(seconds, 'second')
}

type Lifetime = Pick<Client, 'accessTokenTtlSeconds'>

/** How long the tokens of some clients for some resources may still live. */
export function longestLifetime (clients: readonly Lifetime[], resources: readonly Pick<Resource, 'accessTokenTtlSeconds'>[]): string {
  const all = clients.flatMap((client) => resources.map((resource) => lifetimeSeconds(client, [resource])))
  return duration(all.length === 0 ? defaultAccessTokenTtlSeconds : Math.max(...all))
}

/** @param whose as `Clients that have it` */
export function naming (whose: string, clients: readonly Pick<Client, 'id'>[]): readonly string[] {
  return clients.length === 0 ? [] : [`${whose}: ${listed(clients.map(({ id }) => id))}.`]
}

/** Who cannot get tokens for a resource, or introspect them, once it is gone. */
export function concerned (resource: Resource, clients: readonly Client[]): readonly string[] {
  return [
    ...naming('Clients that have scopes of it', clients.filter((client) => resource.scopes.some(({ name }) => client.scopes.has(name)))),
    ...naming('Clients that stand for it', clients.filter(({ resourceId }) => resourceId === resource.id)),
    ...naming('Clients that may exchange tokens for it', clients.filter(({ exchangeResources }) => exchangeResources.includes(resource.id)))
  ]
}

export const ownApis = (longest: string): string => `an API that verifies on its own believes them until they expire, within ${longest}`

/** Of two lists. */
export function differences (before: readonly string[], after: readonly string[]): [gained: string[], lost: string[]] {
  return [after.filter((each) => !before.includes(each)), before.filter((each) => !after.includes(each))]
}
