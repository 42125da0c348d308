/**
 * Audit records: who stopped what, when and why. Triggers write them with each change, whoever makes it; this folder says
 * who acts, reads what was recorded, and forgets what is old. It knows nothing of what is stopped.
 */
import type { Session } from '../db.ts'

/** Who acts, for the record. */
export interface Attribution {
  /** `client`, `operator` or `configuration`, and which. */
  readonly actor: string
  readonly reason?: string | undefined
}

export interface AuditRecord {
  readonly id: bigint
  readonly at: Date
  /** As that of an attribution, or `database` and its role for whoever did not say. */
  readonly actor: string
  /** `revoked`, `tokens_revoked`, `disabled`, `enabled`, `moved`, `deleted` or `restored`. */
  readonly action: string
  readonly targetKind: string
  readonly targetId: string
  /** The client that it concerns, where it is of one. */
  readonly clientId: string | null
  readonly reason: string | null
  readonly details: unknown
}

/**
 * Says who makes the changes that follow in the transaction. A connection may be another client's afterwards, so it is
 * never said for longer.
 */
export async function attribute (transaction: Session, { actor, reason = '' }: Attribution): Promise<void> {
  await transaction.$executeRaw`SELECT set_config('signet.actor', ${actor}, true), set_config('signet.reason', ${reason}, true)`
}
