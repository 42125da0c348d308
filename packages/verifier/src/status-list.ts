/** One Token Status List: out of its signed form, and what it says of an index. Pure but for inflating. */
import { promisify } from 'node:util'
import { inflate } from 'node:zlib'
import { maxStatusListBytes } from './limits.ts'

export interface StatusList {
  readonly bits: 1 | 2 | 4 | 8
  readonly bytes: Uint8Array
}

const inflateBounded = promisify<Uint8Array, { maxOutputLength: number }, Uint8Array>(inflate)

/**
 * @param member `status_list` of a Status List Token
 * @throws Error for what is no list, or inflates to more than `maxStatusListBytes`
 * @see [Token Status List §4](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-4)
 */
export async function decodeStatusList (member: unknown): Promise<StatusList> {
  if (typeof member !== 'object' || member === null || !('bits' in member) || !('lst' in member)) throw new Error('the token holds no status_list')
  const { bits, lst } = member
  if (bits !== 1 && bits !== 2 && bits !== 4 && bits !== 8) throw new Error('the bits of a status list are 1, 2, 4 or 8')
  if (typeof lst !== 'string' || !/^[\w-]+$/.test(lst)) throw new Error('the lst of a status list is base64url')
  return { bits, bytes: await inflateBounded(Buffer.from(lst, 'base64url'), { maxOutputLength: maxStatusListBytes }) }
}

/**
 * @returns undefined when the index is outside the list, which then says nothing about it
 * @see [Token Status List §4.1](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-4.1): from the least significant bit
 */
export function statusAt ({ bits, bytes }: StatusList, index: number): number | undefined {
  const perByte = 8 / bits
  const byte = bytes[Math.floor(index / perByte)]
  return byte === undefined ? undefined : (byte >> (index % perByte) * bits) & (2 ** bits - 1)
}

/**
 * What was revoked stays so: one of several processes of the issuer may be cut off from its database, and still publish the
 * list of before. Only of lists of one bit, for other statuses may pass.
 * @see [Token Status List §7.1](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-7.1)
 */
export function withRevoked (before: StatusList, list: StatusList): StatusList {
  if (before.bits !== 1 || list.bits !== 1) return list
  return { bits: 1, bytes: list.bytes.map((byte, position) => byte | (before.bytes[position] ?? 0)) }
}
