import pg from 'pg'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFeed } from '../../src/changes/feed.ts'
import { doorOf } from '../support/database-door.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { introspect, known, requestToken, revoke, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { storedSecrets } from '../support/stored-secrets.ts'

let server: TestServer
let scene: Scene

beforeAll(async () => {
  server = await startTestServer()
  scene = await server.fixtures.scene()
  await known(server, scene.api)
})
afterAll(async () => { await server.stop() })

async function newPartner (): Promise<RegisteredClient> {
  const client = await server.fixtures.client({ organizationId: scene.organization.id })
  await known(server, client)
  return client
}

/** Whether the server takes the client for a good one: without a lease, which the database refuses, that is answered 503. */
async function isAccepted (client: RegisteredClient, at = server): Promise<boolean> {
  return (await requestToken({ ...at, issuer: at.origin }, client)).status !== 401
}

/** One connection, as a person with psql has it. */
async function withConnection<Result> (use: (connection: pg.Client) => Promise<Result>): Promise<Result> {
  const connection = new pg.Client({ connectionString: server.databaseUrl, application_name: 'somebody with psql' })
  await connection.connect()
  try {
    return await use(connection)
  } finally {
    await connection.end()
  }
}

/** Waits until the feed has asked for changes twice more. */
async function feedHasPolled (connection: pg.Client): Promise<void> {
  const polls = new Set<string>()
  await within(3, async () => {
    const { rows } = await connection.query<{ at: string }>('SELECT query_start::text AS at FROM pg_stat_activity WHERE application_name = \'signet feed\' AND datname = current_database()')
    for (const { at } of rows) polls.add(at)
    return polls.size > 2
  })
}

const disable = 'UPDATE clients SET disabled_at = now() WHERE id = $1'

describe('a change takes effect within one second', () => {
  it('made by plain SQL, in the process that is up and in another one', async () => {
    const partner = await newPartner()
    const sibling = await server.startSibling()
    await withConnection((connection) => connection.query(disable, [partner.id]))
    const seen = await Promise.all([server, sibling].map((each) => within(1, async () => !await isAccepted(partner, each))))
    expect(seen).toEqual([true, true])
  })

  it('made by another process: a revocation there is a revocation here', async () => {
    const sibling = await server.startSibling()
    const token = await tokenOf(server, scene.partner)
    expect((await revoke({ ...sibling, issuer: sibling.origin }, scene.partner, token)).status).toBe(200)
    expect(await within(1, async () => (await introspect(server, scene.api, token)).text === '{"active":false}')).toBe(true)
  })

  it('whatever table it is made in: a secret, a granted scope, a scope, a resource, an organization, a key', async () => {
    const organizationId = (await server.fixtures.organization()).id
    const partner = await server.fixtures.client({ organizationId })
    const { secret } = await server.fixtures.addSecret(partner.id)
    expect(await within(1, () => isAccepted({ ...partner, secret }))).toBe(true)
    const scopeOf = async (): Promise<unknown> => (await requestToken(server, partner)).json['scope']
    await withConnection(async (connection) => {
      await connection.query('INSERT INTO client_scopes (client_id, scope_name) VALUES ($1, \'tournaments:write\')', [partner.id])
      await connection.query('UPDATE scopes SET is_default = true WHERE name = \'tournaments:write\'')
      expect(await within(1, async () => await scopeOf() === 'tournaments:read tournaments:write')).toBe(true)
      await connection.query('DELETE FROM client_scopes WHERE client_id = $1 AND scope_name = \'tournaments:write\'', [partner.id])
      await connection.query('UPDATE scopes SET is_default = false WHERE name = \'tournaments:write\'')
      expect(await within(1, async () => await scopeOf() === 'tournaments:read')).toBe(true)
      await connection.query('UPDATE resources SET identifier = \'https://moved.example.com\' WHERE id = $1', [scene.resource.id])
      expect(await within(1, async () => (await requestToken(server, partner, { resource: 'https://moved.example.com' })).status === 200)).toBe(true)
      await connection.query('UPDATE resources SET identifier = $2 WHERE id = $1', [scene.resource.id, scene.resource.identifier])
      await connection.query('DELETE FROM client_secrets WHERE client_id = $1', [partner.id])
      expect(await within(1, async () => !await isAccepted(partner) && !await isAccepted({ ...partner, secret }))).toBe(true)
    })
  })

  it('made in one transaction with a thousand others', async () => {
    const partner = await newPartner()
    await withConnection(async (connection) => {
      await connection.query('BEGIN')
      await connection.query('INSERT INTO organizations (id, name) SELECT \'org_bulk_\' || n, \'Bulk \' || n FROM generate_series(1, 1500) AS n')
      await connection.query(disable, [partner.id])
      await connection.query('COMMIT')
    })
    expect(await within(3, async () => !await isAccepted(partner))).toBe(true)
  })

  it('when the database loses the connection that listens', async () => {
    const partner = await newPartner()
    await withConnection(async (connection) => {
      await connection.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = \'signet feed\' AND datname = current_database()')
      await connection.query(disable, [partner.id])
    })
    expect(await within(1.5, async () => !await isAccepted(partner))).toBe(true)
  })
})

