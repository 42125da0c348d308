/** An assertion that is an authorization grant and authenticates its client: `sub` is not the client, but whom it acts for. */
import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { invalidGrant, invalidRequest } from '../oauth/errors.ts'
import { readAssertion, type Assertion, type AssertionClaims } from './client-assertion.ts'

const grantClaims = Type.Object({ scope: Type.Optional(Type.String()) })
export type GrantAssertionClaims = AssertionClaims & Static<typeof grantClaims>

export interface GrantAssertionCredential {
  readonly kind: 'grant assertion'
  /** What a client is registered for is the grant. */
  readonly method: undefined
  readonly clientId: string
  readonly assertion: Assertion & { readonly claims: GrantAssertionClaims }
}

/** `typ` of the JWT, if it has any: never that of a client assertion, so that neither is taken for the other. */
const grantAssertionTypes = ['authorization-grant+jwt', 'jwt']

/**
 * @throws OAuthError `invalid_grant`, or `invalid_request` for a `client_id` of another client
 * @see [RFC 7523 §3](https://www.rfc-editor.org/rfc/rfc7523.html#section-3)
 */
export function grantAssertionCredential (text: string, bodyClientId: string | undefined): GrantAssertionCredential {
  const assertion = readAssertion(text, grantAssertionTypes)
  if ('refused' in assertion) throw invalidGrant(`assertion: ${assertion.refused}`)
  const { claims } = assertion
  if (!Value.Check(grantClaims, claims)) throw invalidGrant('assertion: its scope is no text')
  if (claims.sub === claims.iss) throw invalidGrant('assertion: its sub is the client itself, as in client assertions')
  if (bodyClientId !== undefined && bodyClientId !== claims.iss) throw invalidRequest('The client_id in the body is not the one in the assertion.')
  return { kind: 'grant assertion', method: undefined, clientId: claims.iss, assertion: { ...assertion, claims } }
}
