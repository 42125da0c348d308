/** Services that exchange tokens: an API that is shown tokens of partners and players, and another API behind it. */
import { tokenExchangeGrant } from '../../src/oauth/grant-types.ts'
import type { RegistrationInput } from '../../src/clients/registration.ts'
import type { Organization } from '../../src/organizations/organization.ts'
import type { Resource } from '../../src/resources/resource.ts'
import type { RegisteredClient } from './fixtures.ts'
import { basic, endpointOf, known, postForm, requestToken, type Answer } from './requests.ts'
import type { TestServer } from './server.ts'

export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
export const jwtType = 'urn:ietf:params:oauth:token-type:jwt'

export interface ExchangeScene {
  /** The operator's, which owns the services. */
  readonly platform: Organization
  readonly organization: Organization
  readonly api: Resource
  readonly stats: Resource
  readonly partner: RegisteredClient
  /** A JWT client. */
  readonly login: RegisteredClient
  /** Stands for `api`, and may exchange what it is shown there for tokens for `stats`. */
  readonly gateway: RegisteredClient
  /** Stands for `stats`, and may only introspect. */
  readonly statistics: RegisteredClient
}

export const gatewayScopes = ['tournaments:read', 'tournaments:write', 'stats:read', 'stats:write']

export async function exchangeScene (server: TestServer): Promise<ExchangeScene> {
  const { fixtures } = server
  const platform = await fixtures.organization()
  const organization = await fixtures.organization()
  const api = await fixtures.resource('https://api.example.com', { 'tournaments:read': true, 'tournaments:write': false, 'tournaments:delete': false })
  const stats = await fixtures.resource('https://stats.example.com', { 'stats:read': true, 'stats:write': false, 'stats:delete': false })
  const owned = { organizationId: organization.id, scopes: ['tournaments:read', 'tournaments:write', 'tournaments:delete', 'stats:read'] }
  const partner = await fixtures.client(owned)
  const login = await fixtures.client({ ...owned, type: 'jwt' })
  const gateway = await fixtures.client(gatewayOf({ platform, api, stats }))
  const statistics = await fixtures.client({ organizationId: platform.id, resourceId: stats.id })
  await known(server, statistics)
  return { platform, organization, api, stats, partner, login, gateway, statistics }
}

/** How the gateway is registered, for others like it. */
export function gatewayOf ({ platform, api, stats }: Pick<ExchangeScene, 'platform' | 'api' | 'stats'>): Partial<RegistrationInput> & { readonly organizationId: string } {
  return { organizationId: platform.id, resourceId: api.id, scopes: gatewayScopes, grants: ['client_credentials', tokenExchangeGrant], exchangeResources: [stats.id] }
}

export type Pairs = readonly (readonly [string, string])[]

/** @param more after the usual parameters, or in place of those of the same name */
export function exchange (server: Pick<TestServer, 'origin' | 'issuer'>, caller: RegisteredClient, subjectToken: string, more: Readonly<Record<string, string>> | Pairs = {}): Promise<Answer> {
  const added: Pairs = isPairs(more) ? more : Object.entries(more)
  const usual = Object.entries({ grant_type: tokenExchangeGrant, subject_token: subjectToken, subject_token_type: accessTokenType })
    .filter(([name]) => !added.some(([other]) => other === name))
  return postForm(endpointOf(server, 'token'), [...usual, ...added].map(([name, value]): [string, string] => [name, value]), basic(caller.id, caller.secret))
}

function isPairs (more: Readonly<Record<string, string>> | Pairs): more is Pairs {
  return Array.isArray(more)
}

export async function exchanged (server: Pick<TestServer, 'origin' | 'issuer'>, caller: RegisteredClient, subjectToken: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  return accessTokenOf(await exchange(server, caller, subjectToken, more))
}

export async function playerToken (server: TestServer, login: RegisteredClient, playerId = 'player-1001', scope = 'tournaments:read'): Promise<string> {
  return accessTokenOf(await requestToken(server, login, { player_id: playerId, scope }))
}

export function accessTokenOf ({ status, json, text }: Answer): string {
  const token = json['access_token']
  if (status !== 200 || typeof token !== 'string') throw new Error(`no token: ${status} ${text}`)
  return token
}
