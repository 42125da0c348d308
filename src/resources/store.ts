import { refuseConflict, type Session } from '../db.ts'
import { newIdentifier } from '../identifiers.ts'
import type { Resource, Scope } from './resource.ts'

export interface ResourceStore {
  readAll (): Promise<Resource[]>
  readOne (id: string): Promise<Resource | undefined>
  /** @throws OperatorError when the identifier is taken */
  create (input: { identifier: string, name: string }): Promise<Resource>
  /** @throws OperatorError when the name is taken, by whatever resource */
  createScope (input: Scope): Promise<Scope>
}

const withScopes = { include: { scopes: { orderBy: { name: 'asc' } } } } as const

export function createResourceStore (database: Session): ResourceStore {
  return {
    readAll: () => database.resource.findMany({ ...withScopes, orderBy: { createdAt: 'asc' } }),
    readOne: async (id) => await database.resource.findUnique({ where: { id }, ...withScopes }) ?? undefined,
    create: ({ identifier, name }) => refuseConflict(
      () => database.resource.create({ data: { id: newIdentifier('res'), identifier, name }, ...withScopes }),
      `There is already a resource with the identifier ${identifier}. Choose another identifier.`),
    createScope: ({ name, resourceId, description, isDefault }) => refuseConflict(
      () => database.scope.create({ data: { name, resourceId, description, isDefault } }),
      `There is already a scope named ${name}. Scope names are unique across resources: choose another name.`)
  }
}
