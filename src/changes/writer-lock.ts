import type { Session } from '../db.ts'

/**
 * The lock that triggers take before each transaction's first write: whoever takes it before reading knows that what
 * was read is true until the transaction ends.
 */
export async function lockWriters (transaction: Session): Promise<void> {
  await transaction.$executeRaw`SELECT pg_advisory_xact_lock(7367600, 1)`
}
