/** Status lists as the protocol has them: the claim of a token, and the JWT that a list is published in. */
import { Type, type Static } from '@sinclair/typebox'
import { samples } from './samples.ts'

/**
 * Of a token: where its status is.
 * @see [Token Status List §6.2](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-6.2)
 */
export const statusClaim = Type.Object({
  status_list: Type.Object({
    idx: Type.Integer({ minimum: 0, maximum: 1_048_575, description: 'The index of the token in the list.', examples: [samples.status.status_list.idx] }),
    uri: Type.String({ description: 'Where the list is: a URI. It begins with the issuer.', examples: [samples.status.status_list.uri] })
  })
}, { description: 'Where to see whether the token was revoked (Token Status List).' })

/** `typ` of a list's header. */
export const statusListType = 'statuslist+jwt'
export const statusListMediaType = 'application/statuslist+jwt'

/** @see [Token Status List §5.1](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-5.1) */
export const statusListClaims = Type.Object({
  iss: Type.String(),
  sub: Type.String(),
  iat: Type.Integer(),
  exp: Type.Integer(),
  ttl: Type.Integer({ minimum: 1 }),
  status_list: Type.Object({ bits: Type.Literal(1), lst: Type.String() })
})
export type StatusListClaims = Static<typeof statusListClaims>
