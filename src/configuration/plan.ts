/** What to change so that the database is as the file says. Pure. */
import type { ConfiguredResource, ConfiguredScope } from '../resources/store.ts'
import type { Draft, Plan, PlanInput } from './changes.ts'
import { createDraft } from './changes.ts'
import type { Mistake } from './mistakes.ts'
import { planClients, type Afterwards } from './plan-clients.ts'
import { planLeft } from './plan-left.ts'
import { planOrganizations } from './plan-organizations.ts'
import { planResources, planScopes } from './plan-resources.ts'
import { planSecrets } from './plan-secrets.ts'
import { checkReferences } from './references.ts'

/** The plan must not be carried out when there are mistakes. */
export function plan (input: PlanInput): { readonly plan: Plan, readonly mistakes: readonly Mistake[] } {
  const draft: Draft = createDraft(input.file)
  draft.mistakes.push(...checkReferences(input.file, input.state, input.left.removed))
  planOrganizations(input, draft)
  const resources = planResources(input, draft)
  const scopes = planScopes(input, resources, draft)
  const clients = planClients(input, afterwards(input, resources, scopes), draft)
  planSecrets(input, clients, draft)
  planLeft(input, draft)
  return { plan: draft, mistakes: draft.mistakes }
}

function afterwards ({ state, left }: PlanInput, resources: ReadonlyMap<string, ConfiguredResource>, scopes: ReadonlyMap<string, ConfiguredScope>): Afterwards {
  const untouched = state.resources.flatMap((resource) => resource.scopes).filter((scope) => !left.removed.has(scope) && !scopes.has(scope.name))
  const identifiers = [...state.resources, ...resources.values()].map(({ identifier, id }): [string, string] => [identifier, id])
  return { resources: new Map(identifiers), scopes: [...untouched, ...scopes.values()].sort((one, other) => one.name < other.name ? -1 : 1) }
}
