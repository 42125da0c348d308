/**
 * A list by its id, for whoever was shown a token of it. Another process may have made it a moment ago: a token is used at
 * once, and news take longer. So a list that is unknown is waited for until everything is known that happened before it was asked for.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { temporarilyUnavailable } from '../oauth/errors.ts'
import type { StatusLists } from './directory.ts'
import { isListId } from './status-list.ts'
import type { StatusListRow } from './store.ts'

/**
 * @returns undefined when there was no such list when it was asked for
 * @throws OAuthError `temporarily_unavailable` when that cannot be told
 */
export type FindStatusList = (listId: string) => Promise<StatusListRow | undefined>

interface FindDependencies {
  readonly statusLists: Pick<StatusLists, 'get'>
  /** How old what this process knows is. */
  readonly stalenessSeconds: () => number
}

/** The database is not asked, so whoever invents ids costs a timer; and no more than so many wait. */
const limits = { patienceMillis: 2_000, lookEveryMillis: 25, waiting: 500 } as const

export function createFindStatusList ({ statusLists, stalenessSeconds }: FindDependencies): FindStatusList {
  let waiting = 0

  async function waitFor (listId: string): Promise<StatusListRow | undefined> {
    const askedAt = performance.now()
    const elapsedMillis = (): number => performance.now() - askedAt
    while (elapsedMillis() < limits.patienceMillis) {
      await pause(limits.lookEveryMillis)
      const isUpToDate = stalenessSeconds() * 1000 < elapsedMillis()
      const list = statusLists.get(listId)
      if (list !== undefined || isUpToDate) return list
    }
    throw cannotTell('the change feed is late')
  }

  return async (listId) => {
    const known = statusLists.get(listId)
    if (known !== undefined || !isListId(listId)) return known
    if (waiting >= limits.waiting) throw cannotTell(`${limits.waiting} requests for unknown lists are waiting`)
    waiting += 1
    try {
      return await waitFor(listId)
    } finally {
      waiting -= 1
    }
  }
}

function cannotTell (cause: string): ReturnType<typeof temporarilyUnavailable> {
  return temporarilyUnavailable('It cannot be told at this moment whether there is such a status list.', 2, cause)
}
