import { deleteInBatches, type Session } from '../db.ts'

export interface UsedIdentifier {
  readonly owner: string
  readonly digest: Buffer
  readonly expiresAt: Date
}

export interface UsedIdentifierStore {
  /** @returns whether it was not there yet; durable then */
  add (used: UsedIdentifier): Promise<boolean>
  /** Forgets what expired before the time given, by the database's clock too: ours may be ahead. @returns how many rows went */
  purge (before: Date): Promise<number>
}

export function createUsedIdentifierStore (database: Session): UsedIdentifierStore {
  return {
    async add ({ owner, digest, expiresAt }) {
      return await database.$executeRaw`
        INSERT INTO used_identifiers (owner, digest, expires_at) VALUES (${owner}, ${digest}, ${expiresAt}) ON CONFLICT DO NOTHING` === 1
    },
    async purge (before) {
      return await deleteInBatches((limit) => database.$executeRaw`
        DELETE FROM used_identifiers WHERE (owner, digest) IN (
          SELECT owner, digest FROM used_identifiers WHERE expires_at < least(${before}, now() - interval '1 minute') LIMIT ${limit})`)
    }
  }
}
