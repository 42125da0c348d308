/** An organization owns clients. It knows nothing of tokens but the moment before which they are all dead. */
import { createTableView, type TableView } from '../changes/view.ts'

export interface Organization {
  readonly id: string
  readonly name: string
  readonly createdAt: Date
  readonly disabledAt: Date | null
  /** Tokens issued at or before this moment are dead, for good. */
  readonly tokensRevokedBefore: Date | null
  /** The name of the configuration file that owns it; null: made by hand. */
  readonly managedBy: string | null
  /** The name of the configuration file that disabled it; null: by hand, if at all. */
  readonly disabledBy: string | null
}

export type OrganizationDirectory = TableView<Organization>

interface OrganizationSource {
  readAll (): Promise<Organization[]>
  readOne (id: string): Promise<Organization | undefined>
}

export function createOrganizationDirectory (store: OrganizationSource): OrganizationDirectory {
  return createTableView<Organization>({ readAll: store.readAll, readOne: store.readOne, keyOf: ({ id }) => id })
}
