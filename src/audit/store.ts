import { deleteInBatches, type Session } from '../db.ts'
import type { AuditRecord } from './audit-record.ts'

export interface AuditFilter {
  /** The id of whatever was stopped, or of the client that it was of. */
  readonly target?: string | undefined
  readonly since?: Date | undefined
  readonly limit: number
}

export interface AuditStore {
  /** The latest first. */
  read (filter: AuditFilter): Promise<AuditRecord[]>
  /** Forgets what was recorded before the time given, and at least 30 days ago by the database's clock. @returns how many rows went */
  purge (before: Date): Promise<number>
}

export function createAuditStore (database: Session): AuditStore {
  return {
    read: ({ target, since, limit }) => database.auditRecord.findMany({
      where: {
        ...target === undefined ? {} : { OR: [{ targetId: target }, { clientId: target }] },
        ...since === undefined ? {} : { at: { gte: since } }
      },
      orderBy: { id: 'desc' },
      take: limit
    }),
    async purge (before) {
      return await deleteInBatches((limit) => database.$executeRaw`
        DELETE FROM audit_records WHERE id IN (SELECT id FROM audit_records WHERE at < least(${before}, now() - interval '30 days') LIMIT ${limit})`)
    }
  }
}
