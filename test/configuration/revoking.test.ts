import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { applyConfiguration } from '../../src/configuration/apply.ts'
import { exportConfiguration } from '../../src/configuration/export.ts'
import type { Plan } from '../../src/configuration/changes.ts'
import { newPair } from '../support/assertions.ts'
import { partsOf } from '../support/forged-tokens.ts'
import { introspect, known, requestToken, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { bitOf, listIdOf, statusOf } from '../support/status.ts'
import { said } from './plans.ts'
import { createWorld, mistakesIn, readText, type World } from './world.ts'

const irreversible = 'This cannot be undone.'
const file = (members: object, more: object = {}): object => ({ organizations: { org_a: { name: 'A' } }, clients: { cl_live_x: { organization: 'org_a', name: 'X', scopes: [], ...members } }, ...more })

describe('what a configuration file revokes', { timeout: 60_000 }, () => {
  let world: World
  beforeAll(async () => { world = await createWorld() })
  beforeEach(async () => { await world.clear() })
  afterAll(async () => { await world.drop() })

  async function recordedBy (act: () => Promise<unknown>): Promise<unknown> {
    const before = (await world.database.auditRecord.aggregate({ _max: { id: true } }))._max.id ?? 0n
    await act()
    return await world.database.auditRecord.findMany({ where: { id: { gt: before } }, orderBy: { id: 'asc' }, select: { actor: true, action: true, targetKind: true, targetId: true, reason: true } })
  }

  it('moves a cut-off forward and never back, once, with its reason, and exports it', async () => {
    await world.apply(file({}))
    const at = (day: number): object => ({ ...file({ tokens_revoked_before: `2026-01-0${day}T00:00:00Z`, revocation_reason: 'stolen' }), organizations: { org_a: { name: 'A', tokens_revoked_before: `2026-01-0${day}`, revocation_reason: 'leaked' } } })
    const sentences = (text: string): readonly string[] => [`The tokens that ${text} issued until then are dead, for good: at introspection at once, in their status lists within a minute.`, irreversible]
    const change = ['~ organization org_a: tokens until 2026-01-02T00:00:00.000Z revoked', ...sentences('its clients were'), '~ client cl_live_x: tokens until 2026-01-02T00:00:00.000Z revoked', ...sentences('it was')]
    expect(said(await world.apply(at(2), { dryRun: true }))).toEqual(change)
    const records = await recordedBy(async () => { expect(said(await world.apply(at(2)))).toEqual(change) })
    expect(records).toEqual([
      { actor: 'configuration signet', action: 'tokens_revoked', targetKind: 'organization', targetId: 'org_a', reason: 'leaked' },
      { actor: 'configuration signet', action: 'tokens_revoked', targetKind: 'client', targetId: 'cl_live_x', reason: 'stolen' }
    ])
    for (const day of [2, 1]) expect(await recordedBy(async () => { expect((await world.apply(at(day))).changes).toEqual([]) })).toEqual([])
    expect((await world.apply(file({}))).changes, 'R13 what the file does not say any more').toEqual([])
    const { organizations: [organization], clients: [client] } = await world.state()
    expect([organization?.tokensRevokedBefore, client?.tokensRevokedBefore]).toEqual([new Date('2026-01-02'), new Date('2026-01-02')])
    const { document } = exportConfiguration(await world.state(), { name: 'signet', organizationId: undefined })
    expect(document.clients?.['cl_live_x']?.tokens_revoked_before).toBe('2026-01-02T00:00:00.000Z')
    expect((await world.apply(document)).changes).toEqual([])
  })

  it('gives the reason of what it disables to its record, and its name as the actor', async () => {
    await world.apply(file({}, { name: 'partners' }))
    expect(await recordedBy(() => world.apply(file({ disabled: true, revocation_reason: 'contract ended' }, { name: 'partners' })))).toEqual([
      { actor: 'configuration partners', action: 'disabled', targetKind: 'client', targetId: 'cl_live_x', reason: 'contract ended' }
    ])
    expect(await recordedBy(() => world.apply({ name: 'partners', organizations: { org_a: { name: 'A' } } }, { prune: true }))).toEqual([
      { actor: 'configuration partners', action: 'deleted', targetKind: 'client', targetId: 'cl_live_x', reason: null }
    ])
  })

  it('revokes secrets and keys, its own and others, under every kid, and R13 nothing brings them back', async () => {
    const [one, two] = [newPair('ES256', 'one'), newPair('EdDSA', 'two')]
    const secret = { value: 'a-secret-of-the-file-0123456789' }
    await world.apply(file({ secret, keys: [one.jwk, two.jwk] }))
    const byHand = await world.fixtures.addSecret('cl_live_x')
    await world.fixtures.addKey('cl_live_x', { ...one.jwk, kid: 'again' })
    const client = async () => (await world.state()).clients[0]
    const own = [...(await client())?.secrets.values() ?? []].find(({ imported }) => imported)?.id ?? ''
    const revoking = { keys: [two.jwk], revoked_secrets: [{ id: byHand.secretId, reason: 'posted' }, { id: own }], revoked_keys: [{ kid: 'one', reason: 'lost' }] }
    const plan = await world.apply(file({ secret, ...revoking }), { dryRun: true })
    expect(plan.changes.map(({ action, kind, details, irreversible: forGood }) => [action, kind, ...details, forGood])).toEqual([
      ['update', 'secret', `${byHand.secretId} revoked`, true], ['update', 'secret', `${own} revoked`, true], ['update', 'key', 'one revoked', true], ['update', 'key', 'again revoked', true]
    ])
    const act = { actor: 'configuration signet', action: 'revoked' }
    expect(await recordedBy(() => world.apply(file({ secret, ...revoking })))).toEqual(expect.arrayContaining([
      { ...act, targetKind: 'secret', targetId: byHand.secretId, reason: 'posted' }, { ...act, targetKind: 'secret', targetId: own, reason: null },
      { ...act, targetKind: 'client_key', targetId: 'one', reason: 'lost' }, { ...act, targetKind: 'client_key', targetId: 'again', reason: 'lost' }
    ]))
    const dead = async (): Promise<unknown> => {
      const { secrets, keys } = await client() ?? { secrets: new Map(), keys: new Map() }
      return [...secrets.values(), ...keys.values()].filter(({ revokedAt }) => revokedAt !== null).length
    }
    for (const members of [{ secret, ...revoking }, { secret, keys: [two.jwk] }, { keys: [two.jwk] }, { secret: { value: 'another-secret-of-the-file-012345' }, keys: [two.jwk] }, { secret, keys: [two.jwk] }]) {
      const { changes } = await world.apply(file(members), { prune: true })
      expect(changes.filter(({ details }) => details.some((detail) => detail.endsWith(' revoked')))).toEqual([])
      expect(await dead()).toBe(4)
    }
    expect(await world.refusals(file({ keys: [one.jwk, two.jwk], revoked_keys: [{ kid: 'two' }] }))).toContainEqual(expect.stringContaining('The key two is among keys too.'))
    expect((await world.apply(file({ revoked_secrets: [{ id: 'nothing' }], revoked_keys: [{ kid: 'none' }] }))).warnings).toEqual(expect.arrayContaining([
      'There is no secret nothing of cl_live_x, and nothing to revoke.', 'There is no key none of cl_live_x, and nothing to revoke.'
    ]))
  })

  it('ends the tokens of a secret that it revokes and replaces at the same time: revoking comes first', async () => {
    await world.apply(file({ secret: { value: 'a-secret-of-the-file-0123456789' } }))
    const [client] = (await world.state()).clients
    const [id = ''] = client?.secrets.keys() ?? []
    expect(await recordedBy(() => world.apply(file({ secret: { value: 'another-secret-of-the-file-012345' }, revoked_secrets: [{ id }] })))).toEqual([
      { actor: 'configuration signet', action: 'revoked', targetKind: 'secret', targetId: id, reason: null }
    ])
    expect((await world.state()).clients[0]?.secrets.get(id)?.revokedAt, 'it is kept').toBeInstanceOf(Date)
  })

  it('refuses moments to come, and what is no moment, no list and no index', async () => {
    expect(await world.refusals(file({ tokens_revoked_before: '2999-01-01' }))).toEqual([expect.stringMatching(/tokens_revoked_before: It lies ahead/)])
    const mistakes = await mistakesIn(file({ tokens_revoked_before: '2026-02-30', revoked_secrets: [{ id: 'A B' }], revoked_keys: [{}] }, { revoked_tokens: [{ list: 'x', index: -1 }, { list: '0'.repeat(22), index: 1_048_576, reason: '' }] }))
    expect(mistakes.join('\n')).toMatch(/tokens_revoked_before(.|\n)+revoked_secrets(.|\n)+revoked_keys(.|\n)+revoked_tokens\[0\]\.list(.|\n)+\[0\]\.index(.|\n)+\[1\]\.index(.|\n)+\[1\]\.reason/)
  })

  it('asks on a terminal before all of it, and not when there is nothing new', async () => {
    await world.apply(file({}))
    const reviewed: Plan[] = []
    const asking = { review: async (plan: Plan) => { reviewed.push(plan) } }
    for (let times = 0; times < 2; times += 1) await world.apply(file({ tokens_revoked_before: '2026-01-02' }), { asking })
    expect(reviewed.map(({ changes }) => changes.filter((change) => change.irreversible).length)).toEqual([1])
  })
})

describe('tokens that a configuration file revokes', { timeout: 60_000 }, () => {
  let server: TestServer
  beforeAll(async () => { server = await startTestServer() })
  afterAll(async () => { await server.stop() })

  async function apply (document: object): Promise<Plan> {
    return await applyConfiguration({ database: server.database, clock: Date.now, sealer: server.prepared.sealer, progress: () => {}, file: await readText(document), leftovers: 'keep', dryRun: false })
  }

  it('are dead within a second and in their list: one by its list and index, and all until a moment; later ones live', async () => {
    const { api, partner, organization } = await server.fixtures.scene()
    await known(server, api)
    const [one, other] = [await tokenOf(server, partner), await tokenOf(server, partner)]
    const isDead = async (token: string): Promise<boolean> => (await introspect(server, api, token)).json['active'] === false && await bitOf(token, server)
    const { uri, idx } = statusOf(one)
    const tokens = { revoked_tokens: [{ list: uri, index: idx, reason: 'posted' }, { list: listIdOf(one), index: idx }, { list: '0'.repeat(22), index: 1 }] }
    const id = `${listIdOf(one)}/${idx}`
    expect(said(await apply(tokens))).toEqual([
      `~ token ${id}: revoked`, 'It is dead, for good, and so are those that were exchanged for it.', irreversible,
      `There is no status list ${'0'.repeat(22)}: its tokens have expired. The token ${'0'.repeat(22)}/1 need not be in the file any more.`
    ])
    expect(await within(1, () => isDead(one))).toBe(true)
    expect((await introspect(server, api, other)).json['active']).toBe(true)
    for (const again of [tokens, {}]) expect((await apply(again)).changes).toEqual([])
    expect(await server.database.auditRecord.findMany({ where: { targetId: id } })).toMatchObject([{ actor: 'configuration signet', action: 'revoked', targetKind: 'token', clientId: partner.id, reason: 'posted' }])

    const document = { organizations: { org_file: { name: 'Of the file' } } }
    await apply(document)
    await server.database.client.update({ where: { id: partner.id }, data: { organizationId: 'org_file' } })
    expect(organization.id).not.toBe('org_file')
    expect(await within(1, () => isDead(other)), 'a client that moves loses its tokens').toBe(true)
    expect(await within(3, async () => (await requestToken(server, partner)).status === 200)).toBe(true)
    const token = await tokenOf(server, partner)
    expect(await within(3, async () => Date.now() / 1000 >= Number(partsOf(token).claims['iat'])), 'no moment to come').toBe(true)
    await apply({ organizations: { org_file: { name: 'Of the file', tokens_revoked_before: new Date().toISOString() } } })
    expect(await within(1, () => isDead(token))).toBe(true)
    expect(await within(3, async () => (await requestToken(server, partner)).status === 200)).toBe(true)
    expect((await introspect(server, api, await tokenOf(server, partner))).json['active']).toBe(true)
  })
})
