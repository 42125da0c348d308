/** How JWKS and metadata describe themselves. */
import { Type, type Static } from '@sinclair/typebox'
import type { Environment } from '../environment.ts'
import type { Answer, Described, Exchange, Operation } from '../http/operation.ts'
import { issuerPlaceholder, samples } from '../oauth/samples.ts'
import { defaultFeatures, metadataBody, metadataOf } from './metadata.ts'

/** How long verifiers may keep keys and metadata. */
export const documentMaxAgeSeconds = 300

const jwksBody = Type.Object({
  keys: Type.Array(Type.Object({
    kty: Type.Union([Type.Literal('RSA'), Type.Literal('EC'), Type.Literal('OKP')], { description: 'The type of the key: RSA for RS256 and PS256, EC for ES256, OKP for EdDSA.', examples: ['RSA'] }),
    use: Type.Literal('sig', { description: 'The key is for signatures.' }),
    alg: Type.String({ description: 'The algorithm of the key.', examples: ['RS256'] }),
    kid: Type.String({ description: 'The id of the key, which tokens name in their header.', examples: [samples.kid] }),
    n: Type.Optional(Type.String({ description: 'Of an RSA key: the modulus.', examples: ['uVx3…'] })),
    e: Type.Optional(Type.String({ description: 'Of an RSA key: the exponent.', examples: ['AQAB'] })),
    crv: Type.Optional(Type.Union([Type.Literal('P-256'), Type.Literal('Ed25519')], { description: 'Of an EC or OKP key: the curve.', examples: ['P-256'] })),
    x: Type.Optional(Type.String({ description: 'Of an EC or OKP key: the point, or its first coordinate.', examples: ['f83O…'] })),
    y: Type.Optional(Type.String({ description: 'Of an EC key: the second coordinate of the point.', examples: ['x_FE…'] }))
  }), { description: 'For each algorithm: the key that signs, the one that signs next, and those whose tokens may still live.' })
})
export type JwksBody = Static<typeof jwksBody>

/** Answers of a public document: readable from any origin, and 304 when the caller has it already. */
function publicAnswers (description: string, body: Described): Answer[] {
  const headers = ['ETag', 'Access-Control-Allow-Origin'] as const
  return [
    { status: 200, description, content: { mediaType: 'application/json', body }, maxAgeSeconds: documentMaxAgeSeconds, headers },
    { status: 304, description: 'The caller has it already: `If-None-Match` names its `ETag`. The body is empty.', maxAgeSeconds: documentMaxAgeSeconds, headers }
  ]
}

function publicExchanges (body: unknown): Exchange[] {
  return [
    { name: 'current', summary: 'The document', request: {}, answer: { status: 200, body } },
    { name: 'unchanged', summary: 'It is asked for again, and has not changed', request: { headers: { 'If-None-Match': '*' } }, answer: { status: 304 } }
  ]
}

export function jwksOperation (environment: Environment): Operation {
  const { kid } = samples
  return {
    method: 'GET',
    tag: 'Keys and metadata',
    summary: `Public keys of the ${environment} issuer`,
    description: `The keys that verify the tokens of ${environment} clients. An API accepts the keys of one issuer only, live or test. Most JWT libraries fetch this document, keep it, and fetch it again when a token names a key that they do not know.`,
    specification: { description: 'RFC 7517 §5, JWK Set', url: 'https://www.rfc-editor.org/rfc/rfc7517.html#section-5' },
    readsMemory: true,
    requestHeaders: ['If-None-Match'],
    answers: publicAnswers('The keys.', { name: 'Jwks', schema: jwksBody }),
    errors: [],
    exchanges: publicExchanges({ keys: [{ kty: 'RSA', use: 'sig', alg: 'RS256', kid, n: 'uVx3…', e: 'AQAB' }] })
  }
}

export function metadataOperation (environment: Environment): Operation {
  return {
    method: 'GET',
    tag: 'Keys and metadata',
    summary: `Metadata of the ${environment} issuer`,
    description: 'Where the endpoints are and what they can do, for libraries that configure themselves from the issuer. The same document is at every path.',
    specification: { description: 'RFC 8414, Authorization Server Metadata', url: 'https://www.rfc-editor.org/rfc/rfc8414.html#section-3' },
    readsMemory: true,
    requestHeaders: ['If-None-Match'],
    answers: publicAnswers('The metadata.', { name: 'Metadata', schema: metadataBody }),
    errors: [],
    exchanges: publicExchanges(metadataOf(issuerPlaceholder, environment, defaultFeatures))
  }
}
