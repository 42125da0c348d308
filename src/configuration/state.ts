/** What the database holds of all that a configuration file may name, at one moment. */
import type { Client } from '../clients/client.ts'
import { createClientStore } from '../clients/store.ts'
import type { Database, Session } from '../db.ts'
import type { Organization } from '../organizations/organization.ts'
import { createOrganizationStore } from '../organizations/store.ts'
import type { Resource } from '../resources/resource.ts'
import { createResourceStore } from '../resources/store.ts'
import type { StatusReference } from '../status-lists/status-list.ts'
import { createStatusListStore } from '../status-lists/store.ts'

export interface State {
  readonly organizations: readonly Organization[]
  readonly resources: readonly Resource[]
  readonly clients: readonly Client[]
  /** Of the tokens that were asked for, by list and index (`list/index`): whether each is revoked. Without those whose list is gone. */
  readonly tokens: ReadonlyMap<string, boolean>
}

/** Reading, planning and writing 10,000 clients takes seconds; a minute is a fault. */
export const transactionLimits = { timeout: 120_000, maxWait: 10_000 } as const

/** @param tokens whose state is wanted too */
export async function readAll (database: Database, tokens: readonly StatusReference[] = []): Promise<State> {
  return await database.$transaction((session) => readState(session, tokens), { ...transactionLimits, isolationLevel: 'RepeatableRead' })
}

export async function readState (session: Session, tokens: readonly StatusReference[] = []): Promise<State> {
  return {
    organizations: await createOrganizationStore(session).readAll(),
    resources: await createResourceStore(session).readAll(),
    clients: await createClientStore(session).readAll(),
    tokens: tokens.length === 0 ? new Map() : await createStatusListStore(session).readStates(tokens)
  }
}
