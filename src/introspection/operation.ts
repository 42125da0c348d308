/** How the introspection endpoint describes itself. */
import { Type, type Static } from '@sinclair/typebox'
import type { Operation } from '../http/operation.ts'
import { documentedClaims } from '../oauth/claims.ts'
import { foreignParameters, tokenParameters } from '../oauth/parameters.ts'
import { issuerPlaceholder, samples } from '../oauth/samples.ts'
import { formRulesOf } from '../http/body.ts'

const introspectionRequest = Type.Object(tokenParameters)
export const introspectionRules = formRulesOf(introspectionRequest, foreignParameters.tokenInspection)

const activeToken = Type.Object({
  active: Type.Literal(true, { description: 'The token is active, and it is for the resource that the caller stands for.' }),
  token_type: Type.Literal('Bearer', { description: 'How the token is presented to the API.' }),
  ...documentedClaims.properties
}, { title: 'Active' })

const inactiveToken = Type.Object({
  active: Type.Literal(false, { description: 'Anything else. The answer has no other member.' })
}, { title: 'Inactive', additionalProperties: false })

const introspectionBody = Type.Union([activeToken, inactiveToken])
export type IntrospectionBody = Static<typeof introspectionBody>

const { apiId, apiSecret, token } = samples
const asApi = [apiId, apiSecret] as const

export const introspectionOperation: Operation = {
  method: 'POST',
  tag: 'Tokens',
  summary: 'Ask whether a token is active',
  description: `For an API that does not verify tokens on its own, or that wants to hear of revocations at once. The caller is a client that stands for a resource. It authenticates like any client, and learns about the tokens of its own resource and environment.

About every other string in the world (expired, revoked, for another resource, of another environment, signed by somebody else, no token at all) the answer is \`{"active":false}\`. The operator finds the reason in the log.`,
  specification: { description: 'RFC 7662, Token Introspection', url: 'https://www.rfc-editor.org/rfc/rfc7662.html#section-2' },
  readsMemory: true,
  form: { name: 'IntrospectionRequest', schema: introspectionRequest },
  answers: [
    { status: 200, description: 'What the caller may know about the token.', content: { mediaType: 'application/json', body: { name: 'IntrospectionResponse', schema: introspectionBody } } }
  ],
  errors: [
    { code: 'invalid_request', when: '`token` is missing, a parameter is repeated, unreadable or in the URL, the body is not form-encoded, or the client authenticates in two ways.' },
    { code: 'invalid_client', when: 'The caller is unknown or disabled, or its secret is wrong, expired or revoked. Also without any credentials.' },
    { code: 'temporarily_unavailable', when: 'Too many secrets are being verified for the first time.' }
  ],
  exchanges: [
    {
      name: 'active',
      summary: 'An active token',
      request: { basic: asApi, form: { token } },
      answer: {
        status: 200,
        body: {
          active: true,
          token_type: 'Bearer',
          iss: issuerPlaceholder,
          sub: samples.clientId,
          aud: samples.resource,
          exp: samples.issuedAt + 90_000,
          iat: samples.issuedAt,
          jti: samples.jti,
          client_id: samples.clientId,
          scope: samples.scope,
          org: samples.organization,
          env: 'live'
        }
      }
    },
    { name: 'inactive', summary: 'Any other string', request: { form: { client_id: apiId, client_secret: apiSecret, token: 'anything-else' } }, answer: { status: 200, body: { active: false } } },
    {
      name: 'no_token',
      summary: 'Nothing to look at',
      request: { basic: asApi, form: { token_type_hint: 'access_token' } },
      answer: { error: 'invalid_request', description: 'token is missing: send the access token to look at.' }
    },
    {
      name: 'wrong_secret',
      summary: 'A wrong secret',
      request: { basic: [apiId, 'wrong'], form: { token } },
      answer: { error: 'invalid_client', description: 'Client authentication failed: check client_id and client_secret.' }
    }
  ]
}
