import { refuseConflict, refuseInUse, type Session } from '../db.ts'
import { newIdentifier } from '../identifiers.ts'
import type { Resource, Scope } from './resource.ts'

export type ResourcePatch = Partial<Pick<Resource, 'name' | 'accessTokenTtlSeconds' | 'allowsMixing' | 'signingAlgorithm' | 'disabledAt' | 'disabledBy' | 'managedBy'>>
export type ScopePatch = Partial<Pick<Scope, 'description' | 'isDefault' | 'isDeprecated' | 'disabledAt' | 'disabledBy' | 'managedBy'>>

/** Rows as a configuration file wants them. */
export type ConfiguredResource = Pick<Resource, 'id' | 'identifier' | 'name' | 'accessTokenTtlSeconds' | 'allowsMixing' | 'signingAlgorithm' | 'disabledAt' | 'disabledBy' | 'managedBy'>
export type ConfiguredScope = Scope

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
  createMany (rows: readonly ConfiguredResource[]): Promise<void>
  updateMany (rows: readonly ConfiguredResource[]): Promise<void>
  removeMany (identifiers: readonly string[]): Promise<void>
  /** Hands them to the command line, without their scopes. What a file disabled counts as disabled by hand. */
  releaseMany (identifiers: readonly string[]): Promise<void>
  createScopes (rows: readonly ConfiguredScope[]): Promise<void>
  /** A scope may move to another resource. */
  updateScopes (rows: readonly ConfiguredScope[]): Promise<void>
  removeScopes (names: readonly string[]): Promise<void>
  releaseScopes (names: readonly string[]): Promise<void>
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
    removeScope: async (name) => { await database.scope.delete({ where: { name } }) },
    async createMany (rows) {
      await database.$executeRaw`
        INSERT INTO resources (id, identifier, name, access_token_ttl_seconds, allows_mixing, signing_algorithm, disabled_at, disabled_by, managed_by)
        SELECT id, identifier, name, "accessTokenTtlSeconds", "allowsMixing", "signingAlgorithm", "disabledAt", "disabledBy", "managedBy" FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          AS r (id text, identifier text, name text, "accessTokenTtlSeconds" integer, "allowsMixing" boolean, "signingAlgorithm" text, "disabledAt" timestamptz, "disabledBy" text, "managedBy" text)`
    },
    async updateMany (rows) {
      await database.$executeRaw`
        UPDATE resources s SET name = r.name, access_token_ttl_seconds = r."accessTokenTtlSeconds", allows_mixing = r."allowsMixing", signing_algorithm = r."signingAlgorithm",
          disabled_at = r."disabledAt", disabled_by = r."disabledBy", managed_by = r."managedBy"
        FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          AS r (id text, name text, "accessTokenTtlSeconds" integer, "allowsMixing" boolean, "signingAlgorithm" text, "disabledAt" timestamptz, "disabledBy" text, "managedBy" text)
        WHERE s.id = r.id`
    },
    async removeMany (identifiers) {
      await database.resource.deleteMany({ where: { identifier: { in: [...identifiers] } } })
    },
    async releaseMany (identifiers) {
      await database.resource.updateMany({ where: { identifier: { in: [...identifiers] } }, data: { managedBy: null, disabledBy: null } })
    },
    async createScopes (rows) {
      await database.$executeRaw`
        INSERT INTO scopes (name, resource_id, description, is_default, is_deprecated, disabled_at, disabled_by, managed_by)
        SELECT name, "resourceId", description, "isDefault", "isDeprecated", "disabledAt", "disabledBy", "managedBy" FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          AS r (name text, "resourceId" text, description text, "isDefault" boolean, "isDeprecated" boolean, "disabledAt" timestamptz, "disabledBy" text, "managedBy" text)`
    },
    async updateScopes (rows) {
      await database.$executeRaw`
        UPDATE scopes s SET resource_id = r."resourceId", description = r.description, is_default = r."isDefault", is_deprecated = r."isDeprecated",
          disabled_at = r."disabledAt", disabled_by = r."disabledBy", managed_by = r."managedBy"
        FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          AS r (name text, "resourceId" text, description text, "isDefault" boolean, "isDeprecated" boolean, "disabledAt" timestamptz, "disabledBy" text, "managedBy" text)
        WHERE s.name = r.name`
    },
    async removeScopes (names) {
      await database.scope.deleteMany({ where: { name: { in: [...names] } } })
    },
    async releaseScopes (names) {
      await database.scope.updateMany({ where: { name: { in: [...names] } }, data: { managedBy: null, disabledBy: null } })
    }
  }
}
