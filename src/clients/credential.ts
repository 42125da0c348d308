/** What a request presents as client authentication: rows 7 and 8 of the token request's checks. Each method reads its own. */
import type { CredentialSources } from '../http/credential.ts'
import { invalidClient, invalidRequest } from '../oauth/errors.ts'
import { clientAssertionType as jwtBearer } from '../oauth/parameters.ts'
import { certificateCredential, type CertificateCredential } from './client-certificate.ts'
import { methodOf, readAssertion, type Assertion, type AssertionMethod } from './client-assertion.ts'
import { basicCredential } from './client-secret-basic.ts'
import { postCredential } from './client-secret-post.ts'
import { grantAssertionCredential, type GrantAssertionCredential } from './grant-assertion.ts'
import type { SecretCredential } from './secret-verification.ts'

/** By `kind`: what it takes to verify it. By `method`: what a client must be registered for. */
export type PresentedCredential = SecretCredential | AssertionCredential | CertificateCredential | GrantAssertionCredential

export interface AssertionCredential {
  readonly kind: 'assertion'
  readonly method: AssertionMethod
  readonly clientId: string
  readonly assertion: Assertion
}

/**
 * @throws OAuthError `invalid_request` for two kinds of authentication or two different client ids,
 *   `invalid_client` for none or a malformed one, `invalid_grant` for a malformed one that is the grant too
 * @see [RFC 6749 §2.3](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.3)
 * @see [RFC 8705 §2](https://www.rfc-editor.org/rfc/rfc8705.html#section-2)
 */
export function presentedCredential (sources: CredentialSources): PresentedCredential {
  const { authorization, clientId, clientSecret, clientAssertion, clientAssertionType, grantAssertion, certificate } = sources
  const kinds = authorization.length + [clientSecret, clientAssertion ?? clientAssertionType, grantAssertion].filter((value) => value !== undefined).length
  if (kinds > 1) throw invalidRequest('Authenticate the client in one way only: several were sent at once.')
  const [header] = authorization
  if (header !== undefined) return basicCredential(header, clientId)
  if (grantAssertion !== undefined) return grantAssertionCredential(grantAssertion, clientId)
  if (clientSecret !== undefined) return postCredential(clientSecret, clientId)
  if (clientAssertion !== undefined) return assertionCredential(clientAssertion, clientAssertionType, clientId)
  if (clientAssertionType !== undefined) throw invalidRequest('client_assertion is missing: client_assertion_type is there without it.')
  if (certificate !== undefined && clientId !== undefined) return certificateCredential(clientId, certificate)
  throw invalidClient('no client authentication')
}

/**
 * `typ` of the JWT, if it has any: RFC 10070's own, or that of every JWT.
 * @see [RFC 10070 §4](https://www.rfc-editor.org/rfc/rfc10070.html#section-4)
 */
const assertionTypes = ['client-authentication+jwt', 'jwt']

/**
 * @see [RFC 7521 §4.2](https://www.rfc-editor.org/rfc/rfc7521.html#section-4.2)
 * @see [RFC 7523 §2.2](https://www.rfc-editor.org/rfc/rfc7523.html#section-2.2)
 */
function assertionCredential (text: string, type: string | undefined, bodyClientId: string | undefined): AssertionCredential {
  if (type === undefined) throw invalidRequest(`client_assertion_type is missing: send ${jwtBearer}.`)
  if (type !== jwtBearer) throw invalidClient('client_assertion_type of no method of this server')
  const assertion = readAssertion(text, assertionTypes)
  if ('refused' in assertion) throw invalidClient(`client assertion: ${assertion.refused}`)
  const { iss, sub } = assertion.claims
  if (iss !== sub) throw invalidClient('client assertion: its iss is not its sub')
  if (bodyClientId !== undefined && bodyClientId !== sub) throw invalidRequest('The client_id in the body is not the one in the client assertion.')
  return { kind: 'assertion', method: methodOf(assertion), clientId: sub, assertion }
}
