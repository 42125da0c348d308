import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tokenExchangeGrant } from '../../src/oauth/grant-types.ts'
import { accessTokenType, exchangeScene, gatewayOf, type ExchangeScene } from '../support/exchange.ts'
import type { RegisteredClient } from '../support/fixtures.ts'
import { basic, endpointOf, known, postForm, tokenOf, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/** The rows of the token request's table in which the grant differs from client_credentials, or has parameters of its own; rows 1 to 3 come before any grant. */
const rows = {
  '4 no parameter twice': { error: 'invalid_request', description: /subject_token is there twice/ },
  '7 one kind of authentication': { error: 'invalid_request', description: /in one way only/ },
  '9 authentication succeeds': { status: 401, error: 'invalid_client', description: /authentication failed/ },
  '10 the client may use the grant': { error: 'unauthorized_client', description: /may not use the grant_type/ },
  '11 the parameters agree': { error: 'invalid_request', description: /actor_token is missing/ },
  '11 the subject token is acceptable': { error: 'invalid_request', description: /subject_token is not acceptable/ },
  '11 the actor token is acceptable': { error: 'invalid_request', description: /actor_token is not acceptable/ },
  '12 resource known': { error: 'invalid_target', description: /no resource https:\/\/nowhere\.example/ },
  '12 audience allowed': { error: 'invalid_target', description: /may not exchange tokens for the resource https:\/\/closed\.example/ },
  '13 scope well-formed': { error: 'invalid_scope', description: /exactly one space/ },
  '13 scope granted': { error: 'invalid_scope', description: /not granted to this client: unknown:scope/ },
  '13 scope within the policy': { error: 'invalid_scope', description: /resource of these scopes: closed:read/ },
  '13 scope within the subject token': { error: 'invalid_scope', description: /does not allow these scopes: tournaments:write/ },
  '14 scopes of one resource': { error: 'invalid_scope', description: /belong to different resources/ }
} as const
type Row = keyof typeof rows

// An object's keys are its literal names.
const rowNames = Object.keys(rows) as Row[]

/** What one request cannot violate together. */
function canBeTogether (one: Row, other: Row): boolean {
  return !(one === '11 the parameters agree' && other === '11 the actor token is acceptable')
}

const pairs = rowNames.flatMap((earlier, index) => rowNames.slice(index + 1).filter((later) => canBeTogether(earlier, later)).map((later): [Row, Row] => [earlier, later]))

describe('the checks of a token exchange, in the order of the table', () => {
  let server: TestServer
  let scene: ExchangeScene
  let grantless: RegisteredClient
  let gateway: RegisteredClient
  let subject: string

  beforeAll(async () => {
    server = await startTestServer()
    scene = await exchangeScene(server)
    await server.fixtures.resource('https://closed.example', { 'closed:read': false })
    const registered = gatewayOf(scene)
    gateway = await server.fixtures.client({ ...registered, scopes: [...registered.scopes ?? [], 'closed:read'] })
    grantless = await server.fixtures.client({ ...registered, scopes: [...registered.scopes ?? [], 'closed:read'], grants: ['client_credentials'] })
    await known(server, grantless)
    subject = await tokenOf(server, scene.partner)
  })
  afterAll(async () => { await server.stop() })

  async function violating (violated: readonly Row[]): Promise<Answer> {
    const has = (row: Row): boolean => violated.includes(row)
    const client = has('10 the client may use the grant') ? grantless : gateway
    const secret = has('9 authentication succeeds') ? 'wrong' : client.secret
    const scopes = [
      'tournaments:read', ...has('13 scope granted') ? ['unknown:scope'] : [], ...has('13 scope within the policy') ? ['closed:read'] : [],
      ...has('13 scope within the subject token') ? ['tournaments:write'] : [], ...has('14 scopes of one resource') ? ['stats:read'] : []
    ]
    const form: [string, string][] = [
      ['grant_type', tokenExchangeGrant],
      ['subject_token', has('11 the subject token is acceptable') ? 'garbage' : subject],
      ['subject_token_type', accessTokenType],
      ['scope', `${scopes.join(' ')}${has('13 scope well-formed') ? ' ' : ''}`]
    ]
    if (has('4 no parameter twice')) form.push(['subject_token', 'x'])
    if (has('7 one kind of authentication')) form.push(['client_secret', secret])
    if (has('11 the parameters agree') || has('11 the actor token is acceptable')) form.push(['actor_token_type', accessTokenType])
    if (has('11 the actor token is acceptable')) form.push(['actor_token', 'garbage'])
    if (has('12 resource known')) form.push(['resource', 'https://nowhere.example'])
    if (has('12 audience allowed')) form.push(['audience', 'https://closed.example'])
    return await postForm(endpointOf(server, 'token'), form, basic(client.id, secret))
  }

  function expectAnswer ({ status, json }: Answer, row: Row): void {
    const expected = rows[row]
    expect({ status, error: json['error'] }).toEqual({ status: 'status' in expected ? expected.status : 400, error: expected.error })
    expect(String(json['error_description'])).toMatch(expected.description)
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

  it('a refused exchange leaves no link', async () => {
    const before = await server.database.exchangedToken.count()
    for (const row of rowNames) await violating([row])
    expect(await server.database.exchangedToken.count()).toBe(before)
  })
})
