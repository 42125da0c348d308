/** The status lists that tokens refer to: fetched, verified and kept for their `ttl`, a bounded number of them. */
import { jwtVerify, type JWTVerifyGetKey } from 'jose'
import { knownAlgorithms } from './algorithms.ts'
import { NotThere, type Issuer } from './issuer.ts'
import { maxStatusListResponseBytes, maxStatusLists, maxTtlSeconds, retrySeconds } from './limits.ts'
import { createRefreshed, type Loaded, type Refreshed, type Seams } from './refreshed.ts'
import { decodeStatusList, statusAt, withRevoked, type StatusList } from './status-list.ts'

export interface StatusListsOptions extends Seams {
  readonly issuer: Issuer
  readonly keys: JWTVerifyGetKey
  readonly clockToleranceSeconds: number
}

export interface StatusLists {
  /**
   * @param uri of the issuer's own
   * @returns `'no list'` when the issuer says that there is none, `'outside'` when the index is not in the list
   * @throws Unavailable when there is no list that is still valid
   */
  statusOf (uri: string, index: number): Promise<number | 'no list' | 'outside'>
}

/** Undefined: the issuer says that there is no such list. */
type KnownList = StatusList | undefined

export function createStatusLists (options: StatusListsOptions): StatusLists {
  /** In the order in which they were used. */
  const lists = new Map<string, Refreshed<KnownList>>()

  function listAt (uri: string): Refreshed<KnownList> {
    const list = lists.get(uri) ?? createRefreshed<KnownList>(`the status list ${uri}`, (before) => load(uri, before, options), options)
    lists.delete(uri)
    lists.set(uri, list)
    for (const longestUnused of lists.keys()) {
      if (lists.size <= maxStatusLists) break
      lists.delete(longestUnused)
    }
    return list
  }

  return {
    async statusOf (uri, index) {
      const list = await listAt(uri).get()
      return list === undefined ? 'no list' : statusAt(list, index) ?? 'outside'
    }
  }
}

/** Of no list it is not remembered for longer than of a failure. */
async function load (uri: string, before: KnownList, options: StatusListsOptions): Promise<Loaded<KnownList>> {
  try {
    const { value, ...times } = await fetchList(uri, options)
    return { value: before === undefined ? value : withRevoked(before, value), ...times }
  } catch (error) {
    if (!(error instanceof NotThere)) throw error
    const until = options.now() + retrySeconds * 1_000
    return { value: undefined, freshUntil: until, usableUntil: until }
  }
}

/**
 * `exp` and `ttl` are required here though the draft only recommends them: without `exp`, yesterday's list would be good
 * forever; without `ttl`, nobody knows when to ask again. `ttl` counts from the fetch.
 * @see [Token Status List §8.3](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-8.3)
 */
async function fetchList (uri: string, { issuer, keys, clockToleranceSeconds, now }: StatusListsOptions): Promise<Loaded<StatusList>> {
  const token = await issuer.get(uri, 'application/statuslist+jwt', maxStatusListResponseBytes)
  const { payload } = await jwtVerify(token.trim(), keys, {
    algorithms: [...knownAlgorithms],
    typ: 'statuslist+jwt',
    subject: uri,
    clockTolerance: clockToleranceSeconds,
    currentDate: new Date(now()),
    requiredClaims: ['exp', 'iat', 'ttl', 'status_list']
  })
  const { exp = 0, iss = issuer.name, ttl, status_list: member } = payload
  if (iss !== issuer.name) throw new Error('the status list is by another issuer')
  if (typeof ttl !== 'number' || !(ttl > 0)) throw new Error('the ttl of a status list is a positive number')
  const freshSeconds = Math.min(Math.max(ttl, 1), maxTtlSeconds)
  const usableUntil = (exp + clockToleranceSeconds) * 1_000
  return { value: await decodeStatusList(member), freshUntil: Math.min(now() + freshSeconds * 1_000, usableUntil), usableUntil }
}
