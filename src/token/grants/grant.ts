import type { AccessToken, Subject } from '../../access-tokens/mint.ts'
import type { AuthenticatedClient } from '../../clients/authenticate.ts'
import type { Form } from '../../http/form.ts'
import type { GrantType } from '../../oauth/grant-types.ts'
import type { TokenTypeIdentifier } from '../../oauth/token-type-identifiers.ts'
import type { Bounds } from '../decide.ts'

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
  /** What a token that is derived from another may be for. */
  readonly bounds?: Bounds
  /** What the answer says that the token is. */
  readonly issuedTokenType?: TokenTypeIdentifier
  /**
   * What must be durable before the token leaves.
   * @throws OAuthError
   */
  readonly record?: (token: AccessToken) => Promise<void>
}
