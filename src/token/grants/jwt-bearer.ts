/**
 * The JWT bearer grant: a JWT client says in an assertion which player it acts for. The assertion is the client's
 * authentication too, so who signed it, for whom and when was verified before; this file reads what it asks for.
 */
import type { AuthenticatedClient } from '../../clients/authenticate.ts'
import type { Form } from '../../http/form.ts'
import { invalidGrant, invalidRequest, unauthorizedClient } from '../../oauth/errors.ts'
import { jwtBearerGrant } from '../../oauth/grant-types.ts'
import { isPlayerId, playerSubject } from '../player.ts'
import type { Granted, GrantHandler } from './grant.ts'

export const jwtBearer: GrantHandler = {
  grantType: jwtBearerGrant,
  assertionParameter: 'assertion',
  read
}

/**
 * @throws OAuthError `invalid_request`, `invalid_grant`, `unauthorized_client`
 * @see [RFC 7523 §2.1](https://www.rfc-editor.org/rfc/rfc7523.html#section-2.1)
 * @see [RFC 7521 §4.1.1](https://www.rfc-editor.org/rfc/rfc7521.html#section-4.1.1)
 * @see [RFC 7523 §3.1](https://www.rfc-editor.org/rfc/rfc7523.html#section-3.1)
 */
function read (form: Form, { client, organization, assertion }: AuthenticatedClient): Granted {
  if (client.type !== 'jwt') throw unauthorizedClient(`Only a JWT client may use the grant_type ${jwtBearerGrant}.`)
  if (assertion === undefined) throw invalidRequest('assertion is missing: the assertion says which player the token is for.')
  if (form.has('player_id')) throw invalidRequest('The player is the sub of the assertion: leave player_id out.')
  if (!isPlayerId(assertion.sub)) throw invalidGrant('assertion: its sub is no player')
  return { subject: playerSubject(organization, assertion.sub), ...assertion.scope === undefined ? {} : { scope: assertion.scope } }
}
