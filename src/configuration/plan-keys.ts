import { isDeepStrictEqual } from 'node:util'
import { isUsableKey, type Client, type ClientKey } from '../clients/client.ts'
import { isSameKey, maxUsableKeys } from '../clients/key-registration.ts'
import { readPublicJwk, type PublicKey } from '../oauth/public-jwk.ts'
import type { Draft, PlanInput } from './changes.ts'

const liveOn = 'The tokens that were got with it live on until they expire.'

/** Keys are public, so the file holds them whole. What was revoked by hand stays so, whatever the file says. */
export function planKeys (input: PlanInput, clients: ReadonlyMap<string, Client | undefined>, draft: Draft): void {
  for (const [clientId, client] of clients) {
    const wanted = wantedKeys(input, clientId)
    const stored = client?.keys ?? new Map<string, ClientKey>()
    for (const key of wanted.values()) {
      const before = [...stored.values()].find((each) => each.kid !== key.kid && each.revokedAt !== null && isSameKey(each, key.thumbprint))
      if (before !== undefined) refuseRevoked(clientId, key, before, stored, draft)
      place(clientId, key, stored.get(key.kid), input, draft)
    }
    const revoked = new Set(input.file.document.clients?.[clientId]?.revoked_keys?.map(({ kid }) => kid))
    for (const key of stored.values()) if (key.managedBy === input.file.name && !wanted.has(key.kid) && !revoked.has(key.kid)) leave(clientId, key, input, draft)
    refuseTooMany(clientId, wanted, stored, input, draft)
  }
}

/** One that was there already when it was revoked under another kid counts for nothing either; the file is no worse for that. */
function refuseRevoked (clientId: string, { kid, thumbprint }: PublicKey, before: ClientKey, stored: ReadonlyMap<string, ClientKey>, draft: Draft): void {
  const present = stored.get(kid)
  if (present !== undefined && isSameKey(present, thumbprint)) {
    draft.warnings.push(`The key ${kid} of ${clientId} in the file was revoked by hand as ${before.kid}, and counts for nothing under either kid. Choose another key.`)
  } else {
    draft.refuse(['clients', clientId, 'keys'], `The key ${kid} is the one that was revoked as ${before.kid}. Choose another key.`)
  }
}

function wantedKeys ({ file }: PlanInput, clientId: string): ReadonlyMap<string, PublicKey> {
  const read = (file.document.clients?.[clientId]?.keys ?? []).map(readPublicJwk)
  return new Map(read.flatMap((key): [string, PublicKey][] => 'refused' in key ? [] : [[key.kid, key]]))
}

function place (clientId: string, { kid, algorithm, jwk }: PublicKey, stored: ClientKey | undefined, { file }: PlanInput, draft: Draft): void {
  const row = { clientId, kid, algorithm, jwk }
  if (stored === undefined) {
    draft.writes.keys.add.push(row)
    draft.note('create', 'key', clientId, [`${kid}, ${algorithm}`])
    return
  }
  const isSame = isDeepStrictEqual(stored.jwk, jwk)
  if (stored.revokedAt !== null) {
    if (!isSame) draft.refuse(['clients', clientId, 'keys'], `The key ${kid} was revoked, and its kid is not taken again. Give the new key a new kid.`)
    else draft.warnings.push(`The key ${kid} of ${clientId} in the file was revoked by hand and stays so. Choose another key.`)
    return
  }
  if (isSame && stored.managedBy === file.name) return
  if (isSame) {
    draft.writes.keys.adopt.push({ clientId, kid })
    draft.note('update', 'key', clientId, [`${kid} taken over by the file`])
    return
  }
  draft.writes.keys.remove.push({ clientId, kid })
  draft.writes.keys.add.push(row)
  draft.note('update', 'key', clientId, [`${kid} replaced`], [`The key before it is refused at once. ${liveOn}`], true)
}

function leave (clientId: string, key: ClientKey, { left: { leftovers } }: PlanInput, draft: Draft): void {
  const { kid, revokedAt } = key
  if (leftovers === 'keep') {
    draft.kept.push({ kind: 'key', id: clientId, reason: null })
  } else if (leftovers === 'release' || revokedAt !== null) {
    draft.writes.keys.release.push({ clientId, kid })
    draft.note('release', 'key', clientId, [`${kid} released to the command line`])
    if (leftovers === 'remove') draft.kept.push({ kind: 'key', id: clientId, reason: 'it was revoked by hand' })
  } else {
    draft.writes.keys.remove.push({ clientId, kid })
    draft.note('remove', 'key', clientId, [`${kid} left the file`], [`The key is refused at once. ${liveOn}`])
  }
}

function refuseTooMany (clientId: string, wanted: ReadonlyMap<string, PublicKey>, stored: ReadonlyMap<string, ClientKey>, { now }: PlanInput, draft: Draft): void {
  const others = [...stored.values()].filter((key) => !wanted.has(key.kid) && isUsableKey(key, now)).length
  const isNew = [...wanted.keys()].some((kid) => !stored.has(kid))
  if (isNew && others + wanted.size > maxUsableKeys) {
    draft.refuse(['clients', clientId, 'keys'], `The client would have ${others + wanted.size} usable keys, and ${maxUsableKeys} is the most. Revoke some first.`)
  }
}
