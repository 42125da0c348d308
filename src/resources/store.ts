import { refuseConflict, refuseInUse, type Session } from '../db.ts'
import { newIdentifier } from '../identifiers.ts'
import type { Resource, Scope } from './resource.ts'

export type ResourcePatch = Partial<Pick<Resource, 'name' | 'accessTokenTtlSeconds' | 'disabledAt' | 'disabledBy' | 'managedBy'>>
export type ScopePatch = Partial<Pick<Scope, 'description' | 'isDefault' | 'isDeprecated' | 'disabledAt' | 'disabledBy' | 'managedBy'>>

export interface ResourceStore {
  readAll (): Promise<Resource[]>
  readOne (id: string): Promise<Resource | undefined>
  /** @throws OperatorError when the identifier is taken */
  create (input: ResourcePatch & { readonly identifier: string, readonly name: string }): Promise<Resource>
  update (id: string, patch: ResourcePatch): Promise<void>
  /** With its scopes, which clients lose. @throws OperatorError while a client stands for it */
  remove (id: string): Promise<void>
  /** @throws OperatorError when the name is taken, by whatever resource */
  createScope (input: ScopePatch & { readonly name: string, readonly resourceId: string, readonly description: string }): Promise<Scope>
  updateScope (name: string, patch: ScopePatch): Promise<void>
  /** Clients that have it lose it. */
  removeScope (name: string): Promise<void>
}

const withScopes = { include: { scopes: { orderBy: { name: 'asc' } } } } as const

export function createResourceStore (database: Session): ResourceStore {
  return {
    readAll: () => database.resource.findMany({ ...withScopes, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] }),
    readOne: async (id) => await database.resource.findUnique({ where: { id }, ...withScopes }) ?? undefined,
    create: (input) => refuseConflict(
      () => database.resource.create({ data: { id: newIdentifier('res'), ...input }, ...withScopes }),
      `There is already a resource with the identifier ${input.identifier}. Choose another identifier.`),
    update: async (id, patch) => { await database.resource.update({ where: { id }, data: patch }) },
    remove: (id) => refuseInUse(
      async () => { await database.resource.delete({ where: { id } }) },
      `There are clients that stand for the resource ${id}. Delete them first.`),
    createScope: (input) => refuseConflict(
      () => database.scope.create({ data: input }),
      `There is already a scope named ${input.name}. Scope names are unique across resources: choose another name.`),
    updateScope: async (name, patch) => { await database.scope.update({ where: { name }, data: patch }) },
    removeScope: async (name) => { await database.scope.delete({ where: { name } }) }
  }
}
