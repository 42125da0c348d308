import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { superuserUrl } from '../support/embedded.ts'
import type { Scene } from '../support/fixtures.ts'
import { basic, introspect, known, postForm, requestToken, revoke, send, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { storedSecrets } from '../support/stored-secrets.ts'

/**
 * PostgreSQL itself notes, for each connection, when it was sent its latest statement. If no connection but the
 * feed's own was sent one, and none came or went, then no statement was executed.
 */
describe('a process answers from memory, without any database statement', () => {
  let server: TestServer
  let scene: Scene
  let observer: pg.Client

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    await known(server, scene.api)
    // Enough for a block of indexes that lasts.
    for (let times = 0; times < 400; times += 1) await tokenOf(server, scene.partner)
    await within(2, async () => (await storedSecrets(server, scene.partner.id))[0]?.verifier != null)
    await within(2, async () => (await storedSecrets(server, scene.api.id))[0]?.verifier != null)
    await server.database.$disconnect()
    observer = new pg.Client({ connectionString: superuserUrl(server.databaseUrl), application_name: 'observer' })
    await observer.connect()
  })
  afterAll(async () => {
    await observer.end()
    await server.stop()
  })

  interface Connection { readonly application: string, readonly pid: number, readonly lastStatement: string, readonly query: string }

  async function connections (): Promise<readonly Connection[]> {
    const { rows } = await observer.query<Connection>(`
      SELECT application_name AS application, pid, query_start::text AS "lastStatement", query
      FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY pid`)
    return rows
  }

  /** What happened on connections other than the feed's while the work was done. */
  async function statementsDuring (work: () => Promise<void>): Promise<readonly Connection[]> {
    // Every few seconds a process looks who leased, and says that it lives.
    const others = async (): Promise<readonly Connection[]> => (await connections()).filter(({ application, query }) => application !== 'signet feed' && !/^SELECT .*"status_blocks"|INTO processes /s.test(query))
    const before = new Map((await others()).map((connection) => [connection.pid, connection.lastStatement]))
    await work()
    const after = await others()
    const pids = (await connections()).map(({ pid }) => pid)
    for (const pid of before.keys()) if (!pids.includes(pid)) throw new Error(`connection ${pid} went away`)
    return after.filter(({ pid, lastStatement }) => before.get(pid) !== lastStatement)
  }

  async function settled (): Promise<void> {
    let latest = ''
    await within(5, async () => {
      const earlier = latest
      latest = JSON.stringify((await connections()).filter(({ application }) => application !== 'signet feed'))
      return latest === earlier
    })
  }

  it('three hundred token requests, good and bad, by either method', async () => {
    await settled()
    const { id, secret } = scene.partner
    expect(await statementsDuring(async () => {
      for (let round = 0; round < 30; round += 1) {
        const answers = await Promise.all([
          ...Array.from({ length: 5 }, () => requestToken(server, scene.partner, { scope: 'tournaments:read' })),
          postForm(`${server.issuer}/oauth/v2/token`, { grant_type: 'client_credentials' }, basic(id, secret)),
          requestToken(server, { ...scene.partner, id: `cl_live_unknown${round}` }),
          requestToken(server, { ...scene.partner, secret: `wrong ${round}` }),
          requestToken(server, scene.partner, { scope: `unknown${round}` }),
          requestToken(server, scene.partner, { resource: `https://unknown${round}.example` })
        ])
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 401, 401, 400, 400])
      }
    })).toEqual([])
  })

  it('ten thousand tokens of a client that is known cost fewer than ten, as the driver counts them: blocks of indexes, each larger than the one before', async () => {
    const another = await server.fixtures.client({ organizationId: scene.organization.id })
    await known(server, another)
    await tokenOf(server, another)
    await within(2, async () => (await storedSecrets(server, another.id))[0]?.verifier != null)
    await settled()
    const sent = vi.spyOn(pg.Client.prototype, 'query')
    for (let round = 0; round < 200; round += 1) await Promise.all(Array.from({ length: 50 }, async () => await tokenOf(server, another)))
    // Whatever is issued: the feed asks whether there is news, a process says that it lives, and looks who leased.
    const statements = sent.mock.calls.map(([query]) => textOf(query)).filter((text) => !/FROM changes|^SELECT .*"status_blocks"|INTO processes /s.test(text))
    sent.mockRestore()
    expect(statements.filter((text) => text.includes('INSERT INTO status_blocks'))).toHaveLength(5)
    expect(statements.length, statements.join('\n')).toBeLessThan(10)
    const blocks = await server.database.statusBlock.findMany({ where: { clientId: another.id }, orderBy: { firstIndex: 'asc' } })
    expect(blocks.map(({ firstIndex, lastIndex }) => lastIndex - firstIndex + 1)).toEqual([16, 64, 256, 1_024, 4_096, 16_384])
    await server.database.$disconnect()
  }, 60_000)

  it('introspection of active, unknown and foreign tokens, JWKS, metadata, health', async () => {
    await settled()
    const token = await tokenOf(server, scene.partner)
    expect(await statementsDuring(async () => {
      for (let round = 0; round < 20; round += 1) {
        expect((await introspect(server, scene.api, token)).json['active']).toBe(true)
        await introspect(server, scene.api, `${token}x`)
        for (const path of ['/oauth/v2/jwks', '/.well-known/oauth-authorization-server', '/health/live', '/health/ready']) expect((await send(server.origin + path)).status).toBe(200)
      }
    })).toEqual([])
  })

  it('the feed\'s own connection asks for changes and for nothing else', async () => {
    const feed = (await connections()).filter(({ application }) => application === 'signet feed')
    expect(feed).toHaveLength(1)
    expect(feed[0]?.query).toMatch(/FROM changes/)
  })

  it('a revocation is the control: it does execute a statement, and the measure shows it', async () => {
    await settled()
    const token = await tokenOf(server, scene.partner)
    const seen = await statementsDuring(async () => { expect((await revoke(server, scene.partner, token)).status).toBe(200) })
    expect(seen.length).toBeGreaterThan(0)
  })
})

/** A statement as it is given to the driver. */
function textOf (query: unknown): string {
  return typeof query === 'object' && query !== null && 'text' in query ? String(query.text) : String(query)
}
