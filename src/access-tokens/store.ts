import type { Attribution } from '../audit/audit-record.ts'
import { deleteInBatches, type Session } from '../db.ts'

export interface RevokedToken {
  readonly jti: string
  readonly clientId: string
  readonly expiresAt: Date
}

export interface RevokedTokenStore {
  readAll (): Promise<RevokedToken[]>
  readOne (jti: string): Promise<RevokedToken | undefined>
  readRevokedAt (jti: string): Promise<Date | undefined>
  /** Durable when it returns; revoking twice is harmless. One statement, which leaves an audit record as well. */
  add (token: RevokedToken, by: Attribution): Promise<void>
  /** Forgets what has expired before the time given, by the database's clock too: ours may be ahead. @returns how many rows went */
  purge (before: Date): Promise<number>
}

const select = { jti: true, clientId: true, expiresAt: true } as const

export function createRevokedTokenStore (database: Session): RevokedTokenStore {
  return {
    readAll: () => database.revokedToken.findMany({ select }),
    readOne: async (jti) => await database.revokedToken.findUnique({ where: { jti }, select }) ?? undefined,
    readRevokedAt: async (jti) => (await database.revokedToken.findUnique({ where: { jti }, select: { revokedAt: true } }))?.revokedAt,
    async add ({ jti, clientId, expiresAt }, { actor, reason = '' }) {
      await database.$executeRaw`
        WITH said AS (SELECT set_config('signet.actor', ${actor}, true), set_config('signet.reason', ${reason}, true))
        INSERT INTO revoked_tokens (jti, client_id, expires_at) SELECT ${jti}, ${clientId}, ${expiresAt} FROM said
        ON CONFLICT DO NOTHING`
    },
    async purge (before) {
      return await deleteInBatches((limit) => database.$executeRaw`
        DELETE FROM revoked_tokens WHERE jti IN (SELECT jti FROM revoked_tokens WHERE expires_at < least(${before}, now() - interval '1 hour') LIMIT ${limit})`)
    }
  }
}
