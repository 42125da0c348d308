/** Which addresses a name has, as far as whoever chose the name may keep others waiting for it. */
import type { LookupAddress } from 'node:dns'
import { lookup, Resolver } from 'node:dns/promises'

/** @throws Error when the name has no address, or nobody says */
export type LookUpName = (name: string) => Promise<readonly LookupAddress[]>

/**
 * In the DNS, over sockets. The system's own way holds one of libuv's two threads for it until a name server that keeps
 * silent is given up, so that two names would keep all others waiting.
 * @param servers default: those of the system
 */
export function createDnsLookup (servers?: readonly string[]): LookUpName {
  const resolver = new Resolver({ timeout: 1_000, tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)
  return async (name) => {
    const answers = await Promise.allSettled([resolver.resolve6(name), resolver.resolve4(name)])
    const found = answers.flatMap((answer, index) => answer.status === 'fulfilled' ? answer.value.map((address) => ({ address, family: index === 0 ? 6 : 4 })) : [])
    const [failed] = answers.filter((answer) => answer.status === 'rejected')
    if (found.length === 0 && failed !== undefined) throw failed.reason
    return found
  }
}

/** As the system does it, with names of its own network: in files, by multicast, below its domain. */
export const systemLookup: LookUpName = (name) => lookup(name, { all: true })
