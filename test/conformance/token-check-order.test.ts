import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { basic, known, send, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/** The rows of the token request's table, as the client-credentials grant has them. */
const rows = {
  '1 body within 16 KiB': { status: 413, error: 'invalid_request', description: /larger than 16384 bytes/ },
  '2 media type': { status: 400, error: 'invalid_request', description: /not as text\/plain/ },
  '3 well-formed': { status: 400, error: 'invalid_request', description: /well-formed percent-encoded/ },
  '4 no parameter twice': { status: 400, error: 'invalid_request', description: /parameter twin is there twice/ },
  '5 grant_type present': { status: 400, error: 'invalid_request', description: /grant_type is missing/ },
  '6 grant_type supported': { status: 400, error: 'unsupported_grant_type', description: /grant_type password/ },
  '7 one kind of authentication': { status: 400, error: 'invalid_request', description: /in one way only/ },
  '7 some authentication': { status: 401, error: 'invalid_client', description: /Client authentication failed/ },
  '8 the same client_id': { status: 400, error: 'invalid_request', description: /client_id in the body is not the one/ },
  '9 authentication succeeds': { status: 401, error: 'invalid_client', description: /Client authentication failed/ },
  '10 the client may use the grant': { status: 400, error: 'unauthorized_client', description: /may not use the grant_type/ },
  '11 no player of a service client': { status: 400, error: 'invalid_request', description: /leave player_id out/ },
  '12 resource known': { status: 400, error: 'invalid_target', description: /no resource https:\/\/nowhere\.example/ },
  '13 scope well-formed': { status: 400, error: 'invalid_scope', description: /exactly one space/ },
  '13 scope granted': { status: 400, error: 'invalid_scope', description: /not granted to this client: unknown:scope/ },
  '14 scopes of one resource': { status: 400, error: 'invalid_scope', description: /belong to different resources/ }
} as const
type Row = keyof typeof rows

// An object's keys are its literal names.
const rowNames = Object.keys(rows) as Row[]

/** What one request cannot violate together. */
const exclusive: readonly (readonly Row[])[] = [
  ['5 grant_type present', '6 grant_type supported'],
  ['7 some authentication', '7 one kind of authentication', '8 the same client_id'],
  ['7 some authentication', '9 authentication succeeds'],
  ['7 some authentication', '10 the client may use the grant']
]

function canBeTogether (one: Row, other: Row): boolean {
  const bothKinds = one === '7 one kind of authentication' && other === '8 the same client_id'
  return bothKinds || !exclusive.some((group) => group.includes(one) && group.includes(other))
}

const pairs = rowNames.flatMap((earlier, index) => rowNames.slice(index + 1)
  .filter((later) => canBeTogether(earlier, later))
  .map((later): [Row, Row] => [earlier, later]))

describe('the token request\'s checks, in the order of the table', () => {
  let server: TestServer
  let scene: Scene
  let grantless: RegisteredClient

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    await server.fixtures.resource('https://other.example.com', { 'other:read': false })
    const everything = ['tournaments:read', 'other:read']
    await server.database.clientScope.create({ data: { clientId: scene.partner.id, scopeName: 'other:read' } })
    grantless = await server.fixtures.client({ organizationId: scene.organization.id, scopes: everything, grants: [] })
    await known(server, grantless)
  })
  afterAll(async () => { await server.stop() })

  async function violating (violated: readonly Row[]): Promise<Answer> {
    const has = (row: Row): boolean => violated.includes(row)
    const client = has('10 the client may use the grant') ? grantless : scene.partner
    const secret = has('9 authentication succeeds') ? `${client.secret.slice(0, -4)}AAAA` : client.secret
    const form = new URLSearchParams()
    if (has('5 grant_type present')) form.append('code', 'x')
    else form.append('grant_type', has('6 grant_type supported') ? 'password' : 'client_credentials')
    const twoIds = has('8 the same client_id')
    const viaBasic = has('7 one kind of authentication') || twoIds
    form.append('client_id', twoIds ? 'cl_live_somebodyelse' : client.id)
    if (!has('7 some authentication') && (!viaBasic || has('7 one kind of authentication'))) form.append('client_secret', secret)
    if (has('11 no player of a service client')) form.append('player_id', 'player-1001')
    if (has('12 resource known')) form.append('resource', 'https://nowhere.example')
    const scopes = ['tournaments:read', ...has('14 scopes of one resource') ? ['other:read'] : [], ...has('13 scope granted') ? ['unknown:scope'] : []]
    form.append('scope', scopes.join(has('13 scope well-formed') ? '  ' : ' ') + (has('13 scope well-formed') ? ' ' : ''))
    const body = form.toString() +
      (has('4 no parameter twice') ? '&twin=1&twin=2' : '') +
      (has('3 well-formed') ? '&bad=%zz' : '') +
      (has('1 body within 16 KiB') ? `&padding=${'x'.repeat(17_000)}` : '')
    return await send(`${server.issuer}/oauth/v2/token`, {
      method: 'POST',
      body,
      headers: {
        'Content-Type': has('2 media type') ? 'text/plain' : 'application/x-www-form-urlencoded',
        ...viaBasic ? basic(client.id, secret) : {}
      }
    })
  }

  function expectAnswer ({ status, json }: Answer, row: Row): void {
    const expected = rows[row]
    expect({ status, error: json['error'] }).toEqual({ status: expected.status, error: expected.error })
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

  it('answers the first row when every row is violated, and the next as each is put right', async () => {
    const left = rowNames.filter((row) => !['7 some authentication', '6 grant_type supported'].includes(row))
    while (left.length > 0) {
      const [first] = left
      if (first === undefined) break
      expectAnswer(await violating(left), first)
      left.shift()
    }
    expect((await violating(left)).status).toBe(200)
  })
})
