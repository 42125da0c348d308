import { refuseConflict, refuseInUse, type Session } from '../db.ts'
import { newIdentifier } from '../identifiers.ts'
import type { Organization } from './organization.ts'

export type OrganizationPatch = Partial<Pick<Organization, 'name' | 'disabledAt' | 'disabledBy' | 'managedBy'>>

/** A row as a configuration file wants it. */
export type ConfiguredOrganization = Pick<Organization, 'id' | 'name' | 'disabledAt' | 'disabledBy' | 'managedBy'>

/** Tokens that were issued by then are dead. */
export interface CutOff { readonly id: string, readonly before: Date }

export interface OrganizationStore {
  readAll (): Promise<Organization[]>
  readOne (id: string): Promise<Organization | undefined>
  /** @param input with an `id` of its own where a file names it. @throws OperatorError when the name is taken */
  create (input: OrganizationPatch & { readonly id?: string, readonly name: string }): Promise<Organization>
  /** Enabling never brings old tokens back: a trigger moves `tokens_revoked_before`. @throws OperatorError when the name is taken */
  update (id: string, patch: OrganizationPatch): Promise<void>
  /** Ends every token of its clients so far, by the database's clock. They may go on getting new ones. */
  revokeTokens (id: string): Promise<void>
  /** Never back: a trigger keeps the latest. */
  revokeTokensBefore (rows: readonly CutOff[]): Promise<void>
  /** Ends every token of every organization that was issued by then, by either clock. */
  revokeAllTokens (before: Date): Promise<void>
  /** @throws OperatorError while it has clients */
  remove (id: string): Promise<void>
  createMany (rows: readonly ConfiguredOrganization[]): Promise<void>
  updateMany (rows: readonly ConfiguredOrganization[]): Promise<void>
  /** Gives them names that nobody else wants, so that others may take theirs. */
  parkNames (ids: readonly string[]): Promise<void>
  removeMany (ids: readonly string[]): Promise<void>
  /** Hands them to the command line. What a file disabled counts as disabled by hand. */
  releaseMany (ids: readonly string[]): Promise<void>
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
    async revokeTokens (id) {
      await database.$executeRaw`UPDATE organizations SET tokens_revoked_before = greatest(tokens_revoked_before, clock_timestamp()) WHERE id = ${id}`
    },
    async revokeTokensBefore (rows) {
      await database.$executeRaw`
        UPDATE organizations o SET tokens_revoked_before = r.before FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r (id text, before timestamptz)
        WHERE o.id = r.id`
    },
    async revokeAllTokens (before) {
      await database.$executeRaw`UPDATE organizations SET tokens_revoked_before = greatest(tokens_revoked_before, clock_timestamp(), ${before})`
    },
    remove: (id) => refuseInUse(
      async () => { await database.organization.delete({ where: { id } }) },
      `The organization ${id} has clients. Delete them first.`),
    async createMany (rows) {
      await database.$executeRaw`
        INSERT INTO organizations (id, name, disabled_at, disabled_by, managed_by)
        SELECT id, name, "disabledAt", "disabledBy", "managedBy" FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          AS r (id text, name text, "disabledAt" timestamptz, "disabledBy" text, "managedBy" text)`
    },
    async updateMany (rows) {
      await database.$executeRaw`
        UPDATE organizations o SET name = r.name, disabled_at = r."disabledAt", disabled_by = r."disabledBy", managed_by = r."managedBy"
        FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          AS r (id text, name text, "disabledAt" timestamptz, "disabledBy" text, "managedBy" text)
        WHERE o.id = r.id`
    },
    async parkNames (ids) {
      await database.$executeRaw`UPDATE organizations SET name = 'parked:' || id || ':' || gen_random_uuid() WHERE id = ANY (${ids})`
    },
    async removeMany (ids) {
      await database.organization.deleteMany({ where: { id: { in: [...ids] } } })
    },
    async releaseMany (ids) {
      await database.organization.updateMany({ where: { id: { in: [...ids] } }, data: { managedBy: null, disabledBy: null } })
    }
  }
}
