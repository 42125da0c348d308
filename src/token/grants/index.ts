/** The grants of the token endpoint, by grant type: the table that requests are looked up in. */
import { parameter, type Form } from '../../http/form.ts'
import { invalidRequest, unsupportedGrantType } from '../../oauth/errors.ts'
import { jwtBearerGrant, tokenExchangeGrant, type GrantType } from '../../oauth/grant-types.ts'
import { clientCredentials } from './client-credentials.ts'
import type { GrantHandler } from './grant.ts'
import { jwtBearer } from './jwt-bearer.ts'
import { createTokenExchange, type TokenExchangeDependencies } from './token-exchange.ts'

export type Grants = Readonly<Record<GrantType, GrantHandler>>

export function createGrants (dependencies: TokenExchangeDependencies): Grants {
  return {
    client_credentials: clientCredentials,
    [jwtBearerGrant]: jwtBearer,
    [tokenExchangeGrant]: createTokenExchange(dependencies)
  }
}

/** Their presence says that the request is of another kind, so that an absent grant_type is a mistake. */
const otherCredentials = ['assertion', 'client_assertion', 'subject_token', 'actor_token', 'refresh_token', 'token', 'code']

export interface GrantRules {
  readonly requireGrantType: boolean
  /** Those that are on. */
  readonly grantTypes: readonly GrantType[]
}

/**
 * Rows 5 and 6. A grant type that is off is one that the server does not have.
 * @throws OAuthError `invalid_request`, `unsupported_grant_type`
 * @see [RFC 6749 §4.4.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.4.2), which requires `grant_type`: see ADR 0006
 */
export function selectGrant (form: Form, grants: Grants, { requireGrantType, grantTypes }: GrantRules): GrantHandler {
  const named = parameter(form, 'grant_type')
  if (named !== undefined) {
    const grantType = grantTypes.find((each) => each === named)
    if (grantType === undefined) throw unsupportedGrantType(named)
    return grants[grantType]
  }
  const plain = grantTypes.includes('client_credentials') && form.has('client_secret') && !otherCredentials.some((name) => form.has(name))
  if (requireGrantType || !plain) throw invalidRequest(`grant_type is missing: send one of ${grantTypes.join(', ')}.`)
  return grants.client_credentials
}
