/** Which parameters a token request knows, and what it asks for. */
import { Type } from '@sinclair/typebox'
import { formRulesOf } from '../http/body.ts'
import { parameter, type Form } from '../http/form.ts'
import { grantTypes, jwtBearerGrant, tokenExchangeGrant } from '../oauth/grant-types.ts'
import { clientAssertionParameters, clientSecretPost, foreignParameters } from '../oauth/parameters.ts'
import { samples } from '../oauth/samples.ts'
import { maxScopes } from '../oauth/scope.ts'
import { accessTokenIdentifier, tokenTypeIdentifiers } from '../oauth/token-type-identifiers.ts'
import type { Wish } from './decide.ts'
import type { Granted } from './grants/grant.ts'
import { maxPlayerIdLength } from './player.ts'

/** @see [RFC 6749 §4.4.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.4.2) */
export const tokenRequest = Type.Object({
  grant_type: Type.Optional(Type.String({
    enum: grantTypes,
    description: 'What the token is asked for with: one of those that the metadata lists. A request with `client_secret` in the body may leave it out, unless the operator requires it.',
    examples: [grantTypes[0]]
  })),
  ...clientSecretPost,
  ...clientAssertionParameters,
  assertion: Type.Optional(Type.String({
    description: `With \`${jwtBearerGrant}\`: the JWT that a JWT client signs with its secret or with a key of its own. \`iss\` is the client, \`sub\` the player, \`aud\` the issuer or the token endpoint. It has a \`jti\`, used once, expires within 5 minutes, and may say a \`scope\`. It authenticates the client, so nothing else does.`,
    examples: [samples.assertion]
  })),
  player_id: Type.Optional(Type.String({
    description: `The player that a JWT client acts for, as its backend calls the player: 1 to ${maxPlayerIdLength} printable characters. A JWT client has to say it; the others may not.`,
    examples: [samples.playerId]
  })),
  subject_token: Type.Optional(Type.String({
    description: `With \`${tokenExchangeGrant}\`: an active access token of this server, for the resource that the client stands for. The new token is about the same subject, organization and player.`,
    examples: [samples.token]
  })),
  subject_token_type: Type.Optional(Type.String({ enum: tokenTypeIdentifiers, description: 'What `subject_token` is; either says the same of an access token of this server.', examples: [accessTokenIdentifier] })),
  actor_token: Type.Optional(Type.String({
    description: 'An active access token of whoever acts for the subject: one that was issued to the client itself, or for the resource that it stands for. The new token says so in `act`.',
    examples: [samples.token]
  })),
  actor_token_type: Type.Optional(Type.String({ enum: tokenTypeIdentifiers, description: 'What `actor_token` is, and only there with it.', examples: [accessTokenIdentifier] })),
  requested_token_type: Type.Optional(Type.String({ enum: tokenTypeIdentifiers, description: 'What a token exchange is to give: an access token, which is a JWT.', examples: [accessTokenIdentifier] })),
  scope: Type.Optional(Type.String({
    description: `The scopes that are asked for, at most ${maxScopes}, separated by single spaces, all of one resource unless \`resource\` names several. Without it: the default scopes of the client; in a token exchange the scopes of the subject token that the client has too.`,
    examples: [samples.scope, `${samples.scope} ${samples.secondScope}`]
  })),
  resource: Type.Optional(Type.Array(Type.String({ format: 'uri' }), {
    description: 'The identifier of the resource that the scopes belong to (RFC 8707). It is needed only to choose among the default scopes of several resources, and for a token for several resources: that each of them allows it, and that the request names each. In a token exchange: what the new token is for, if not the resource that the client stands for. May repeat.',
    examples: [[samples.resource]]
  })),
  audience: Type.Optional(Type.Array(Type.String(), { description: 'In a token exchange the same as `resource`; ignored otherwise. May repeat.', examples: [[samples.resource]] }))
}, {
  anyOf: [{ required: ['grant_type'] }, { required: ['client_id', 'client_secret'] }]
})

export const tokenRequestRules = formRulesOf(tokenRequest, foreignParameters.token)

/**
 * A grant that says what it is for limits what may be asked for, and asks for it where the request does not.
 * @see [RFC 7521 §4.1](https://www.rfc-editor.org/rfc/rfc7521.html#section-4.1)
 */
export function readWish (form: Form, { scope, bounds }: Granted): Wish {
  return {
    scope: parameter(form, 'scope') ?? scope,
    atMost: scope?.split(' '),
    resources: form.get('resource') ?? [],
    audiences: bounds === undefined ? [] : form.get('audience') ?? [],
    bounds
  }
}
