import { refuseConflict, refuseInUse, type Session } from '../db.ts'
import { newIdentifier } from '../identifiers.ts'
import type { Organization } from './organization.ts'

export type OrganizationPatch = Partial<Pick<Organization, 'name' | 'disabledAt' | 'disabledBy' | 'managedBy'>>

export interface OrganizationStore {
  readAll (): Promise<Organization[]>
  readOne (id: string): Promise<Organization | undefined>
  /** @param input with an `id` of its own where a file names it. @throws OperatorError when the name is taken */
  create (input: OrganizationPatch & { readonly id?: string, readonly name: string }): Promise<Organization>
  /** Enabling never brings old tokens back: a trigger moves `tokens_revoked_before`. @throws OperatorError when the name is taken */
  update (id: string, patch: OrganizationPatch): Promise<void>
  /** @throws OperatorError while it has clients */
  remove (id: string): Promise<void>
}

export function createOrganizationStore (database: Session): OrganizationStore {
  return {
    readAll: () => database.organization.findMany({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] }),
    readOne: async (id) => await database.organization.findUnique({ where: { id } }) ?? undefined,
    create: (input) => refuseConflict(
      () => database.organization.create({ data: { id: newIdentifier('org'), ...input } }),
      `There is already an organization named ${input.name}. Choose another name.`),
    update: (id, patch) => refuseConflict(
      async () => { await database.organization.update({ where: { id }, data: patch }) },
      `There is already an organization named ${patch.name ?? ''}. Choose another name.`),
    remove: (id) => refuseInUse(
      async () => { await database.organization.delete({ where: { id } }) },
      `The organization ${id} has clients. Delete them first.`)
  }
}
