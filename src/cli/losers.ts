/** Which clients lose scopes that go. */
import type { Client } from '../clients/client.ts'
import { counted, listed } from '../phrases.ts'
import { refuseManaged } from './managed.ts'

export function clientsWith (clients: readonly Client[], scopes: readonly string[]): readonly Client[] {
  return clients.filter((client) => scopes.some((name) => client.scopes.has(name)))
}

/** A file says which scopes its clients have. */
export function refuseManagedLosers (clients: readonly Client[], scopes: readonly string[]): void {
  for (const client of clientsWith(clients, scopes)) {
    const lost = scopes.filter((name) => client.scopes.has(name))
    refuseManaged(`the client ${client.id} (${client.name}), which has ${listed(lost)},`, client)
  }
}

export function describeLosers (clients: readonly Client[], scopes: readonly string[]): string {
  const losers = clientsWith(clients, scopes)
  const pronoun = scopes.length === 1 ? 'it' : 'them'
  if (losers.length === 0) return `No client has ${scopes.length === 1 ? 'it' : 'any of them'}.`
  const verb = losers.length === 1 ? 'loses' : 'lose'
  const names = losers.map(({ id, scopes: had }) => scopes.length === 1 ? id : `${id} (${listed(scopes.filter((name) => had.has(name)))})`)
  return `${counted(losers.length, 'client')} ${verb} ${pronoun}: ${listed(names)}.`
}
