/** What every test in this folder starts from: a server, and a partner and an API's resource client in each environment. */
import type { RegisteredClient } from '../support/fixtures.ts'
import { known } from '../support/requests.ts'
import { startTestServer, type TestServer, type TestServerOptions } from '../support/server.ts'

export interface Side {
  /** `iss` of this environment's tokens. */
  readonly issuer: string
  readonly partner: RegisteredClient
  /** Stands for the API at introspection. */
  readonly api: RegisteredClient
}

export interface Partners {
  readonly server: TestServer
  readonly live: Side
  readonly test: Side
}

export const audience = 'https://api.example.com'

export async function startWithPartners (options: TestServerOptions = {}): Promise<Partners> {
  const server = await startTestServer(options)
  const { id: organizationId } = await server.fixtures.organization()
  const { id: resourceId } = await server.fixtures.resource(audience, { 'tournaments:read': true, 'tournaments:write': false })

  async function register (environment: 'live' | 'test', issuer: string): Promise<Side> {
    const partner = await server.fixtures.client({ organizationId, environment, scopes: ['tournaments:read', 'tournaments:write'] })
    const api = await server.fixtures.client({ organizationId, environment, resourceId })
    return { issuer, partner, api }
  }

  const live = await register('live', server.issuer)
  const test = await register('test', `${server.issuer}/test`)
  await known(server, test.api)
  return { server, live, test }
}
