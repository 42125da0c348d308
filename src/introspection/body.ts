/** What introspection answers, in JSON and inside the JWT alike. */
import { Type, type Static } from '@sinclair/typebox'
import { accessTokenClaims, tokenTypes, type TokenType } from '../oauth/claims.ts'

const activeToken = Type.Object({
  active: Type.Literal(true, { description: 'The token is active, and it is for the resource that the caller stands for.' }),
  token_type: Type.Unsafe<TokenType>({ type: 'string', enum: tokenTypes, description: 'How the token is presented to the API. `DPoP`: only with a proof of the key that `cnf` names, never as a bearer token.', examples: [...tokenTypes] }),
  ...accessTokenClaims.properties
}, { title: 'Active' })

const inactiveToken = Type.Object({
  active: Type.Literal(false, { description: 'Anything else. The answer has no other member.' })
}, { title: 'Inactive', additionalProperties: false })

export const introspectionBody = Type.Union([activeToken, inactiveToken])
export type IntrospectionBody = Static<typeof introspectionBody>
