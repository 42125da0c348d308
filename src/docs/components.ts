/** What the OpenAPI document defines once and refers to: request headers, response headers, client authentication. */
import { authenticationMethods, type AuthenticationMethod } from '../oauth/authentication-methods.ts'
import { basicChallenge } from '../oauth/errors.ts'
import type { HeaderName, PathParameterName, RequestHeaderName } from '../http/operation.ts'
import { samples } from '../oauth/samples.ts'
import type { HeaderObject, ParameterObject } from './openapi-types.ts'

const requestIdPattern = '^[\\w.:-]{8,128}$'

export const parameters: Readonly<Record<'X-Request-Id' | RequestHeaderName | PathParameterName, ParameterObject>> = {
  id: {
    name: 'id',
    in: 'path',
    required: true,
    description: 'Of a status list, as the `uri` in a token has it.',
    schema: { type: 'string', examples: [samples.statusListId] }
  },
  'X-Request-Id': {
    name: 'X-Request-Id',
    in: 'header',
    required: false,
    description: 'An id of your own for the request, to find it in both logs. It is kept if it has 8 to 128 letters, digits and `.` `_` `:` `-` and looks like no secret; otherwise the server makes one.',
    schema: { type: 'string', examples: ['trace:4bf92f35.77b34-da6'] }
  },
  'If-None-Match': {
    name: 'If-None-Match',
    in: 'header',
    required: false,
    description: 'The `ETag` of the document that you have. If it is still the same the answer is 304.',
    schema: { type: 'string', examples: ['"Wq3mCmfx1Xn3J8Y7m6Y4r0dFjXQ"'] }
  },
  DPoP: {
    name: 'DPoP',
    in: 'header',
    required: false,
    description: 'A DPoP proof (RFC 9449 §4): a JWT that shows that the caller holds a key. The token is bound to that key then. A proof is made for one request, and used once.',
    schema: { type: 'string', examples: ['eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7fX0.eyJodG0iOiJQT1NUIn0.c2lnbmF0dXJl'] }
  }
}

const text = (description: string, schema: HeaderObject['schema'] = {}): HeaderObject => ({ description, required: true, schema: { type: 'string', ...schema } })

export const headers: Readonly<Record<HeaderName | 'X-Request-Id' | 'Cache-Control', HeaderObject>> = {
  'X-Request-Id': text('The id of the request: the caller\'s own if it was a sane one. The operator finds the request in the log by it.', { pattern: requestIdPattern }),
  'Cache-Control': text('Not to be cached.', { const: 'no-store' }),
  'WWW-Authenticate': text('How to authenticate.', { const: basicChallenge }),
  'Retry-After': { description: 'Send the same request again after so many seconds.', required: true, schema: { type: 'integer', minimum: 1, maximum: 60 } },
  ETag: text('Names this state of the document, for `If-None-Match`.', { pattern: '^"[\\w-]+"$' }),
  'Access-Control-Allow-Origin': text('Pages of any origin may read it.', { const: '*' }),
  'Signet-Staleness': { description: 'What the answer rests on is at most so many seconds old. More than a second or two says that the server has lost its database, and goes on from memory.', required: true, schema: { type: 'integer', minimum: 0 } },
  Allow: text('The methods that the path takes.', { examples: ['GET, HEAD'] }),
  'Content-Security-Policy': text('The page runs no script and loads nothing.', { pattern: '^default-src \'none\'' })
}

/** OpenAPI has no scheme for credentials in the body: those methods are in the parameters, and in words. */
const schemeOf: Readonly<Record<AuthenticationMethod, object | undefined>> = {
  client_secret_basic: {
    type: 'http',
    scheme: 'basic',
    description: 'Client id and client secret in the `Authorization` header (RFC 6749 §2.3.1), each form-encoded first. Those that Signet generates need no encoding. Instead of it, `client_id` and `client_secret` may be in the body (`client_secret_post`), or a `client_assertion` (`client_secret_jwt`, `private_key_jwt`), but no two of them.'
  },
  client_secret_post: undefined,
  client_secret_jwt: undefined,
  private_key_jwt: undefined,
  tls_client_auth: {
    type: 'mutualTLS',
    description: 'A certificate of an authority that the operator believes, for the subject that the client is registered with, and `client_id` in the body (RFC 8705 §2.1). Where the operator has certificates reach the server.'
  },
  self_signed_tls_client_auth: {
    type: 'mutualTLS',
    description: 'A certificate that the client signed itself and has registered, and `client_id` in the body (RFC 8705 §2.2). Where the operator has certificates reach the server.'
  }
}

export const securitySchemes: Readonly<Record<string, object>> = Object.fromEntries(authenticationMethods.flatMap((method) => {
  const scheme = schemeOf[method]
  return scheme === undefined ? [] : [[method, scheme] as const]
}))

/** Either a scheme, or none: the credentials are in the body then. */
export const clientAuthentication = [...Object.keys(securitySchemes).map((name) => ({ [name]: [] })), {}]
