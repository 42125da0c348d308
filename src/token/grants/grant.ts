import type { Subject } from '../../access-tokens/mint.ts'
import type { AuthenticatedClient } from '../../clients/authenticate.ts'
import type { Form } from '../../http/form.ts'
import type { GrantType } from '../../oauth/grant-types.ts'

/** What a grant contributes; every check that all grants share belongs to the endpoint. */
export interface GrantHandler {
  readonly grantType: GrantType
  /** The parameter that is the client's authentication too. */
  readonly assertionParameter?: string
  /**
   * Row 11: the grant's own parameters.
   * @throws OAuthError
   */
  readonly read: (form: Form, caller: AuthenticatedClient) => Granted | Promise<Granted>
}

export interface Granted {
  /** Whom the token is about; absent: the client itself. */
  readonly subject?: Subject
  /** What may be asked for at most, and what is where the request names no scope. */
  readonly scope?: string
}
