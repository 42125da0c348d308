/** What the database holds of all that a configuration file may name, at one moment. */
import type { Client } from '../clients/client.ts'
import { createClientStore } from '../clients/store.ts'
import type { Database, Session } from '../db.ts'
import type { Organization } from '../organizations/organization.ts'
import { createOrganizationStore } from '../organizations/store.ts'
import type { Resource } from '../resources/resource.ts'
import { createResourceStore } from '../resources/store.ts'

export interface State {
  readonly organizations: readonly Organization[]
  readonly resources: readonly Resource[]
  readonly clients: readonly Client[]
}

/** Reading, planning and writing 10,000 clients takes seconds; a minute is a fault. */
export const transactionLimits = { timeout: 120_000, maxWait: 10_000 } as const

export async function readAll (database: Database): Promise<State> {
  return await database.$transaction(readState, { ...transactionLimits, isolationLevel: 'RepeatableRead' })
}

export async function readState (session: Session): Promise<State> {
  return {
    organizations: await createOrganizationStore(session).readAll(),
    resources: await createResourceStore(session).readAll(),
    clients: await createClientStore(session).readAll()
  }
}
