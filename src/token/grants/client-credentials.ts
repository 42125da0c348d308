/** The client-credentials grant: the client acts for its organization; nothing but scope and resource is read. */
import type { GrantHandler } from './grant.ts'

/** @see [RFC 6749 §4.4](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.4) */
export const clientCredentials: GrantHandler = {
  grantType: 'client_credentials',
  read: () => ({})
}
