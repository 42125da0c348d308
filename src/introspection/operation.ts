/** How the introspection endpoint describes itself. */
import { Type } from '@sinclair/typebox'
import type { Operation } from '../http/operation.ts'
import { foreignParameters, tokenParameters } from '../oauth/parameters.ts'
import { issuerPlaceholder, samples } from '../oauth/samples.ts'
import { formRulesOf } from '../http/body.ts'
import { introspectionBody } from './body.ts'
import { signedBody, signedMediaType } from './signed.ts'

const introspectionRequest = Type.Object(tokenParameters)
export const introspectionRules = formRulesOf(introspectionRequest, foreignParameters.tokenInspection)

const { apiId, apiSecret, token } = samples
const asApi = [apiId, apiSecret] as const

export const introspectionOperation: Operation = {
  method: 'POST',
  tag: 'Tokens',
  summary: 'Ask whether a token is active',
  description: `For an API that does not verify tokens on its own, or that wants to hear of revocations at once. The caller is a client that stands for a resource. It authenticates like any client, and learns about the tokens of its own resource and environment.

About every other string in the world (expired, revoked, for another resource, of another environment, signed by somebody else, no token at all) the answer is \`{"active":false}\`. The operator finds the reason in the log.

An API that must be able to prove later what it was told asks for the answer as a JWT, by \`Accept: ${signedMediaType}\`. Its \`aud\` is the id of the caller, and the answer is in \`token_introspection\`, for inactive tokens too. It is signed with a key of the JWKS. Errors are JSON always.`,
  specification: { description: 'RFC 7662, Token Introspection', url: 'https://www.rfc-editor.org/rfc/rfc7662.html#section-2' },
  readsMemory: true,
  form: { name: 'IntrospectionRequest', schema: introspectionRequest },
  answers: [
    {
      status: 200,
      headers: ['Signet-Staleness'],
      description: `What the caller may know about the token. For \`Accept: ${signedMediaType}\`, the same as a signed JWT (RFC 9701).`,
      content: { mediaType: 'application/json', body: { name: 'IntrospectionResponse', schema: introspectionBody } },
      alternative: { mediaType: signedMediaType, body: { name: 'SignedIntrospectionResponse', schema: signedBody } }
    }
  ],
  errors: [
    { code: 'invalid_request', when: '`token` is missing, a parameter is repeated, unreadable or in the URL, the body is not form-encoded, or the client authenticates in two ways.' },
    { code: 'invalid_client', when: 'The caller is unknown or disabled, or its secret is wrong, expired or revoked. Also without any credentials.' },
    { code: 'temporarily_unavailable', when: 'Too many secrets are being verified for the first time, or there is no usable signing key for an answer as a JWT.' }
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
          env: 'live',
          status: samples.status
        }
      }
    },
    {
      name: 'active_for_a_player',
      summary: 'An active token of a JWT client',
      answer: {
        status: 200,
        body: {
          active: true,
          token_type: 'Bearer',
          iss: issuerPlaceholder,
          sub: `${samples.organization}:${samples.playerId}`,
          aud: samples.resource,
          exp: samples.issuedAt + 90_000,
          iat: samples.issuedAt,
          jti: samples.jti,
          client_id: samples.jwtClientId,
          scope: samples.scope,
          org: samples.organization,
          env: 'live',
          status: samples.status,
          player_id: samples.playerId
        }
      }
    },
    { name: 'inactive', summary: 'Any other string', request: { form: { client_id: apiId, client_secret: apiSecret, token: 'anything-else' } }, answer: { status: 200, body: { active: false } } },
    {
      name: 'signed',
      summary: 'The answer as a JWT',
      request: { basic: asApi, headers: { Accept: signedMediaType }, form: { token } },
      answer: { status: 200, mediaType: signedMediaType, body: samples.signedIntrospection }
    },
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
      answer: { error: 'invalid_client', description: 'Client authentication failed: check the client id and its secret, key or certificate.' }
    }
  ]
}
