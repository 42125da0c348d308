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
  /** Durable when it returns; revoking twice is harmless. */
  add (token: RevokedToken): Promise<void>
  /** Forgets what has expired before the time given, by the database's clock too: ours may be ahead. @returns how many rows went */
  purge (before: Date): Promise<number>
}

const select = { jti: true, clientId: true, expiresAt: true } as const

export function createRevokedTokenStore (database: Session): RevokedTokenStore {
  return {
    readAll: () => database.revokedToken.findMany({ select }),
    readOne: async (jti) => await database.revokedToken.findUnique({ where: { jti }, select }) ?? undefined,
    readRevokedAt: async (jti) => (await database.revokedToken.findUnique({ where: { jti }, select: { revokedAt: true } }))?.revokedAt,
    async add (token) {
      await database.revokedToken.createMany({ data: [token], skipDuplicates: true })
    },
    async purge (before) {
      return await deleteInBatches((limit) => database.$executeRaw`
        DELETE FROM revoked_tokens WHERE jti IN (SELECT jti FROM revoked_tokens WHERE expires_at < least(${before}, now() - interval '1 hour') LIMIT ${limit})`)
    }
  }
}
