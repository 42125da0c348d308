/** How the revocation endpoint describes itself. */
import { Type } from '@sinclair/typebox'
import { formRulesOf } from '../http/body.ts'
import type { Operation } from '../http/operation.ts'
import { foreignParameters, tokenParameters } from '../oauth/parameters.ts'
import { samples } from '../oauth/samples.ts'

const revocationRequest = Type.Object(tokenParameters)
export const revocationRules = formRulesOf(revocationRequest, foreignParameters.tokenInspection)

/** When the database does not take the revocation. */
export const notStored = 'The revocation could not be stored, and the token is still active. Send the request again.'

const { clientId, clientSecret, otherId, otherSecret, token } = samples
const asClient = [clientId, clientSecret] as const

export const revocationOperation: Operation = {
  method: 'POST',
  tag: 'Tokens',
  summary: 'Revoke a token',
  description: 'A client kills one of its own tokens, such as one that leaked. A 200 is durable: it survives a crash, and every process of the server knows of it within a second. APIs that verify tokens on their own see it in the [status list](#liveStatusList) that the token names, within a minute.',
  specification: { description: 'RFC 7009, Token Revocation', url: 'https://www.rfc-editor.org/rfc/rfc7009.html#section-2' },
  readsMemory: true,
  form: { name: 'RevocationRequest', schema: revocationRequest },
  answers: [
    { status: 200, description: 'The token is revoked, was already, has expired, or is nothing that the server knows. The body is empty.' }
  ],
  errors: [
    { code: 'invalid_request', when: '`token` is missing, a parameter is repeated, unreadable or in the URL, the body is not form-encoded, or the client authenticates in two ways.' },
    { code: 'unauthorized_client', when: 'The token was issued to another client, which alone may revoke it.' },
    { code: 'invalid_client', when: 'The client is unknown or disabled, or its secret is wrong, expired or revoked. Also without any credentials.' },
    { code: 'temporarily_unavailable', when: 'The revocation could not be stored, and the token is still active; or too many secrets are being verified for the first time.' }
  ],
  exchanges: [
    {
      name: 'token_of_another_client',
      summary: 'A token of another client',
      request: { basic: [otherId, otherSecret], form: { token } },
      answer: { error: 'unauthorized_client', description: 'This token was issued to another client, which alone may revoke it.' }
    },
    {
      name: 'no_token',
      summary: 'Nothing to revoke',
      request: { basic: asClient, form: { token_type_hint: 'access_token' } },
      answer: { error: 'invalid_request', description: 'token is missing: send the access token to revoke.' }
    },
    {
      name: 'wrong_secret',
      summary: 'A wrong secret',
      request: { basic: [clientId, 'wrong'], form: { token } },
      answer: { error: 'invalid_client', description: 'Client authentication failed: check the client id and its secret, key or certificate.' }
    },
    { name: 'not_stored', summary: 'The database is away', answer: { error: 'temporarily_unavailable', description: notStored } },
    { name: 'revoked', summary: 'A token of the client\'s own', request: { basic: asClient, form: { token } }, answer: { status: 200 } }
  ]
}
