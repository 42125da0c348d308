import type { AuthenticatedClient } from '../../clients/authenticate.ts'
import type { Form } from '../../http/form.ts'
import type { GrantType } from '../../oauth/grant-types.ts'

/** What a grant contributes; every check that all grants share belongs to the endpoint. */
export interface GrantHandler {
  readonly grantType: GrantType
  /**
   * Row 11: the grant's own parameters.
   * @throws OAuthError
   */
  readonly checkParameters: (form: Form, caller: AuthenticatedClient) => void
}
