import type { Subject } from '../access-tokens/mint.ts'
import type { Organization } from '../organizations/organization.ts'
import { isText } from '../names.ts'

export const maxPlayerIdLength = 255
export const playerIdRule = `It takes 1 to ${maxPlayerIdLength} printable characters, without spaces at its ends.`

/** A player is known by what the client's backend calls it, character by character; nothing is normalized. */
export function isPlayerId (text: string): boolean {
  return isText(text, maxPlayerIdLength)
}

/**
 * Two organizations may call their players alike, so the organization is part of the subject; no client id looks so.
 * @see [RFC 9068 §5](https://www.rfc-editor.org/rfc/rfc9068.html#section-5)
 * @see [RFC 9700 §4.15.1](https://www.rfc-editor.org/rfc/rfc9700.html#section-4.15.1)
 * @see [RFC 7519 §4.1.2](https://www.rfc-editor.org/rfc/rfc7519.html#section-4.1.2)
 */
export function playerSubject ({ id }: Pick<Organization, 'id'>, playerId: string): Subject {
  return { sub: `${id}:${playerId}`, playerId }
}
