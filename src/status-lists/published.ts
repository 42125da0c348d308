/** A status list as those outside get it: by HTTP, from the issuer. */
import { promisify } from 'node:util'
import { inflate } from 'node:zlib'
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { bitAt } from './bits.ts'
import { indexesPerList } from './status-list.ts'

const decompress = promisify(inflate)
const listClaims = Type.Object({ status_list: Type.Object({ bits: Type.Literal(1), lst: Type.String() }) })

export interface PublishedIndexes {
  readonly uri: string
  readonly index: number
  readonly lastIndex: number
}

/**
 * Whether the list says that the tokens of all these indexes are revoked. Its signature is not looked at: this is for the report of an
 * operator, not for an API.
 * @throws Error when it cannot be fetched, or is no list
 */
export async function isPublished ({ uri, index, lastIndex }: PublishedIndexes, timeoutMillis: number): Promise<boolean> {
  const answer = await fetch(uri, { headers: { Accept: 'application/statuslist+jwt', 'Cache-Control': 'no-cache' }, redirect: 'error', signal: AbortSignal.timeout(timeoutMillis) })
    .catch((error: unknown) => { throw new Error(describeFailure(error), { cause: error }) })
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`)
  const claims: unknown = JSON.parse(Buffer.from((await answer.text()).split('.')[1] ?? '', 'base64url').toString())
  if (!Value.Check(listClaims, claims)) throw new Error('the answer is no status list')
  const bits = await decompress(Buffer.from(claims.status_list.lst, 'base64url'), { maxOutputLength: indexesPerList / 8 })
  for (let each = index; each <= lastIndex; each += 1) if (!bitAt(bits, each)) return false
  return true
}

/** What fetch says itself is "fetch failed". */
function describeFailure (error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}
