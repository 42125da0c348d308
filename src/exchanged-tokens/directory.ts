/** Every exchanged token that may still live, in memory: stored first, then known to this process, then to every other. */
import { createTableView, type View } from '../changes/view.ts'
import type { Clock } from '../clock.ts'
import { temporarilyUnavailable } from '../oauth/errors.ts'
import { isExchangedTokenId, maxExchanges, type ExchangedToken, type NewExchangedToken } from './exchanged-token.ts'
import type { ExchangedTokenStore } from './store.ts'

export interface ExchangedTokens extends View {
  /**
   * What a token was derived from, by one exchange after another: its own link first, that of the oldest one last.
   * @returns undefined when a link is not known: the token is none of ours, or its link is lost
   * @throws OAuthError `temporarily_unavailable` when that cannot be looked up
   */
  lineage (jti: string): Promise<readonly ExchangedToken[] | undefined>
  /**
   * Durable, and known to this process, when it returns.
   * @returns whether the subject token was still alive; else nothing is stored
   * @throws OAuthError `temporarily_unavailable` when it cannot be stored
   */
  add (token: NewExchangedToken): Promise<boolean>
  /** Forgets those that have expired: nobody can ask about them any more. */
  purgeExpired (): Promise<number>
}

/** Kept a little past the token's end, for clocks that differ. */
const graceMillis = 60_000

interface ExchangedTokensDependencies {
  readonly reading: Pick<ExchangedTokenStore, 'readAll' | 'readOne' | 'readMany'>
  readonly writing: Pick<ExchangedTokenStore, 'add' | 'purge' | 'readOne'>
  readonly clock: Clock
  /** How many there may be at a time. */
  readonly limit: number
}

export function createExchangedTokens ({ reading, writing, clock, limit }: ExchangedTokensDependencies): ExchangedTokens {
  const texts = new Map<string, string>()

  /** There are few clients, organizations, keys and resources: each is in memory once. */
  function shared (text: string): string {
    const known = texts.get(text)
    if (known === undefined) texts.set(text, text)
    return known ?? text
  }

  function compact ({ jti, subjectJti, clientId, organizationId, issuedAt, kid, resourceId }: ExchangedToken): ExchangedToken {
    return { jti, subjectJti, clientId: shared(clientId), organizationId: shared(organizationId), issuedAt, kid: shared(kid), resourceId: shared(resourceId) }
  }

  const table = createTableView<ExchangedToken>({
    async readAll () {
      texts.clear()
      return await reading.readAll(compact)
    },
    async readOne (jti) {
      const link = await reading.readOne(jti)
      return link === undefined ? undefined : compact(link)
    },
    readMany: async (jtis) => (await reading.readMany(jtis)).map(compact),
    keyOf: ({ jti }) => jti
  })

  /** A token may be shown here before its link has come by the feed, so what memory lacks is asked of the database. */
  async function find (jti: string): Promise<ExchangedToken | undefined> {
    const known = table.get(jti)
    if (known !== undefined) return known
    try {
      return await writing.readOne(jti)
    } catch (error) {
      throw temporarilyUnavailable('What the token was exchanged for cannot be looked up at this moment.', 2, error)
    }
  }

  return {
    load: table.load,
    refresh: table.refresh,
    refreshMany: table.refreshMany,

    async lineage (jti) {
      const links: ExchangedToken[] = []
      for (let next = jti; isExchangedTokenId(next) && links.length < maxExchanges;) {
        const link = await find(next)
        if (link === undefined) return undefined
        links.push(link)
        next = link.subjectJti
      }
      const oldest = links.at(-1)
      return oldest !== undefined && isExchangedTokenId(oldest.subjectJti) ? undefined : links
    },

    async add (token) {
      if (table.size >= limit) throw temporarilyUnavailable('There are too many exchanged tokens that have not expired yet.', 60, `${table.size} exchanged tokens, and ${limit} is the most`)
      try {
        const isStored = await writing.add(token)
        if (isStored) table.put(compact(token))
        return isStored
      } catch (error) {
        throw temporarilyUnavailable('The exchange could not be stored. Send the request again.', 2, error)
      }
    },

    purgeExpired: () => writing.purge(new Date(clock() - graceMillis))
  }
}
