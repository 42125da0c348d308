import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClientStore } from '../../src/clients/store.ts'
import { createOrganizationStore } from '../../src/organizations/store.ts'
import { grantTypes, jwtBearerGrant, tokenExchangeGrant, type GrantType } from '../../src/oauth/grant-types.ts'
import { createResourceStore } from '../../src/resources/store.ts'
import { assertionFor } from '../support/assertions.ts'
import { accessTokenType, exchangeScene, gatewayOf, type ExchangeScene } from '../support/exchange.ts'
import type { RegisteredClient } from '../support/fixtures.ts'
import { endpointOf, known, postForm, tokenOf, within, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let scene: ExchangeScene

interface Ask {
  readonly client: RegisteredClient
  readonly scope?: string
  readonly where?: TestServer
}

/** How each grant is asked for, with everything right: a new grant needs a line here. */
const asks: Readonly<Record<GrantType, {
  readonly register: (environment: 'live' | 'test') => Promise<RegisteredClient>
  readonly parameters: (ask: Ask) => Promise<Readonly<Record<string, string>>>
  /** Authenticates by what it is asked for with, and has no method that could be missing. */
  readonly authenticatesItself?: true
}>> = {
  client_credentials: {
    register: (environment) => server.fixtures.client({ organizationId: scene.organization.id, environment, scopes: ['tournaments:read', 'stats:read'] }),
    parameters: async () => await Promise.resolve({})
  },
  [jwtBearerGrant]: {
    register: (environment) => server.fixtures.client({ organizationId: scene.organization.id, environment, type: 'jwt', scopes: ['tournaments:read', 'stats:read'] }),
    parameters: async ({ client }) => await Promise.resolve({ assertion: assertionFor('player-1001', client, issuerOf(client), Date.now()) }),
    authenticatesItself: true
  },
  [tokenExchangeGrant]: {
    register: (environment) => server.fixtures.client({ ...gatewayOf(scene), organizationId: scene.organization.id, environment, scopes: ['tournaments:read', 'stats:read'] }),
    parameters: async ({ client }) => ({ subject_token: subjects[client.client.environment] ?? '', subject_token_type: accessTokenType })
  }
}
/** For exchanges. */
const subjects: Record<string, string> = {}

function issuerOf ({ client }: RegisteredClient): string {
  return client.environment === 'live' ? server.issuer : `${server.issuer}/test`
}

async function request (grantType: GrantType, ask: Ask): Promise<Answer> {
  const { client, scope = 'tournaments:read', where = server } = ask
  const credentials = asks[grantType].authenticatesItself === true ? {} : { client_id: client.id, client_secret: client.secret }
  return await postForm(endpointOf(where, 'token'), { grant_type: grantType, ...credentials, ...await asks[grantType].parameters(ask), scope })
}

interface Restriction {
  /** @returns what ends it */
  readonly impose: (client: RegisteredClient) => Promise<unknown>
  readonly lift?: (client: RegisteredClient) => Promise<unknown>
  /** `authentication` is what that grant answers for a client that may not come in. */
  readonly error: string
  readonly scope?: string
  readonly concerns?: (grantType: GrantType) => boolean
}

const now = (): Date => new Date()
const restrictions: Readonly<Record<string, Restriction>> = {
  'the client is disabled': {
    impose: ({ id }) => createClientStore(server.database).update(id, { disabledAt: now() }), error: 'authentication'
  },
  'the client is deleted': { impose: ({ id }) => createClientStore(server.database).remove(id), error: 'authentication' },
  'its organization is disabled': {
    impose: async ({ id }) => {
      const { id: organizationId } = await server.fixtures.organization()
      await createClientStore(server.database).update(id, { organizationId })
      await createOrganizationStore(server.database).update(organizationId, { disabledAt: now() })
    },
    error: 'authentication'
  },
  'its secret is revoked': {
    impose: ({ client }) => createClientStore(server.database).updateSecret([...client.secrets.keys()].join(), { revokedAt: now() }), error: 'authentication'
  },
  'its secret is disabled': {
    impose: ({ client }) => createClientStore(server.database).updateSecret([...client.secrets.keys()].join(), { disabledAt: now() }), error: 'authentication'
  },
  'its secret has expired': {
    impose: ({ client }) => createClientStore(server.database).updateSecret([...client.secrets.keys()].join(), { expiresAt: now() }), error: 'authentication'
  },
  'the method is not registered for it': {
    impose: ({ id }) => createClientStore(server.database).update(id, { authenticationMethods: ['private_key_jwt'] }), error: 'authentication', concerns: (grantType) => asks[grantType].authenticatesItself !== true
  },
  'the grant is not among its grants': { impose: ({ id }) => createClientStore(server.database).update(id, { grants: [] }), error: 'unauthorized_client' },
  'the scope is not granted to it': { impose: ({ id }) => createClientStore(server.database).setScopes(id, ['stats:read']), error: 'invalid_scope' },
  'the scope is disabled': {
    impose: () => createResourceStore(server.database).updateScope('stats:read', { disabledAt: now() }),
    lift: () => createResourceStore(server.database).updateScope('stats:read', { disabledAt: null }),
    error: 'invalid_scope',
    scope: 'stats:read'
  },
  'R9 the resource is disabled': {
    impose: () => createResourceStore(server.database).update(scene.stats.id, { disabledAt: now() }),
    lift: () => createResourceStore(server.database).update(scene.stats.id, { disabledAt: null }),
    error: 'invalid_scope',
    scope: 'stats:read'
  },
  'its tokens need a DPoP proof': { impose: ({ id }) => createClientStore(server.database).update(id, { dpop: 'required' }), error: 'invalid_dpop_proof' },
  'its tokens need a certificate': { impose: ({ id }) => createClientStore(server.database).update(id, { certificateBoundTokens: true }), error: 'invalid_request' }
}

beforeAll(async () => {
  server = await startTestServer()
  scene = await exchangeScene(server)
  const tester = await server.fixtures.client({ organizationId: scene.organization.id, environment: 'test', scopes: ['tournaments:read'] })
  await known(server, tester)
  for (const client of [scene.partner, tester]) subjects[client.client.environment] = await tokenOf(server, client)
})
afterAll(async () => { await server.stop() })

const matrix = grantTypes.flatMap((grantType) => Object.entries(restrictions)
  .filter(([, { concerns }]) => concerns?.(grantType) !== false)
  .map(([name, restriction]): [GrantType, string, Restriction] => [grantType, name, restriction]))

describe('R46 every grant keeps every restriction', () => {
  it.each(matrix)('%s: refused when %s, and granted before', async (grantType, _, { impose, lift, error, scope }) => {
    const client = await asks[grantType].register('live')
    await known(server, client)
    const ask = { client, ...scope === undefined ? {} : { scope } }
    expect((await request(grantType, ask)).status).toBe(200)
    await impose(client)
    const expected = error !== 'authentication' ? error : asks[grantType].authenticatesItself === true ? 'invalid_grant' : 'invalid_client'
    let answer: unknown
    const isRefused = async (): Promise<boolean> => (answer = (await request(grantType, ask)).json['error']) === expected
    expect(await within(1, isRefused), JSON.stringify(answer)).toBe(true)
    await lift?.(client)
    if (lift !== undefined) expect(await within(1, async () => (await request(grantType, ask)).status === 200)).toBe(true)
  })

  it.each(grantTypes)('%s: a test client gets tokens of the test issuer only', async (grantType) => {
    const client = await asks[grantType].register('test')
    await known(server, client)
    const { status, json } = await request(grantType, { client })
    expect(status).toBe(200)
    expect(JSON.parse(Buffer.from(String(json['access_token']).split('.')[1] ?? '', 'base64url').toString())).toMatchObject({ iss: `${server.issuer}/test`, env: 'test', client_id: client.id })
  })

  it.each(grantTypes)('%s: switched off it is one that the server does not have', async (grantType) => {
    const where = await server.startSibling({ GRANT_TYPES: grantTypes.filter((each: string) => each !== grantType).join(',') })
    const client = await asks[grantType].register('live')
    await known(where, client)
    expect((await request(grantType, { client, where })).json['error']).toBe('unsupported_grant_type')
  })
})
