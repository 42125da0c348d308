import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuditStore } from '../../src/audit/store.ts'
import { newPair } from '../support/assertions.ts'
import { exchanged, exchangeScene, type ExchangeScene } from '../support/exchange.ts'
import type { RegisteredClient } from '../support/fixtures.ts'
import { compact, partsOf, rs256, signingKeyOf } from '../support/forged-tokens.ts'
import { introspect, known, revoke, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listIdOf, statusOf } from '../support/status.ts'

let server: TestServer
let sibling: TestServer
let scene: ExchangeScene
let client: pg.Client

beforeAll(async () => {
  server = await startTestServer()
  sibling = await server.startSibling()
  scene = await exchangeScene(server)
  for (const each of [scene.partner, scene.gateway]) await known(sibling, each)
  client = new pg.Client({ connectionString: server.databaseUrl })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await server.stop()
})

type Row = Readonly<Record<string, unknown>>

async function sql (statement: string, values: readonly unknown[] = []): Promise<Row[]> {
  return (await client.query<Row>(statement, [...values])).rows
}

/** What is recorded while something is done, and nothing else is. */
async function recordedBy (act: () => Promise<unknown>): Promise<Row[]> {
  const [before] = await sql('SELECT coalesce(max(id), 0) AS id FROM audit_records')
  await act()
  return await sql('SELECT actor, action, target_kind, target_id, client_id, reason, details FROM audit_records WHERE id > $1 ORDER BY id', [before?.['id']])
}

async function newPartner (): Promise<RegisteredClient & { readonly secretId: string }> {
  const { id } = await server.fixtures.organization()
  const partner = await server.fixtures.client({ organizationId: id, scopes: ['tournaments:read'] })
  await known(server, partner)
  const [secretId = ''] = partner.client.secrets.keys()
  return { ...partner, secretId }
}

async function isDead (token: string): Promise<boolean> {
  const dead = await Promise.all([server, sibling].map((where) => within(1, async () => (await introspect(where, scene.gateway, token)).json['active'] === false)))
  return dead.every((each) => each)
}

