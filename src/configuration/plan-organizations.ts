import type { ConfiguredOrganization } from '../organizations/store.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Draft, PlanInput } from './changes.ts'
import type { OrganizationEntry } from './document.ts'
import { belongsToAnother, heldWarning, otherOwner, settle, takenOver } from './ownership.ts'
import { longestLifetime, naming, ownApis, quoted } from './words.ts'

export function planOrganizations (input: PlanInput, draft: Draft): void {
  const existing = new Map(input.state.organizations.map((organization) => [organization.id, organization]))
  for (const [id, entry] of Object.entries(input.file.document.organizations ?? {})) {
    const current = existing.get(id)
    if (current !== undefined && belongsToAnother(current, input.file.name)) draft.refuse(['organizations', id], otherOwner(current))
    else planOne(id, entry, current, input, draft)
  }
  const wanted = Object.entries(input.file.document.organizations ?? {})
  checkNames(new Map(wanted.map(([id, { name }]) => [name, id])), input, draft)
}

function planOne (id: string, entry: OrganizationEntry, current: Organization | undefined, { file, state, now }: PlanInput, draft: Draft): void {
  const { turned, isHeld, ...disabling } = settle(current, entry.disabled ?? false, file.name, now)
  const row: ConfiguredOrganization = { id, name: entry.name, ...disabling, managedBy: file.name }
  if (isHeld) draft.warnings.push(heldWarning(`The organization ${id}`))
  if (current === undefined) {
    draft.writes.organizations.create.push(row)
    draft.note('create', 'organization', id, [quoted(entry.name), ...turned === 'off' ? ['disabled'] : []])
    return
  }
  const details = [
    ...takenOver(current),
    ...current.name === entry.name ? [] : [`renamed from ${quoted(current.name)} to ${quoted(entry.name)}`],
    ...turned === undefined ? [] : [turned === 'off' ? 'disabled' : 'enabled']
  ]
  if (details.length > 0) draft.writes.organizations.update.push(row)
  const clients = state.clients.filter(({ organizationId }) => organizationId === id)
  draft.note('update', 'organization', id, details, [
    ...turned === 'off' ? [...naming('Its clients', clients), `Its clients get no tokens any more. The tokens that they have are inactive at introspection at once and for good; ${ownApis(longestLifetime(clients, state.resources))}.`] : [],
    ...turned === 'on' ? ['The earlier tokens of its clients stay dead.'] : []
  ], turned === 'off')
}

/** A name may be taken over from an organization that gives it up in the same file, or is pruned. */
function checkNames (wanted: ReadonlyMap<string, string>, { file, state, left }: PlanInput, draft: Draft): void {
  for (const holder of state.organizations) {
    const taker = wanted.get(holder.name)
    if (taker === undefined || taker === holder.id) continue
    const isRenamed = Object.hasOwn(file.document.organizations ?? {}, holder.id)
    if (isRenamed || left.removed.has(holder)) draft.writes.parkedNames.push(holder.id)
    else draft.refuse(['organizations', taker, 'name'], `The organization ${holder.id}, which is not in the file, has this name already. Choose another name, or use its id.`)
  }
}
