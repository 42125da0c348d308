/** Parameters that several endpoints know, as schemas: the endpoints act on them, and the documentation is made of them. */
import { Type } from '@sinclair/typebox'
import { samples } from './samples.ts'

/** @see [RFC 7523 §2.2](https://www.rfc-editor.org/rfc/rfc7523.html#section-2.2) */
export const clientAssertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

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

/** @see [RFC 7521 §4.2](https://www.rfc-editor.org/rfc/rfc7521.html#section-4.2) */
export const clientAssertionParameters = {
  client_assertion_type: Type.Optional(Type.String({
    description: 'Says that `client_assertion` is a JWT, of which there is one kind.',
    examples: [clientAssertionType]
  })),
  client_assertion: Type.Optional(Type.String({
    description: 'A JWT that the client signed with its key, or with its secret, instead of sending one (RFC 7523 §2.2): `iss` and `sub` are its client id, `aud` is the issuer of its environment and nothing else, `exp` is at most 5 minutes ahead, and each `jti` is good once.',
    examples: [samples.clientAssertion]
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
  ...clientSecretPost,
  ...clientAssertionParameters
} as const

/** Of other grants and methods: without effect where they are not in a schema, and refused in the URL all the same. */
export const foreignParameters = {
  token: ['refresh_token', 'access_token', 'token', 'code', 'password'],
  tokenInspection: ['access_token']
} as const
