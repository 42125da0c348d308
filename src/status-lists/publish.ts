/**
 * A status list as verifiers get it: compressed, in a signed JWT. Signed again only when something was revoked in it, or
 * when what is out there is about to expire.
 */
import { promisify } from 'node:util'
import { constants, deflate } from 'node:zlib'
import type { Clock } from '../clock.ts'
import { issuerOf } from '../environment.ts'
import type { KeyRing } from '../keys/ring.ts'
import { signJwt } from '../keys/sign.ts'
import type { SigningKey } from '../keys/signing-key.ts'
import { temporarilyUnavailable } from '../oauth/errors.ts'
import { statusListType, type StatusListClaims } from '../oauth/status-list.ts'
import type { StatusLists } from './directory.ts'
import { indexesPerList, statusListUri } from './status-list.ts'
import type { StatusListRow } from './store.ts'

/**
 * How long a verifier may keep a list, and how long caches on its way to it may, in seconds. With what it takes to learn of a
 * revocation and to sign, which is well under ten, a revoked token is refused within a minute.
 */
export const statusListTtlSeconds = 25

/** @returns JWS compact serialization; undefined when there is no such list */
export type PublishStatusList = (listId: string) => Promise<string | undefined>

interface PublishDependencies {
  readonly issuer: string
  readonly statusLists: Pick<StatusLists, 'get' | 'bitsOf'>
  readonly keys: Pick<KeyRing, 'active'>
  readonly clock: Clock
  /** How old what this process knows is, and how old it may be. */
  readonly stalenessSeconds: () => number
  readonly staleLimitSeconds: number
}

interface Published {
  readonly jwt: string
  readonly version: number
  readonly kid: string
  /** Seconds since the epoch. */
  readonly expiresAt: number
}

const compress = promisify(deflate)
const nothingRevoked = new Uint8Array(indexesPerList / 8)

/** @see [Token Status List §5.1](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-5.1) */
export function createPublishStatusList ({ issuer, statusLists, keys, clock, stalenessSeconds, staleLimitSeconds }: PublishDependencies): PublishStatusList {
  const published = new Map<string, Published>()
  const underWay = new Map<string, Promise<Published>>()

  /** What nobody has confirmed for so long says nothing any more: a process that is cut off cannot make old news look fresh. */
  function expiry (): number {
    return Math.floor(clock() / 1000 - stalenessSeconds() + staleLimitSeconds)
  }

  function isGood ({ version, kid, expiresAt }: Published, currentVersion: number, currentKid: string): boolean {
    if (version !== currentVersion || kid !== currentKid) return false
    const remaining = expiresAt - clock() / 1000
    // A clock that was set back leaves a list that is dated ahead; and while nothing is confirmed nothing is gained by signing again.
    return remaining <= staleLimitSeconds && (remaining > staleLimitSeconds / 2 || expiry() <= expiresAt)
  }

  async function sign ({ id, environment }: StatusListRow, key: SigningKey): Promise<Published> {
    const revoked = statusLists.bitsOf(id)
    const [iat, exp] = [Math.floor(clock() / 1000), expiry()]
    // A copy: what is revoked while another thread compresses belongs to the next version.
    const compressed = await compress(revoked?.bytes.slice() ?? nothingRevoked, { level: constants.Z_BEST_COMPRESSION })
    const claims: StatusListClaims = {
      sub: statusListUri(issuer, environment, id), iss: issuerOf(issuer, environment), iat, exp, ttl: statusListTtlSeconds, status_list: { bits: 1, lst: compressed.toString('base64url') }
    }
    const made = { jwt: signJwt(key, statusListType, claims), version: revoked?.version ?? 0, kid: key.kid, expiresAt: exp }
    published.set(id, made)
    for (const each of published.keys()) if (statusLists.get(each) === undefined) published.delete(each)
    return made
  }

  /** Single flight: however many ask at once, a list is compressed and signed once. */
  function signOnce (list: StatusListRow, key: SigningKey): Promise<Published> {
    const running = underWay.get(list.id)
    if (running !== undefined) return running
    const started = sign(list, key).finally(() => underWay.delete(list.id))
    underWay.set(list.id, started)
    return started
  }

  return async (listId) => {
    const list = statusLists.get(listId)
    if (list === undefined) return undefined
    const key = keys.active(list.environment, null)
    if (key === undefined) throw temporarilyUnavailable('The server has no signing key at this moment.', 5, `no active ${list.environment} key`)
    const known = published.get(listId)
    if (known !== undefined && isGood(known, statusLists.bitsOf(listId)?.version ?? 0, key.kid)) return known.jwt
    return (await signOnce(list, key)).jwt
  }
}
