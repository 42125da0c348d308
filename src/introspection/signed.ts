/** The answer of introspection as a JWT, for an API that must be able to prove what it was told. */
import { Type, type Static } from '@sinclair/typebox'
import { nowSeconds, type Clock } from '../clock.ts'
import type { Client } from '../clients/client.ts'
import { issuerOf } from '../environment.ts'
import type { KeyRing } from '../keys/ring.ts'
import { signJwt } from '../keys/sign.ts'
import { accessTokenHeader } from '../oauth/claims.ts'
import { temporarilyUnavailable } from '../oauth/errors.ts'
import { issuerPlaceholder, samples } from '../oauth/samples.ts'
import type { ResourceDirectory } from '../resources/resource.ts'
import { introspectionBody, type IntrospectionBody } from './body.ts'

/** `typ` of the header, and the media type without `application/`. */
const signedType = 'token-introspection+jwt'
export const signedMediaType = `application/${signedType}`

const signedHeader = Type.Object({
  ...accessTokenHeader.properties,
  typ: Type.Literal(signedType, { description: 'Says that this JWT is an answer of introspection, and no access token.' })
})

/** @see [RFC 9701 §5](https://www.rfc-editor.org/rfc/rfc9701.html#section-5) */
const signedClaims = Type.Object({
  iss: Type.String({ description: 'The issuer of the caller\'s environment.', examples: [issuerPlaceholder] }),
  aud: Type.String({ description: 'The id of the client that asked.', examples: [samples.apiId] }),
  iat: Type.Integer({ minimum: 0, description: 'When the answer was given, in seconds since 1970.', examples: [samples.issuedAt] }),
  token_introspection: Type.Unsafe<IntrospectionBody>({ ...introspectionBody, description: 'The answer, as it would be in JSON.', examples: [{ active: false }] })
}, { additionalProperties: false })

export const signedBody = Type.String({
  contentMediaType: 'application/jwt', contentSchema: { type: 'array', minItems: 2, prefixItems: [signedHeader, signedClaims] }
})

export type SignIntrospection = (caller: Client, body: IntrospectionBody) => string

interface SignedDependencies {
  readonly issuer: string
  readonly keys: Pick<KeyRing, 'active'>
  readonly resources: Pick<ResourceDirectory, 'get'>
  readonly clock: Clock
}

/**
 * Neither `sub` nor `exp` at the top, and an audience that is no resource: nothing that anybody could take for an access token. It
 * is signed as the tokens of the caller's resource are: the API has what it takes to verify that.
 * @see [RFC 9701 §5](https://www.rfc-editor.org/rfc/rfc9701.html#section-5)
 * @see [RFC 9701 §8.1](https://www.rfc-editor.org/rfc/rfc9701.html#section-8.1)
 */
export function createSignIntrospection ({ issuer, keys, resources, clock }: SignedDependencies): SignIntrospection {
  return ({ id, environment, resourceId }, body) => {
    const resource = resourceId === null ? undefined : resources.get(resourceId)
    const key = keys.active(environment, resource?.signingAlgorithm ?? null)
    if (key === undefined) throw temporarilyUnavailable('The server has no signing key at this moment.', 5, `no active ${environment} key`)
    const claims: Static<typeof signedClaims> = { iss: issuerOf(issuer, environment), aud: id, iat: nowSeconds(clock), token_introspection: body }
    return signJwt(key, signedType, claims)
  }
}
