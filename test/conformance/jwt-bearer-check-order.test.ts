import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jwtBearerGrant } from '../../src/oauth/grant-types.ts'
import { assertionClaims, macWith } from '../support/assertions.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { compact } from '../support/forged-tokens.ts'
import { known, postForm, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/** The rows of the token request's table in which the grant differs from client_credentials; rows 1 to 6 come before any grant. */
const rows = {
  '7 one kind of authentication': { error: 'invalid_request', description: /in one way only/ },
  '8 the same client_id': { error: 'invalid_request', description: /client_id in the body is not the one/ },
  '9 the assertion is good': { error: 'invalid_grant', description: /assertion is not acceptable/ },
  '10 the client may use the grant': { error: 'unauthorized_client', description: /may not use the grant_type/ },
  '11 the player is in the assertion alone': { error: 'invalid_request', description: /leave player_id out/ },
  '12 resource known': { error: 'invalid_target', description: /no resource https:\/\/nowhere\.example/ },
  '13 scope granted': { error: 'invalid_scope', description: /not granted to this client: unknown:scope/ },
  '13 scope within the assertion': { error: 'invalid_scope', description: /does not allow these scopes: tournaments:write/ }
} as const
type Row = keyof typeof rows

// An object's keys are its literal names.
const rowNames = Object.keys(rows) as Row[]
const pairs = rowNames.flatMap((earlier, index) => rowNames.slice(index + 1).map((later): [Row, Row] => [earlier, later]))

describe('the checks of a token request with an assertion, in the order of the table', () => {
  let server: TestServer
  let scene: Scene
  let login: RegisteredClient
  let grantless: RegisteredClient

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    const common = { organizationId: scene.organization.id, type: 'jwt', scopes: ['tournaments:read', 'tournaments:write'] } as const
    login = await server.fixtures.client(common)
    grantless = await server.fixtures.client({ ...common, grants: [] })
    await known(server, grantless)
  })
  afterAll(async () => { await server.stop() })

  async function violating (violated: readonly Row[]): Promise<Answer> {
    const has = (row: Row): boolean => violated.includes(row)
    const client = has('10 the client may use the grant') ? grantless : login
    const claims = { ...assertionClaims(server.issuer, client.id, Date.now()), sub: 'player-1001', scope: 'tournaments:read unknown:scope' }
    const scopes = ['tournaments:read', ...has('13 scope granted') ? ['unknown:scope'] : [], ...has('13 scope within the assertion') ? ['tournaments:write'] : []]
    return await postForm(`${server.issuer}/oauth/v2/token`, {
      grant_type: jwtBearerGrant,
      assertion: compact({ alg: 'HS256' }, claims, macWith(has('9 the assertion is good') ? 'wrong' : client.secret)),
      scope: scopes.join(' '),
      ...has('7 one kind of authentication') ? { client_secret: client.secret } : {},
      ...has('8 the same client_id') ? { client_id: 'cl_live_somebodyelse' } : {},
      ...has('11 the player is in the assertion alone') ? { player_id: 'player-1002' } : {},
      ...has('12 resource known') ? { resource: 'https://nowhere.example' } : {}
    })
  }

  function expectAnswer ({ status, json }: Answer, row: Row): void {
    expect({ status, error: json['error'] }).toEqual({ status: 400, error: rows[row].error })
    expect(String(json['error_description'])).toMatch(rows[row].description)
  }

  it('answers 200 when no row is violated', async () => {
    expect((await violating([])).status).toBe(200)
  })

  it.each(rowNames)('row %s: answers its own error when it alone is violated', async (row) => {
    expectAnswer(await violating([row]), row)
  })

  it.each(pairs)('answers row %s before row %s', async (earlier, later) => {
    expectAnswer(await violating([earlier, later]), earlier)
  })
})
