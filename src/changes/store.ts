import { deleteInBatches, type Session } from '../db.ts'

const keptMillis = 24 * 3_600_000

/** Old changes go, but never the newest: processes recognise by it that they are up to date. */
export async function pruneChanges (database: Session, now: number): Promise<number> {
  return await deleteInBatches((limit) => database.$executeRaw`
    DELETE FROM changes WHERE id IN (
      SELECT id FROM changes WHERE changed_at < ${new Date(now - keptMillis)} AND id < (SELECT max(id) FROM changes) ORDER BY id LIMIT ${limit})`)
}