describe('commits out of the order in which they began', () => {
  it('are not lost: the transaction that wrote first and commits last is seen too', async () => {
    const [first, second] = [await newPartner(), await newPartner()]
    await withConnection((one) => withConnection(async (other) => {
      await one.query('BEGIN')
      await other.query('BEGIN')
      await one.query(disable, [first.id])
      let isDone = false
      const secondWrite = other.query(disable, [second.id]).then(() => other.query('COMMIT')).finally(() => { isDone = true })
      const isWaiting = async (): Promise<boolean> => (await one.query('SELECT 1 FROM pg_locks WHERE locktype = \'advisory\' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())')).rows.length > 0
      await within(1, async () => isDone || await isWaiting())
      await feedHasPolled(one) // whatever is committed by now has been read
      await one.query('COMMIT')
      await secondWrite
    }))
    expect(await within(1, async () => !await isAccepted(first) && !await isAccepted(second))).toBe(true)
  })

  it('are not lost when many write at once, each for a while', async () => {
    const partners = await Promise.all(Array.from({ length: 24 }, () => server.fixtures.client({ organizationId: scene.organization.id })))
    for (const partner of partners) await known(server, partner)
    await Promise.all(partners.map((partner, index) => withConnection(async (connection) => {
      await connection.query('BEGIN')
      if (index % 2 === 0) await connection.query('SELECT pg_sleep(0.02)')
      await connection.query(disable, [partner.id])
      await connection.query('SELECT pg_sleep($1)', [((index * 7) % 5) / 100])
      await connection.query(index % 6 === 0 ? 'ROLLBACK' : 'COMMIT')
    })))
    for (const [index, partner] of partners.entries()) {
      const expected = index % 6 === 0
      expect(await within(1, async () => await isAccepted(partner) === expected), `client ${index}`).toBe(true)
    }
  })
})

describe('a feed that cannot be continued forces a full reload', () => {
  /** Changes a row without the feed's triggers, as a restored database would have changed it. */
  async function silently (connection: pg.Client, sql: string, values: readonly unknown[]): Promise<void> {
    await connection.query('ALTER TABLE clients DISABLE TRIGGER USER')
    await connection.query(sql, [...values])
    await connection.query('ALTER TABLE clients ENABLE TRIGGER USER')
  }

  /** A partner about whom no change is under way any more: its verifier is stored, and the feed has read that. */
  async function settledPartner (): Promise<RegisteredClient> {
    const partner = await newPartner()
    await withConnection(async (connection) => {
      await within(2, async () => (await storedSecrets(server, partner.id))[0]?.verifier != null)
      await feedHasPolled(connection)
    })
    return partner
  }

  const breaks: [string, readonly string[]][] = [
    ['whose sequence went backwards', ['DELETE FROM changes', 'ALTER SEQUENCE changes_id_seq RESTART WITH 1', 'INSERT INTO changes (entity, key) VALUES (\'client\', \'cl_live_nobody\')']],
    ['that was pruned past the last change that was read', ['DELETE FROM changes', 'INSERT INTO changes (entity, key) VALUES (\'client\', \'cl_live_nobody\')']],
    ['that was emptied', ['DELETE FROM changes']],
    ['that was truncated', ['TRUNCATE changes RESTART IDENTITY']]
  ]
  it.each(breaks)('one %s', async (_, statements) => {
    const partner = await settledPartner()
    await withConnection(async (connection) => {
      await connection.query('BEGIN')
      await silently(connection, disable, [partner.id])
      for (const statement of statements) await connection.query(statement)
      await connection.query('COMMIT')
    })
    expect(await within(1, async () => !await isAccepted(partner))).toBe(true)
    const next = await newPartner()
    await withConnection((connection) => connection.query(disable, [next.id]))
    expect(await within(1, async () => !await isAccepted(next))).toBe(true)
  })

  it('a change that goes round the triggers is the control: it is not seen until something forces a reload', async () => {
    const partner = await settledPartner()
    await withConnection((connection) => silently(connection, disable, [partner.id]))
    expect(await within(0.7, async () => !await isAccepted(partner))).toBe(false)
    await withConnection((connection) => connection.query('INSERT INTO changes (entity, key) VALUES (\'everything\', \'\')'))
    expect(await within(1, async () => !await isAccepted(partner))).toBe(true)
  })

  it('a TRUNCATE of clients makes every client unknown within a second', async () => {
    const partner = await newPartner()
    expect(await isAccepted(partner)).toBe(true)
    await withConnection((connection) => connection.query('TRUNCATE clients CASCADE'))
    expect(await within(1, async () => !await isAccepted(partner) && (await introspect(server, scene.api, 'x')).status === 401)).toBe(true)
  })
})

describe('a revocation of the time when a process was cut off from the database', () => {
  it('is counted with all the time that it took, when it is in force there', async () => {
    const nothing = { load: async () => {}, refresh: async () => {} }
    const told: number[] = []
    const feed = createFeed({
      url: server.databaseUrl,
      logger: pino({ level: 'silent' }),
      onNews: ({ revokedSecondsAgo }) => { told.push(...revokedSecondsAgo) },
      pollIntervalMillis: 25,
      views: { organization: nothing, resource: nothing, client: nothing, signing_key: nothing, revoked_token: nothing, exchanged_token: nothing, status_list: nothing, revoked_index: nothing }
    })
    const door = await doorOf(server.databaseUrl)
    try {
      await feed.start()
      await door.close()
      await within(5, async () => !feed.isConnected())
      const { rows: [stored] } = await door.survivor.query<{ at: Date }>('INSERT INTO revoked_tokens (jti, client_id, expires_at) VALUES (\'missed\', $1, now() + interval \'1 day\') RETURNING revoked_at AS at', [scene.partner.id])
      await door.open()
      expect(await within(5, async () => told.length > 0)).toBe(true)
      expect(told).toHaveLength(1)
      expect(told[0]).toBeLessThanOrEqual((Date.now() - Number(stored?.at)) / 1000 + 0.01)
    } finally {
      await door.leave()
      await feed.stop()
    }
  })
})
