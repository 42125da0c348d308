import { refuseConflict, type Session } from '../db.ts'
import { newIdentifier } from '../identifiers.ts'
import type { Organization } from './organization.ts'

export interface OrganizationStore {
  readAll (): Promise<Organization[]>
  readOne (id: string): Promise<Organization | undefined>
  /** @throws OperatorError when the name is taken */
  create (input: { name: string }): Promise<Organization>
}

export function createOrganizationStore (database: Session): OrganizationStore {
  return {
    readAll: () => database.organization.findMany({ orderBy: { createdAt: 'asc' } }),
    readOne: async (id) => await database.organization.findUnique({ where: { id } }) ?? undefined,
    create: ({ name }) => refuseConflict(
      () => database.organization.create({ data: { id: newIdentifier('org'), name } }),
      `There is already an organization named ${name}. Choose another name.`)
  }
}
