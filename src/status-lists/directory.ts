/** Every status list in memory, a bit for each revoked index: the same bytes are looked at and published. */
import type { Attribution } from '../audit/audit-record.ts'
import { createTableView, type View } from '../changes/view.ts'
import type { Clock } from '../clock.ts'
import type { Environment } from '../environment.ts'
import { temporarilyUnavailable } from '../oauth/errors.ts'
import { bitAt, setBits } from './bits.ts'
import { indexesPerList, isListId, type StatusReference } from './status-list.ts'
import type { RevokedRange, StatusListRow, StatusListStore } from './store.ts'

export interface StatusLists {
  /** Which lists there are, and what is revoked in them: two views, for the feed tells of them in different ways. */
  readonly lists: View
  readonly revoked: View
  /** Ids. */
  of (environment: Environment): readonly string[]
  get (listId: string): StatusListRow | undefined
  /** One bit for each index, the first in the lowest bit of the first byte; undefined while nothing is revoked. */
  bitsOf (listId: string): RevokedBits | undefined
  /** Known to be revoked by this process. */
  isRevoked (status: StatusReference): boolean
  /**
   * The same of a list that may be news to this process.
   * @returns undefined when there is no such list
   * @throws OAuthError `temporarily_unavailable` when that cannot be looked up
   */
  isRevokedOrUnknown (status: StatusReference, environment: Environment): Promise<boolean | undefined>
  /** Durable, and in force in this process, when it returns. */
  revoke (range: RevokedRange, by: Attribution): Promise<void>
  /** Puts a list that this very process has just stored, ahead of the feed. */
  put (list: StatusListRow): void
  /** Forgets what only tokens that have expired refer to. @returns how many rows went */
  purgeExpired (): Promise<number>
}

export interface RevokedBits {
  readonly bytes: Uint8Array
  /** Differs whenever the bytes do. */
  readonly version: number
}

interface StatusListsDependencies {
  readonly reading: Pick<StatusListStore, 'readAll' | 'readOne' | 'readRevoked'>
  readonly writing: Pick<StatusListStore, 'readOne' | 'revoke' | 'purge'>
  readonly clock: Clock
}

/** Kept a little past the end of the last token, for clocks that differ. */
const graceMillis = 3_600_000

export function createStatusLists ({ reading, writing, clock }: StatusListsDependencies): StatusLists {
  const table = createTableView<StatusListRow>({ readAll: reading.readAll, readOne: reading.readOne, keyOf: ({ id }) => id, onChange: dropRevokedOfGone })
  const revokedIn = new Map<string, { bytes: Uint8Array, version: number }>()

  function dropRevokedOfGone (lists: ReadonlyMap<string, StatusListRow>): void {
    for (const id of revokedIn.keys()) if (!lists.has(id)) revokedIn.delete(id)
  }

  /** A revocation is for good, so bits are only ever set: what is read late or twice does no harm. */
  function set ({ listId, firstIndex, lastIndex }: RevokedRange): void {
    const known = revokedIn.get(listId) ?? { bytes: new Uint8Array(indexesPerList / 8), version: 0 }
    setBits(known.bytes, firstIndex, lastIndex)
    revokedIn.set(listId, { bytes: known.bytes, version: known.version + 1 })
  }

  function isRevoked ({ listId, index }: StatusReference): boolean {
    const revoked = revokedIn.get(listId)
    return revoked !== undefined && bitAt(revoked.bytes, index)
  }

  return {
    lists: { load: table.load, refresh: table.refresh },
    revoked: {
      load: () => reading.readRevoked(set),
      async refresh (name) { set(readRange(name)) },
      async refreshMany (names) { for (const name of names) set(readRange(name)) }
    },
    of: (environment) => [...table.values()].filter((list) => list.environment === environment).map(({ id }) => id),
    get: table.get,
    bitsOf: (listId) => revokedIn.get(listId),
    isRevoked,
    async isRevokedOrUnknown (status, environment) {
      const list = table.get(status.listId) ?? await find(status.listId)
      return list?.environment === environment ? isRevoked(status) : undefined
    },
    async revoke (range, by) {
      await writing.revoke(range, by)
      set(range)
    },
    put: table.put,
    purgeExpired: () => writing.purge(new Date(clock() - graceMillis))
  }

  /** A token may be shown here before its list has come by the feed. */
  async function find (listId: string): Promise<StatusListRow | undefined> {
    if (!isListId(listId)) return undefined
    try {
      return await writing.readOne(listId)
    } catch (error) {
      throw temporarilyUnavailable('The status list of the token cannot be looked up at this moment.', 2, error)
    }
  }
}

/** As the change feed names it: list, first and last index. */
function readRange (name: string): RevokedRange {
  const [listId = '', firstIndex, lastIndex] = name.split(' ')
  return { listId, firstIndex: Number(firstIndex), lastIndex: Number(lastIndex) }
}
