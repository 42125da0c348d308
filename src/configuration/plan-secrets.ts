import { isUsable, type Client, type ClientSecret } from '../clients/client.ts'
import { maxUsableSecrets } from '../clients/registration.ts'
import type { Draft, PlanInput, SecretFact } from './changes.ts'

const liveOn = 'The tokens that were got with it live on until they expire.'

export function planSecrets (input: PlanInput, clients: ReadonlyMap<string, Client | undefined>, draft: Draft): void {
  for (const [id, client] of clients) {
    const stored = [...client?.secrets.values() ?? []]
    // What was revoked by hand stays for good, so that no file brings it back.
    const owned = stored.filter(({ managedBy, revokedAt }) => managedBy === input.file.name && revokedAt === null)
    const fact = input.secrets.get(id)
    if (fact === undefined) remove(id, owned, draft)
    else if (fact.storedId === undefined) replace(id, fact, stored, owned, input, draft)
    else keep(id, fact.storedId, stored, owned, input, draft)
  }
}

function remove (clientId: string, owned: readonly ClientSecret[], draft: Draft): void {
  if (owned.length === 0) return
  draft.writes.secrets.remove.push(...owned.map(({ id }) => id))
  draft.note('remove', 'secret', clientId, ['it left the file'], [`The secret of the file is refused at once. ${liveOn}`])
}

function replace (clientId: string, { hash }: SecretFact, stored: readonly ClientSecret[], owned: readonly ClientSecret[], { now, newId }: PlanInput, draft: Draft): void {
  if (hash === undefined) throw new Error('a secret was not hashed before it was planned')
  const others = stored.filter((secret) => isUsable(secret, now) && !owned.includes(secret))
  if (others.length >= maxUsableSecrets) {
    draft.refuse(['clients', clientId, 'secret'], `The client has ${others.length} usable secrets besides, and ${maxUsableSecrets} is the most. Revoke one first.`)
  }
  draft.writes.secrets.remove.push(...owned.map(({ id }) => id))
  draft.writes.secrets.add.push({ id: newId('secret'), clientId, hash })
  if (owned.length === 0) draft.note('create', 'secret', clientId, ['imported'])
  else draft.note('update', 'secret', clientId, ['replaced'], [`The secret before it is refused at once. ${liveOn}`])
}

function keep (clientId: string, storedId: string, stored: readonly ClientSecret[], owned: readonly ClientSecret[], { file, now }: PlanInput, draft: Draft): void {
  const kept = stored.find(({ id }) => id === storedId)
  const others = owned.filter(({ id }) => id !== storedId)
  draft.writes.secrets.remove.push(...others.map(({ id }) => id))
  if (others.length > 0) draft.note('update', 'secret', clientId, ['the one before it removed'], [`The secret before it is refused at once. ${liveOn}`])
  if (kept === undefined) return
  if (kept.revokedAt !== null) {
    draft.warnings.push(`The secret of ${clientId} in the file was revoked by hand and stays so. Choose another secret.`)
    return
  }
  if (!isUsable(kept, now)) draft.warnings.push(`The secret of ${clientId} in the file was disabled by hand or has expired, and stays so. Enable it by hand, or choose another secret.`)
  if (kept.managedBy === file.name) return
  draft.writes.secrets.adopt.push(kept.id)
  draft.note('update', 'secret', clientId, ['taken over by the file'])
}
