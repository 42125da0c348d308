/** How JWKS, metadata and status lists describe themselves. */
import { Type, type Static } from '@sinclair/typebox'
import type { Environment } from '../environment.ts'
import { documentMaxAgeSeconds } from '../http/cacheable.ts'
import type { Answer, Described, Exchange, Operation } from '../http/operation.ts'
import { issuerPlaceholder, samples } from '../oauth/samples.ts'
import { statusListMediaType } from '../oauth/status-list.ts'
import { statusListTtlSeconds } from '../status-lists/publish.ts'
import { statusListUri } from '../status-lists/status-list.ts'
import { defaultFeatures, metadataBody, metadataOf } from './metadata.ts'

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

const statusListsBody = Type.Object({
  status_lists: Type.Array(Type.String({ format: 'uri' }), { description: 'Where each of them is.', examples: [[`${issuerPlaceholder}/oauth/v2/status-lists/${samples.statusListId}`]] })
})
export type StatusListsBody = Static<typeof statusListsBody>

/** Answers of a public document: readable from any origin, and 304 when the caller has it already. */
function publicAnswers (description: string, body: Described, mediaType = 'application/json', maxAgeSeconds = documentMaxAgeSeconds): Answer[] {
  const headers = ['ETag', 'Access-Control-Allow-Origin'] as const
  return [
    { status: 200, description, content: { mediaType, body }, maxAgeSeconds, headers },
    { status: 304, description: 'The caller has it already: `If-None-Match` names its `ETag`. The body is empty.', maxAgeSeconds, headers }
  ]
}

function publicExchanges (body: unknown, { mediaType = 'application/json', ...request }: { readonly mediaType?: string, readonly id?: string } = {}): Exchange[] {
  return [
    { name: 'current', summary: 'The document', request, answer: { status: 200, body, mediaType } },
    { name: 'unchanged', summary: 'It is asked for again, and has not changed', request: { ...request, headers: { 'If-None-Match': '*' } }, answer: { status: 304 } }
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

export const noSuchStatusList = 'There is no such status list of this issuer: its last token has expired, or it never was.'

const sampleIds: Readonly<Record<Environment, string>> = { live: samples.statusListId, test: samples.testStatusListId }

const statusListSpecification = { description: 'Token Status List §8.2, Status List Response', url: 'https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-8.2' }

export function statusListOperation (environment: Environment): Operation {
  return {
    method: 'GET',
    tag: 'Keys and metadata',
    summary: `A status list of the ${environment} issuer`,
    description: `Which tokens were revoked, as a bit for each: a token says in \`status\` which list and which bit of it are its own. The list is a JWT, signed by a key of the same issuer. An API keeps it for the \`ttl\` that it says, ${statusListTtlSeconds} seconds, so that a revoked token is refused within a minute, and without a request for each token.`,
    specification: statusListSpecification,
    readsMemory: true,
    pathParameter: 'id',
    requestHeaders: ['If-None-Match'],
    answers: publicAnswers('The list, compressed and signed.', { name: 'StatusListToken', schema: Type.String({ description: 'A JWT. Its claims are `sub`, the address of the list, `iat`, `exp`, `ttl` and `status_list`, which holds `bits`, always 1, and `lst`, the bits in ZLIB format and base64url.', examples: [samples.statusListToken] }) }, statusListMediaType, statusListTtlSeconds),
    errors: [
      { code: 'invalid_request', status: 404, when: noSuchStatusList },
      { code: 'temporarily_unavailable', when: 'Another process may have made the list a moment ago, and this one cannot hear of it.' }
    ],
    exchanges: [
      ...publicExchanges(samples.statusListToken, { mediaType: statusListMediaType, id: sampleIds[environment] }),
      { name: 'unknown', summary: 'No list', request: { id: 'none' }, answer: { error: 'invalid_request', status: 404, description: noSuchStatusList } }
    ]
  }
}

export function statusListAggregationOperation (environment: Environment): Operation {
  return {
    method: 'GET',
    tag: 'Keys and metadata',
    summary: `The status lists of the ${environment} issuer`,
    description: 'Where all of them are, for an API that wants to have them before it sees a token of each.',
    specification: { description: 'Token Status List §9.3, Status List Aggregation', url: 'https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-9.3' },
    readsMemory: true,
    requestHeaders: ['If-None-Match'],
    answers: publicAnswers('The addresses.', { name: 'StatusLists', schema: statusListsBody }, 'application/json', statusListTtlSeconds),
    errors: [],
    exchanges: publicExchanges({ status_lists: [statusListUri(issuerPlaceholder, environment, sampleIds[environment])] })
  }
}
