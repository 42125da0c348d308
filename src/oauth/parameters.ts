/** Parameters that several endpoints know, as schemas: the endpoints act on them, and the documentation is made of them. */
import { Type } from '@sinclair/typebox'
import { samples } from './samples.ts'

/** @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.3.1) */
export const clientSecretPost = {
  client_id: Type.Optional(Type.String({
    description: 'The id of the client. Leave it out when the credentials are in the `Authorization` header.',
    examples: [samples.clientId]
  })),
  client_secret: Type.Optional(Type.String({
    description: 'The secret of the client. Leave it out when the credentials are in the `Authorization` header.',
    examples: [samples.clientSecret]
  }))
} as const

/**
 * What introspection and revocation are sent.
 * @see [RFC 7662 §2.1](https://www.rfc-editor.org/rfc/rfc7662.html#section-2.1)
 * @see [RFC 7009 §2.1](https://www.rfc-editor.org/rfc/rfc7009.html#section-2.1)
 */
export const tokenParameters = {
  token: Type.String({ minLength: 1, description: 'The access token, character by character as it was issued.', examples: [samples.token] }),
  token_type_hint: Type.Optional(Type.String({ description: 'Accepted and ignored: there is one kind of token.', examples: ['access_token'] })),
  ...clientSecretPost
} as const

/** Of other grants and methods: without effect where they are not in a schema, and refused in the URL all the same. */
export const foreignParameters = {
  token: ['client_assertion', 'client_assertion_type', 'assertion', 'subject_token', 'actor_token', 'refresh_token', 'access_token', 'token', 'code', 'password'],
  tokenInspection: ['client_assertion', 'access_token']
} as const
