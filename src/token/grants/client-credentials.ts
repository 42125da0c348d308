/** The client-credentials grant: a service client acts for its organization, a JWT client for the player that it names. */
import type { AuthenticatedClient } from '../../clients/authenticate.ts'
import { parameter, type Form } from '../../http/form.ts'
import { invalidRequest } from '../../oauth/errors.ts'
import { isPlayerId, playerIdRule, playerSubject } from '../player.ts'
import type { Granted, GrantHandler } from './grant.ts'

export const clientCredentials: GrantHandler = {
  grantType: 'client_credentials',
  read
}

/**
 * @throws OAuthError `invalid_request`
 * @see [RFC 6749 §4.4](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.4)
 */
function read (form: Form, { client, organization }: AuthenticatedClient): Granted {
  const playerId = parameter(form, 'player_id')
  if (client.type === 'service') {
    if (playerId !== undefined) throw invalidRequest('This client is no JWT client, so its tokens name no player: leave player_id out.')
    return {}
  }
  if (playerId === undefined) throw invalidRequest('player_id is missing: the tokens of a JWT client name a player.')
  if (!isPlayerId(playerId)) throw invalidRequest(`player_id is malformed. ${playerIdRule}`)
  return { subject: playerSubject(organization, playerId) }
}
