/** Which tokens were revoked one by one: stored first, then believed by this process, then by every other. */
import type { Attribution } from '../audit/audit-record.ts'
import { createTableView, type View } from '../changes/view.ts'
import type { Clock } from '../clock.ts'
import type { RevokedToken, RevokedTokenStore } from './store.ts'

export interface Revocations extends View {
  isRevoked (jti: string): boolean
  /** Durable, and in force in this process, when it returns. */
  revoke (token: RevokedToken, by: Attribution): Promise<void>
  /** Forgets revocations whose token has expired: nobody can ask about it any more. */
  purgeExpired (): Promise<number>
}

/** Kept a little past the token's end, for clocks that differ. */
const graceMillis = 3_600_000

interface RevocationsDependencies {
  readonly reading: Pick<RevokedTokenStore, 'readAll' | 'readOne'>
  readonly writing: Pick<RevokedTokenStore, 'add' | 'purge'>
  readonly clock: Clock
}

export function createRevocations ({ reading, writing, clock }: RevocationsDependencies): Revocations {
  const table = createTableView<RevokedToken>({ readAll: reading.readAll, readOne: reading.readOne, keyOf: ({ jti }) => jti })
  return {
    load: table.load,
    refresh: table.refresh,
    isRevoked: (jti) => table.get(jti) !== undefined,
    async revoke (token, by) {
      await writing.add(token, by)
      table.put(token)
    },
    purgeExpired: () => writing.purge(new Date(clock() - graceMillis))
  }
}
