/**
 * The lists of this process, which it alone takes indexes from: nobody else can hand one out again, not after a crash, a
 * failover or a restore, because a list ends with its process.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Environment } from '../environment.ts'
import { base62 } from '../identifiers.ts'
import type { StatusLists } from './directory.ts'
import { indexesPerList, listIdLength } from './status-list.ts'
import type { RevokedRange, StatusListStore } from './store.ts'

export interface TakenIndexes extends RevokedRange {
  /** Milliseconds since the epoch. */
  readonly usableUntil: number
}

export interface OwnLists {
  /**
   * Nobody gets these indexes a second time.
   * @throws when a list that is needed cannot be stored
   * @see [Token Status List §13.3](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-13.3)
   */
  take (environment: Environment, count: number): Promise<TakenIndexes>
  /** Of a list that the database does not have any more: nothing is taken from it. */
  abandon (environment: Environment, listId: string): void
}

interface OwnListsDependencies {
  readonly statusLists: Pick<StatusLists, 'put'>
  readonly store: Pick<StatusListStore, 'create'>
  readonly clock: Clock
  /** How long this process goes on issuing tokens without the database. */
  readonly awayMillis: number
}

/** How long indexes are taken from a list, and how long there is to change over to the next one, in milliseconds. */
export const ownListLimits = { openMillis: 86_400_000, changeoverMillis: 3_600_000 } as const

interface OwnList {
  readonly id: string
  readonly openUntil: number
  next: number
}

export function createOwnLists ({ statusLists, store, clock, awayMillis }: OwnListsDependencies): OwnLists {
  const lists = new Map<Environment, OwnList>()
  const underWay = new Map<Environment, Promise<void>>()

  async function make (environment: Environment): Promise<void> {
    const id = base62(randomBytes(16), listIdLength)
    await store.create({ id, environment })
    statusLists.put({ id, environment })
    lists.set(environment, { id, openUntil: clock() + ownListLimits.openMillis, next: 0 })
  }

  /** Single flight: however many find the list full, one makes the next. */
  function makeOnce (environment: Environment): Promise<void> {
    const running = underWay.get(environment)
    if (running !== undefined) return running
    const started = make(environment).finally(() => underWay.delete(environment))
    underWay.set(environment, started)
    return started
  }

  return {
    async take (environment, count) {
      for (;;) {
        const list = lists.get(environment)
        if (list !== undefined && clock() < list.openUntil && list.next + count <= indexesPerList) {
          const firstIndex = list.next
          list.next += count
          return { listId: list.id, firstIndex, lastIndex: firstIndex + count - 1, usableUntil: list.openUntil + ownListLimits.changeoverMillis + awayMillis }
        }
        await makeOnce(environment)
      }
    },
    abandon (environment, listId) {
      if (lists.get(environment)?.id === listId) lists.delete(environment)
    }
  }
}