describe('R13 R21 whatever plain SQL stops leaves one audit record in the same transaction, and its tokens are dead on every server within a second', () => {
  it.each([
    ['a client that is disabled', 'UPDATE clients SET disabled_at = now() WHERE id = $1', 'disabled', 'client', null],
    ['a client whose cut-off is moved', 'UPDATE clients SET tokens_revoked_before = now() WHERE id = $1', 'tokens_revoked', 'client', { tokens_revoked_before: expect.any(String) as unknown }],
    ['a client that is deleted', 'DELETE FROM clients WHERE id = $1', 'deleted', 'client', { name: 'A client' }],
    ['an organization that is disabled', 'UPDATE organizations SET disabled_at = now() WHERE id = $1', 'disabled', 'organization', null],
    ['an organization whose cut-off is moved', 'UPDATE organizations SET tokens_revoked_before = now() WHERE id = $1', 'tokens_revoked', 'organization', { tokens_revoked_before: expect.any(String) as unknown }],
    ['a secret that is revoked', 'UPDATE client_secrets SET revoked_at = now() WHERE id = $1', 'revoked', 'secret', null]
  ] as const)('%s', async (_, statement, action, kind, details) => {
    const partner = await newPartner()
    const tokens = [await tokenOf(server, partner), await tokenOf(server, partner)]
    const target = { client: partner.id, organization: partner.client.organizationId, secret: partner.secretId }[kind]
    const records = await recordedBy(() => sql(statement, [target]))
    expect(records).toEqual([{
      actor: expect.stringMatching(/^database \w+$/) as unknown, action, target_kind: kind, target_id: target, client_id: kind === 'organization' ? null : partner.id, reason: null, details
    }])
    for (const token of tokens) expect(await isDead(token)).toBe(true)
    expect(JSON.stringify(records)).not.toContain(partner.secret)
    const again = statement.replace('tokens_revoked_before = now()', 'tokens_revoked_before = NULL')
    expect(await recordedBy(() => sql(again, [target])), 'a second time changes nothing').toEqual([])
  })

  it('a client that is enabled again, or moves to another organization, both of which end what it had', async () => {
    const partner = await newPartner()
    await sql('UPDATE clients SET disabled_at = now() WHERE id = $1', [partner.id])
    expect(await recordedBy(() => sql('UPDATE clients SET disabled_at = NULL WHERE id = $1', [partner.id]))).toMatchObject([{ action: 'enabled', target_kind: 'client', target_id: partner.id }])
    const move = (): Promise<unknown> => sql('UPDATE clients SET organization_id = $2 WHERE id = $1', [partner.id, scene.organization.id])
    expect(await recordedBy(move)).toMatchObject([{ action: 'moved', target_id: partner.id, details: { from: partner.client.organizationId, to: scene.organization.id } }])
    expect(await recordedBy(() => sql("UPDATE clients SET name = 'Another' WHERE id = $1", [partner.id]))).toEqual([])
  })

  it('secrets and keys that are stopped or deleted, but not those that go with their client', async () => {
    const pair = newPair()
    const { id } = await server.fixtures.signingClient({ organizationId: scene.organization.id, keys: [pair], scopes: ['tournaments:read'] })
    const { secretId } = await server.fixtures.addSecret(id)
    const spare = await server.fixtures.addSecret(id)
    const act = { client_id: id, details: null }
    expect(await recordedBy(() => sql('UPDATE client_keys SET revoked_at = now() WHERE kid = $1', [pair.kid]))).toMatchObject([{ ...act, action: 'revoked', target_kind: 'client_key', target_id: pair.kid }])
    expect(await recordedBy(() => sql('UPDATE client_secrets SET disabled_at = now() WHERE id = $1', [secretId]))).toMatchObject([{ ...act, action: 'disabled', target_kind: 'secret', target_id: secretId }])
    expect(await recordedBy(() => sql('DELETE FROM client_secrets WHERE id = $1', [secretId]))).toMatchObject([{ ...act, action: 'deleted', target_kind: 'secret', target_id: secretId }])
    expect(spare.secretId).not.toBe(secretId)
    expect(await recordedBy(() => sql('DELETE FROM clients WHERE id = $1', [id]))).toMatchObject([{ action: 'deleted', target_kind: 'client', target_id: id }])
  })

  it('a signing key', async () => {
    await sql("INSERT INTO signing_keys (kid, environment, algorithm, sealed_private_key, activates_at) SELECT 'audited', environment, algorithm, sealed_private_key, '9999-01-01' FROM signing_keys LIMIT 1")
    expect(await recordedBy(() => sql("UPDATE signing_keys SET withdrawn_at = now() WHERE kid = 'audited'"))).toMatchObject([{ action: 'revoked', target_kind: 'signing_key', target_id: 'audited', client_id: null }])
    expect(await recordedBy(() => sql("DELETE FROM signing_keys WHERE kid = 'audited'"))).toMatchObject([{ action: 'deleted', target_kind: 'signing_key', target_id: 'audited' }])
  })

  it('a token by its index, once, and not what was exchanged for it besides; ranges as one act for each list', async () => {
    const subject = await tokenOf(server, scene.partner)
    const child = await exchanged(server, scene.gateway, subject)
    const { idx } = statusOf(subject)
    const listId = listIdOf(subject)
    const insert = (first: number, last: number): Promise<unknown> => sql('INSERT INTO revoked_indexes (list_id, first_index, last_index) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [listId, first, last])
    expect(await recordedBy(() => insert(idx, idx))).toEqual([expect.objectContaining({ action: 'revoked', target_kind: 'token', target_id: `${listId}/${idx}`, client_id: scene.partner.id })])
    for (const token of [subject, child]) expect(await isDead(token)).toBe(true)
    expect(await recordedBy(() => insert(idx, idx))).toEqual([])
    const ranges = (): Promise<unknown> => sql('INSERT INTO revoked_indexes (list_id, first_index, last_index) VALUES ($1, 1048000, 1048009), ($1, 1048100, 1048199)', [listId])
    expect(await recordedBy(ranges)).toMatchObject([{ action: 'revoked', target_kind: 'status_list', target_id: listId, details: { ranges: 2, indexes: 110 } }])
  })

  it('takes actor and reason from the transaction, and not into the next one', async () => {
    const partner = await newPartner()
    const records = await recordedBy(async () => {
      await sql('BEGIN')
      await sql("SELECT set_config('signet.actor', 'operator jane', true), set_config('signet.reason', 'leaked', true)")
      await sql('UPDATE client_secrets SET revoked_at = now() WHERE id = $1', [partner.secretId])
      await sql('COMMIT')
      await sql('UPDATE clients SET disabled_at = now() WHERE id = $1', [partner.id])
    })
    expect(records).toMatchObject([{ actor: 'operator jane', reason: 'leaked' }, { actor: expect.stringMatching(/^database /) as unknown, reason: null }])
    const undone = await recordedBy(async () => {
      await sql('BEGIN')
      await sql('DELETE FROM clients WHERE id = $1', [partner.id])
      await sql('ROLLBACK')
    })
    expect(undone, 'what did not happen').toEqual([])
  })
})

describe('RFC 7009 a token that its client revokes', () => {
  it('leaves one record, of the client and the request, however often and wherever it is asked for at the same moment', async () => {
    const token = await tokenOf(server, scene.partner)
    const records = await recordedBy(() => Promise.all([1, 2, 3, 4].map((time) => revoke(time % 2 === 0 ? server : sibling, scene.partner, token))))
    expect(records).toEqual([{
      actor: `client ${scene.partner.id}`,
      action: 'revoked',
      target_kind: 'token',
      target_id: `${listIdOf(token)}/${statusOf(token).idx}`,
      client_id: scene.partner.id,
      reason: expect.stringMatching(/^asked for in the request \S+$/) as unknown,
      details: null
    }])
    expect(await isDead(token)).toBe(true)
    expect(JSON.stringify(records)).not.toContain(token.slice(-40))
    expect(await recordedBy(() => revoke(server, scene.partner, token))).toEqual([])
  })

  it('likewise of a version that had no status lists', async () => {
    const { header, claims: { status, ...claims } } = partsOf(await tokenOf(server, scene.partner))
    expect(status).toBeDefined()
    const jti = randomBytes(16).toString('base64url')
    const token = compact(header, { ...claims, jti }, rs256(await signingKeyOf(server)))
    const records = await recordedBy(async () => { for (const where of [server, sibling]) await revoke(where, scene.partner, token) })
    expect(records).toMatchObject([{ actor: `client ${scene.partner.id}`, action: 'revoked', target_kind: 'token', target_id: jti, client_id: scene.partner.id }])
    expect(await isDead(token)).toBe(true)
  })

  it('S41 leaves none when another client asks', async () => {
    const token = await tokenOf(server, scene.partner)
    expect(await recordedBy(async () => { expect((await revoke(server, scene.gateway, token)).status).toBe(400) })).toEqual([])
  })

  it('S42 is answered 503 when its record cannot be stored, and the token stays active', async () => {
    const token = await tokenOf(server, scene.partner)
    await sql('ALTER TABLE audit_records RENAME TO audit_records_away')
    const { status } = await revoke(server, scene.partner, token)
    await sql('ALTER TABLE audit_records_away RENAME TO audit_records')
    expect(status).toBe(503)
    expect((await introspect(server, scene.gateway, token)).json['active']).toBe(true)
    expect((await revoke(server, scene.partner, token)).status).toBe(200)
  })
})

describe('audit records', () => {
  it('are neither changed, antedated, truncated nor, while they are young, deleted', async () => {
    for (const statement of ["UPDATE audit_records SET actor = 'nobody'", 'DELETE FROM audit_records', 'TRUNCATE audit_records']) {
      await expect(sql(statement), statement).rejects.toThrow(/never changed/)
    }
    await sql("INSERT INTO audit_records (at, actor, action, target_kind, target_id) VALUES ('2020-01-01', 'me', 'revoked', 'client', 'antedated')")
    expect(await sql("SELECT at > now() - interval '1 hour' AS young FROM audit_records WHERE target_id = 'antedated'")).toEqual([{ young: true }])
  })

  it('go when they are older than is asked for, by our clock and the database\'s, and never before 30 days', async () => {
    await sql('ALTER TABLE audit_records DISABLE TRIGGER USER')
    await sql("INSERT INTO audit_records (at, actor, action, target_kind, target_id) SELECT now() - days * interval '1 day', 'me', 'revoked', 'client', 'old' || days FROM unnest(ARRAY[29, 31, 500]) AS days")
    await sql('ALTER TABLE audit_records ENABLE TRIGGER USER')
    const store = createAuditStore(server.database)
    const left = async (): Promise<unknown[]> => (await sql("SELECT target_id FROM audit_records WHERE target_id LIKE 'old%' ORDER BY id")).map((row) => row['target_id'])
    expect(await store.purge(new Date(Date.now() - 400 * 86_400_000))).toBe(1)
    expect(await left()).toEqual(['old29', 'old31'])
    expect(await store.purge(new Date(Date.now() + 86_400_000))).toBe(1)
    expect(await left()).toEqual(['old29'])
  })
})
