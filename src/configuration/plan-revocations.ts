/**
 * What the file revokes: tokens up to a moment, secrets, keys, and tokens one by one. Nothing that is revoked comes back, so what is
 * revoked already, or is not there any more, is no change.
 */
import type { Client, ClientKey, ClientSecret } from '../clients/client.ts'
import { kidsOf } from '../clients/key-registration.ts'
import type { CutOff } from '../organizations/store.ts'
import { listIdAtEnd } from '../status-lists/status-list.ts'
import type { Draft, PlanInput } from './changes.ts'
import type { ClientEntry, OrganizationEntry } from './document.ts'
import { belongsToAnother } from './ownership.ts'

const withIt = 'The tokens that were got with it are dead, for good.'

/** @returns the clients with what is revoked of them, as others are to see them */
export function planRevocations (input: PlanInput, clients: ReadonlyMap<string, Client | undefined>, draft: Draft): ReadonlyMap<string, Client | undefined> {
  const { file: { document, name }, state } = input
  const organizations = new Map(state.organizations.map((organization) => [organization.id, organization]))
  for (const [id, entry] of Object.entries(document.organizations ?? {})) {
    const current = organizations.get(id)
    if (!belongsToAnother(current, name)) revokeUntil('organization', id, entry, current?.tokensRevokedBefore, draft.writes.revoke.organizations, input, draft)
  }
  planTokens(input, draft)
  return new Map([...clients].map(([id, current]): [string, Client | undefined] => {
    const entry = document.clients?.[id]
    if (entry === undefined) return [id, current]
    revokeUntil('client', id, entry, current?.tokensRevokedBefore, draft.writes.revoke.clients, input, draft)
    return [id, revokeCredentials(id, entry, current, input, draft)]
  }))
}

function revokeUntil (
  kind: 'organization' | 'client', id: string, entry: OrganizationEntry | ClientEntry, current: Date | null | undefined, writes: (CutOff & { reason: string | undefined })[], { now }: PlanInput, draft: Draft
): void {
  if (entry.tokens_revoked_before === undefined) return
  const before = new Date(entry.tokens_revoked_before)
  if (before.getTime() > now) {
    draft.refuse([`${kind}s`, id, 'tokens_revoked_before'], 'It lies ahead, and no token could be issued until then. Give a moment that has passed.')
  } else if (before.getTime() > (current?.getTime() ?? -Infinity)) {
    writes.push({ id, before, reason: entry.revocation_reason })
    draft.note('update', kind, id, [`tokens until ${before.toISOString()} revoked`], [
      `The tokens that ${kind === 'client' ? 'it was' : 'its clients were'} issued until then are dead, for good: at introspection at once, in their status lists within a minute.`
    ], true)
  }
}

function revokeCredentials (clientId: string, entry: ClientEntry, current: Client | undefined, { now }: PlanInput, draft: Draft): Client | undefined {
  const secrets = new Map<string, ClientSecret>(current?.secrets)
  const keys = new Map<string, ClientKey>(current?.keys)
  const revokedAt = new Date(now)
  for (const { id, reason } of entry.revoked_secrets ?? []) {
    const secret = secrets.get(id)
    if (secret === undefined) draft.warnings.push(`There is no secret ${id} of ${clientId}, and nothing to revoke.`)
    if (secret?.revokedAt !== null) continue
    secrets.set(id, { ...secret, revokedAt })
    draft.writes.revoke.secrets.push({ id, clientId, reason })
    draft.note('update', 'secret', clientId, [`${id} revoked`], [withIt], true)
  }
  for (const { kid, reason } of entry.revoked_keys ?? []) {
    if ((entry.keys ?? []).some((key) => key.kid === kid)) draft.refuse(['clients', clientId, 'revoked_keys'], `The key ${kid} is among keys too. Take it out of one of them.`)
    const key = keys.get(kid)
    if (key === undefined || current === undefined) draft.warnings.push(`There is no key ${kid} of ${clientId}, and nothing to revoke.`)
    else {
      for (const each of kidsOf({ ...current, keys }, key).filter((same) => same.revokedAt === null)) {
        keys.set(each.kid, { ...each, revokedAt })
        draft.writes.revoke.keys.push({ clientId, kid: each.kid, reason })
        draft.note('update', 'key', clientId, [`${each.kid} revoked`], [withIt], true)
      }
    }
  }
  return current === undefined ? undefined : { ...current, secrets, keys }
}

function planTokens ({ file: { document }, state }: PlanInput, draft: Draft): void {
  const seen = new Set<string>()
  for (const { list, index, reason } of document.revoked_tokens ?? []) {
    const listId = listIdAtEnd(list)
    const id = `${listId}/${index}`
    const isRevoked = state.tokens.get(id)
    if (isRevoked === undefined) draft.warnings.push(`There is no status list ${listId}: its tokens have expired. The token ${id} need not be in the file any more.`)
    if (isRevoked !== false || seen.has(id)) continue
    seen.add(id)
    draft.writes.revoke.tokens.push({ listId, index, reason })
    draft.note('update', 'token', id, ['revoked'], ['It is dead, for good, and so are those that were exchanged for it.'], true)
  }
}
