/** How the token endpoint describes itself. */
import type { Operation } from '../http/operation.ts'
import { tokenExchanges } from './examples.ts'
import { tokenRequest } from './request.ts'
import { tokenResponseBody } from './response.ts'

export const tokenOperation: Operation = {
  method: 'POST',
  tag: 'Tokens',
  summary: 'Get an access token',
  description: `A client shows its credentials and gets an access token for its scopes. It keeps the token, sends it to the API with every call, and asks again when it has expired.

A JWT client acts for players, who log in with its backend: it names one in \`player_id\` or in an \`assertion\` (RFC 7523 §2.1), and the token is bound to that player.

Nothing is granted that was not asked for, and nothing that was asked for is dropped silently. An empty parameter counts as absent, and an unknown one is ignored. A parameter that is there twice is refused, and so is one that is in the URL.

An API that is shown a token and calls another API for whoever sent it does not pass the token on: it exchanges it (RFC 8693). It authenticates as the client that stands for it, sends the token as \`subject_token\`, and gets one that is about the same client or player, names the API as \`client_id\`, may do no more, lives no longer, and is inactive as soon as the first one is. What for is the operator's to allow.

A request with a DPoP proof (RFC 9449) gets a token that is bound to the key of the proof: its \`token_type\` is \`DPoP\`, and whoever uses it needs that key. Where the operator wants it, a proof has to hold a nonce of the server, which the header \`DPoP-Nonce\` of an answer brings. A client whose tokens are never bound gets \`Bearer\` ones, though it sends a good proof.`,
  specification: { description: 'RFC 6749 §4.4, the client credentials grant', url: 'https://www.rfc-editor.org/rfc/rfc6749.html#section-4.4' },
  readsMemory: true,
  requestHeaders: ['DPoP'],
  form: { name: 'TokenRequest', schema: tokenRequest },
  answers: [
    { status: 200, description: 'An access token.', content: { mediaType: 'application/json', body: { name: 'TokenResponse', schema: tokenResponseBody } } }
  ],
  errors: [
    { code: 'invalid_request', when: 'A parameter is repeated, unreadable or in the URL, `grant_type` is missing, the body is not form-encoded, the client authenticates in two ways, `player_id` is malformed, missing for a JWT client, or there for another, or `subject_token` or `actor_token` is missing or not acceptable: one answer for whatever is wrong with it.' },
    { code: 'invalid_grant', when: 'The `assertion` is not acceptable: one answer for whatever is wrong with it, unknown clients included.' },
    { code: 'unauthorized_client', when: 'The client may not use this `grant_type`; or it wants to exchange a token and stands for no resource.' },
    { code: 'unsupported_grant_type', when: 'The server does not have this `grant_type`.' },
    { code: 'invalid_scope', when: 'A scope is malformed, does not exist or is not granted to the client, the scopes belong to different resources that were not all named in `resource` or do not all allow one token for several, `scope` is absent and the client has no default scopes, or the subject token does not have the scope either.' },
    { code: 'invalid_target', when: '`resource` names no resource, or another one than that of the scopes; in a token exchange also `audience`, or one that the client may not exchange tokens for.' },
    { code: 'invalid_dpop_proof', when: 'The DPoP proof is malformed, not for this request, too old or used already, or there is none though the tokens of the client are always bound to a key.' },
    { code: 'use_dpop_nonce', when: 'The DPoP proof has no nonce, or one that is too old, and this server asks for one. The header `DPoP-Nonce` holds it.' },
    { code: 'invalid_client', when: 'The client is unknown or disabled, the secret is wrong, expired or revoked, or something is wrong with the client assertion: one answer for all of them. Also without any credentials.' },
    { code: 'temporarily_unavailable', when: 'Too many secrets are being verified for the first time, there is no usable signing key, the use of a DPoP proof or a token exchange could not be stored, or there are too many exchanged tokens.' }
  ],
  exchanges: tokenExchanges
}
