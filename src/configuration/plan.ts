/** What to change so that the database is as the file says. Pure. */
import type { ConfiguredResource, ConfiguredScope } from '../resources/store.ts'
import type { Draft, Plan, PlanInput } from './changes.ts'
import { createDraft } from './changes.ts'
import { filledUp, saysItsName, saysWhatLeft } from './fill.ts'
import { findLeft, type Leftovers } from './leaving.ts'
import type { Mistake } from './mistakes.ts'
import { planClients, type Afterwards } from './plan-clients.ts'
import { planKeys } from './plan-keys.ts'
import { planLeft } from './plan-left.ts'
import { planOrganizations } from './plan-organizations.ts'
import { planRevocations } from './plan-revocations.ts'
import { planResources, planScopes } from './plan-resources.ts'
import { planSecrets } from './plan-secrets.ts'
import type { ReadFile } from './read.ts'
import { checkReferences } from './references.ts'
import type { State } from './state.ts'

/** The plan must not be carried out when there are mistakes. */
export function plan (input: PlanInput): { readonly plan: Plan, readonly mistakes: readonly Mistake[] } {
  const draft = planAll(input)
  return { plan: draft, mistakes: [...checkReferences(input.file, input.state, input.left.removed), ...draft.mistakes] }
}

/** What the database has against a file that has mistakes of its own already, so that all are told at once. */
export function checkAgainst (state: State, file: ReadFile, leftovers: Leftovers): readonly Mistake[] {
  const left = findLeft(file, state, saysWhatLeft(file) ? leftovers : 'keep')
  const references = checkReferences(file, state, left.removed)
  if (!saysItsName(file)) return references
  const { mistakes } = planAll({ file: { ...file, document: filledUp(file.document) }, state, secrets: new Map(), left, now: 0, newId: () => '' })
  return [...references, ...mistakes]
}

function planAll (input: PlanInput): Draft {
  const draft = createDraft(input.file)
  planOrganizations(input, draft)
  const resources = planResources(input, draft)
  const scopes = planScopes(input, resources, draft)
  const clients = planRevocations(input, planClients(input, afterwards(input, resources, scopes), draft), draft)
  planSecrets(input, clients, draft)
  planKeys(input, clients, draft)
  planLeft(input, draft)
  return draft
}

function afterwards ({ state, left }: PlanInput, resources: ReadonlyMap<string, ConfiguredResource>, scopes: ReadonlyMap<string, ConfiguredScope>): Afterwards {
  const untouched = state.resources.flatMap((resource) => resource.scopes).filter((scope) => !left.removed.has(scope) && !scopes.has(scope.name))
  const identifiers = [...state.resources, ...resources.values()].map(({ identifier, id }): [string, string] => [identifier, id])
  return { resources: new Map(identifiers), scopes: [...untouched, ...scopes.values()].sort((one, other) => one.name < other.name ? -1 : 1) }
}
