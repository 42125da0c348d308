import type { Exchange } from '../http/operation.ts'
import { defaultAccessTokenTtlSeconds } from '../oauth/claims.ts'
import { grantTypes, jwtBearerGrant, tokenExchangeGrant } from '../oauth/grant-types.ts'
import { samples } from '../oauth/samples.ts'
import { accessTokenIdentifier } from '../oauth/token-type-identifiers.ts'

const { serviceId, serviceSecret, serviceToken, backResource, backScope, jwtClientId, jwtClientSecret, playerId, clientId, clientSecret, scope, secondScope, resource, token } = samples
const grant = { grant_type: grantTypes[0] }
const inBody = { client_id: clientId, client_secret: clientSecret }
const inHeader = [clientId, clientSecret] as const
const asService = [serviceId, serviceSecret] as const
const exchange = { grant_type: tokenExchangeGrant, subject_token: token, subject_token_type: accessTokenIdentifier }

function issued (granted: string): Exchange['answer'] {
  return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: defaultAccessTokenTtlSeconds, scope: granted } }
}

/** Every code that the endpoint answers has at least one. */
export const tokenExchanges: readonly Exchange[] = [
  { name: 'credentials_in_the_body', summary: 'Credentials in the body', request: { form: { ...grant, ...inBody, scope } }, answer: issued(scope) },
  { name: 'three_fields', summary: 'Three fields are enough, unless the operator requires grant_type', request: { form: { ...inBody, scope } }, answer: issued(scope) },
  { name: 'basic_authentication', summary: 'Credentials in the Authorization header, and two scopes', request: { basic: inHeader, form: { ...grant, scope: `${scope} ${secondScope}` } }, answer: issued(`${scope} ${secondScope}`) },
  { name: 'default_scopes', summary: 'The default scopes of the client', request: { basic: inHeader, form: grant }, answer: issued(scope) },
  { name: 'one_resource', summary: 'The default scopes of one resource', request: { basic: inHeader, form: { ...grant, resource: [resource] } }, answer: issued(scope) },
  { name: 'bound_to_a_key', summary: 'With a DPoP proof', answer: { status: 200, body: { access_token: token, token_type: 'DPoP', expires_in: defaultAccessTokenTtlSeconds, scope } } },
  { name: 'player', summary: 'A JWT client, for one of its players', request: { form: { ...grant, client_id: jwtClientId, client_secret: jwtClientSecret, player_id: playerId, scope } }, answer: issued(scope) },
  { name: 'assertion', summary: 'A JWT client, with an assertion for one of its players', request: { form: { grant_type: jwtBearerGrant, assertion: samples.assertion, scope } }, answer: issued(scope) },
  {
    name: 'exchange',
    summary: 'An API exchanges the token that it was shown for one for the API behind it',
    request: { basic: asService, form: { ...exchange, resource: [backResource] } },
    answer: { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: 3_600, scope: backScope, issued_token_type: accessTokenIdentifier } }
  },
  {
    name: 'exchange_with_actor',
    summary: 'The same, and the new token says in act who acts',
    request: { basic: asService, form: { ...exchange, actor_token: serviceToken, actor_token_type: accessTokenIdentifier, resource: [backResource] } },
    answer: { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: 3_600, scope: backScope, issued_token_type: accessTokenIdentifier } }
  },
  {
    name: 'bad_subject_token',
    summary: 'A subject token with a mistake of any kind',
    request: { basic: asService, form: { ...exchange, subject_token: 'anything-else' } },
    answer: { error: 'invalid_request', description: 'The subject_token is not acceptable: it must be an active access token of this server, for the resource that the client stands for.' }
  },
  {
    name: 'bad_assertion',
    summary: 'An assertion with a mistake of any kind',
    request: { form: { grant_type: jwtBearerGrant, assertion: 'eyJhbGciOiJub25lIn0.e30.', scope } },
    answer: { error: 'invalid_grant', description: 'The assertion is not acceptable: check its claims and its signature, and send it once.' }
  },
  {
    name: 'no_player',
    summary: 'A JWT client that names no player',
    request: { form: { ...grant, client_id: jwtClientId, client_secret: jwtClientSecret, scope } },
    answer: { error: 'invalid_request', description: 'player_id is missing: the tokens of a JWT client name a player.' }
  },
  {
    name: 'player_of_no_jwt_client',
    summary: 'A player, from a client that is no JWT client',
    request: { form: { ...grant, ...inBody, player_id: playerId, scope } },
    answer: { error: 'invalid_request', description: 'This client is no JWT client, so its tokens name no player: leave player_id out.' }
  },
  {
    name: 'parameter_twice',
    summary: 'A parameter is there twice',
    request: { form: { ...grant, ...inBody, scope: [scope, secondScope] } },
    answer: { error: 'invalid_request', description: 'The parameter scope is there twice; send it once.' }
  },
  {
    name: 'parameter_in_the_url',
    summary: 'A secret in the URL, where it would end up in logs',
    request: { query: `client_secret=${clientSecret}`, form: { ...grant, client_id: clientId } },
    answer: { error: 'invalid_request', description: 'Send client_secret in the body, never in the URL.' }
  },
  {
    name: 'no_grant_type',
    summary: 'No grant_type, and no client_secret in the body',
    request: { basic: inHeader, form: { scope } },
    answer: { error: 'invalid_request', description: `grant_type is missing: send one of ${grantTypes.join(', ')}.` }
  },
  {
    name: 'json_body',
    summary: 'JSON instead of a form',
    request: { basic: inHeader, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ ...grant, scope }) },
    answer: { error: 'invalid_request', description: 'Send the parameters as application/x-www-form-urlencoded, not as application/json.' }
  },
  {
    name: 'two_authentications',
    summary: 'Credentials in the header and in the body',
    request: { basic: inHeader, form: { ...grant, ...inBody } },
    answer: { error: 'invalid_request', description: 'Authenticate the client in one way only: several were sent at once.' }
  },
  {
    name: 'grant_not_allowed',
    summary: 'A client that stands for a resource gets no tokens',
    request: { basic: [samples.apiId, samples.apiSecret], form: grant },
    answer: { error: 'unauthorized_client', description: `This client may not use the grant_type ${grantTypes[0]}.` }
  },
  {
    name: 'unknown_grant',
    summary: 'A grant that the server does not have',
    request: { form: { grant_type: 'password', ...inBody } },
    answer: { error: 'unsupported_grant_type', description: 'This server does not support the grant_type password.' }
  },
  {
    name: 'scope_not_granted',
    summary: 'A scope that the client does not have',
    request: { form: { ...grant, ...inBody, scope: `${scope} tournaments:delete` } },
    answer: { error: 'invalid_scope', description: 'These scopes do not exist or are not granted to this client: tournaments:delete' }
  },
  {
    name: 'unknown_resource',
    summary: 'A resource that is not registered',
    request: { form: { ...grant, ...inBody, scope, resource: ['https://nobody.example.com'] } },
    answer: { error: 'invalid_target', description: 'There is no resource https://nobody.example.com.' }
  },
  {
    name: 'no_proof',
    summary: 'A DPoP header that holds no proof',
    request: { headers: { DPoP: 'proof' }, form: { ...grant, ...inBody, scope } },
    answer: { error: 'invalid_dpop_proof', description: 'The DPoP header is not one signed JWT in compact form.' }
  },
  {
    name: 'no_nonce',
    summary: 'A DPoP proof without the nonce that the server asks for',
    answer: { error: 'use_dpop_nonce', description: 'Make a new DPoP proof, with the nonce that the header DPoP-Nonce holds.' }
  },
  {
    name: 'wrong_secret',
    summary: 'A wrong secret',
    request: { form: { ...grant, client_id: clientId, client_secret: 'wrong', scope } },
    answer: { error: 'invalid_client', description: 'Client authentication failed: check the client id and its secret, key or certificate.' }
  }
]
