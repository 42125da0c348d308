import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createSecretHasher } from '../../src/clients/secrets.ts'
import { client, irreversible, offline, organizations, resources, said } from './plans.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => { world = await createWorld() })
afterEach(async () => { await world.clear() })
afterAll(async () => { await world.drop() })

describe('what others made', { timeout: 60_000 }, () => {
  it('by hand, is taken over where the file names it, and left alone where not', async () => {
    const organization = await world.fixtures.organization('Hand')
    await world.fixtures.resource('https://a.example', { read: true, other: false })
    const { id } = await world.fixtures.client({ organizationId: organization.id, scopes: ['read', 'other'] })
    const file = `organizations: { ${organization.id}: { name: Hand } }
resources: { https://a.example: { name: https://a.example, scopes: { read: { description: May read, default: true } } } }
clients: { ${id}: { organization: ${organization.id}, name: A client, scopes: [read, other] } }`
    expect(said(await world.apply(file))).toEqual([
      `~ organization ${organization.id}: taken over by the file`, '~ resource https://a.example: taken over by the file', '~ scope read: taken over by the file', `~ client ${id}: taken over by the file`
    ])
    const { resources: [resource], clients: [taken] } = await world.state()
    expect(resource?.scopes.map(({ name, managedBy }) => [name, managedBy])).toEqual([['other', null], ['read', 'signet']])
    expect([...taken?.secrets.values() ?? []]).toMatchObject([{ imported: false, managedBy: null }])
    expect(await world.refusals('{}', { prune: true })).toEqual(['1:1: resources["https://a.example"]: It left the file and cannot be removed: the file does not own its scopes other. Delete them, or put the resource back.'])
  })

  it('by another file, is a mistake that names the file', async () => {
    await world.apply(`name: other\n${organizations}${resources}${client('')}`)
    const owned = 'The configuration file "other" owns it. Remove it there and apply that file with --release, or remove it here.'
    expect(await world.refusals(organizations + resources + client(''))).toEqual([
      `1:18: organizations.org_a: ${owned}`, `2:14: resources["https://a.example"]: ${owned}`, `3:12: clients.cl_live_x: ${owned}`
    ])
    expect(said(await world.apply('clients: { cl_live_y: { organization: org_a, name: Y, scopes: [read] } }', { prune: true }))).toHaveLength(2)
    expect(await world.refusals('{ name: other }', { prune: true })).toEqual([
      '1:1: resources["https://a.example"]: It left the file and cannot be removed'.replace(/resources.*/, 'organizations.org_a: It left the file and cannot be removed: the file does not own its clients cl_live_y. Delete them, or put the organization back.')
    ])
  })

  it('and disabled by hand, stays disabled, with a warning each time; what the file disabled, it enables again', async () => {
    const disabled = organizations.replace('name: A', 'name: A, disabled: true')
    await world.apply(organizations)
    await world.apply(disabled)
    expect((await world.state()).organizations).toMatchObject([{ disabledBy: 'signet' }])
    expect(said(await world.apply(organizations))).toEqual(['~ organization org_a: enabled', 'The earlier tokens of its clients stay dead.'])
    await world.database.organization.update({ where: { id: 'org_a' }, data: { disabledAt: new Date() } })
    const warning = 'The organization org_a was disabled by hand and stays so: the file does not enable it. Enable it by hand, or write disabled: true.'
    for (let time = 0; time < 2; time += 1) expect(said(await world.apply(organizations))).toEqual([warning])
    expect(said(await world.apply(disabled))).toEqual([])
    expect(said(await world.apply(organizations))).toEqual([warning])
    expect((await world.state()).organizations).toMatchObject([{ disabledAt: expect.any(Date) as unknown, disabledBy: null }])
  })
})

describe('what left the file', { timeout: 60_000 }, () => {
  it('is kept and named, until it is pruned with all that is lost', async () => {
    await world.apply(organizations + resources + client('scopes: [read]'))
    const { id } = await world.fixtures.client({ organizationId: (await world.fixtures.organization('Hand')).id, scopes: ['read', 'write'] })
    const kept = ['client cl_live_x', 'scope read', 'scope write', 'resource https://a.example', 'organization org_a']
    expect(said(await world.apply('{}'))).toEqual(kept.map((what) => `The ${what} left the file; it is kept. --prune removes it.`))
    expect(said(await world.apply('{}', { prune: true }))).toEqual([
      '- client cl_live_x: "X"',
      `It gets no tokens any more, and its secrets are gone. The tokens that it has are inactive at introspection at once and for good; ${offline('25 hours')}`, irreversible,
      '- scope read: of https://a.example', `Clients that lose it: ${id}.`, 'Tokens that have it live on until they expire, within 25 hours.', irreversible,
      '- scope write: of https://a.example', `Clients that lose it: ${id}.`, 'Tokens that have it live on until they expire, within 25 hours.', irreversible,
      '- resource https://a.example: "A"', `The tokens for it are inactive at introspection at once; ${offline('25 hours')}`, `Clients that have scopes of it: cl_live_x, ${id}.`, irreversible,
      '- organization org_a: "A"', 'Its clients are removed with it: cl_live_x.', irreversible
    ])
    const { organizations: left, resources: none, clients } = await world.state()
    expect({ left, none, clients }).toMatchObject({ left: [{ name: 'Hand' }], none: [], clients: [{ id, scopes: new Set() }] })
  })

  it('is printed without what could move the cursor of a terminal, whatever its name', async () => {
    await world.apply(organizations)
    await world.database.organization.update({ where: { id: 'org_a' }, data: { name: 'A\u001b[2J\u202eB' } })
    expect(said(await world.apply('organizations: { org_a: { name: A } }'))).toEqual(['~ organization org_a: renamed from "A\uFFFD[2J\uFFFDB" to "A"'])
  })

  it('is not pruned from under what was made by hand; all reasons are told, and nothing is removed', async () => {
    await world.apply(organizations + resources)
    const resourceId = (await world.state()).resources[0]?.id ?? ''
    const { id } = await world.fixtures.client({ organizationId: 'org_a', resourceId })
    const before = await world.state()
    expect(await world.refusals('{}', { prune: true })).toEqual([
      `1:1: resources["https://a.example"]: It left the file and cannot be removed: ${id}, which the file does not own, stand for it. Delete them, or put the resource back.`,
      `1:1: organizations.org_a: It left the file and cannot be removed: the file does not own its clients ${id}. Delete them, or put the organization back.`
    ])
    expect(await world.refusals('clients: { cl_live_y: { organization: org_a, name: Y } }', { prune: true })).toContain(
      '1:39: clients.cl_live_y.organization: The organization org_a left the file, and --prune removes it. Put it back, or choose another.')
    expect(await world.state()).toEqual(before)
  })

  it('may be a scope that moves to another resource: who was given it at one API has not got it at another', async () => {
    const moved = 'resources: { https://a.example: { name: A, scopes: { write: { description: W } } }, https://b.example: { name: B, scopes: { read: { description: R, default: true } } } }\n'
    await world.apply(organizations + resources + client('scopes: [read]'))
    const { id } = await world.fixtures.client({ organizationId: 'org_a', scopes: ['read'] })
    expect(await world.refusals(organizations + moved + client('scopes: [read]'))).toEqual([
      `2:125: resources["https://b.example"].scopes.read: It moves to another resource, and clients that the file does not name have it: ${id}. Take it from them first.`
    ])
    expect(await world.refusals(organizations + moved + client('scopes: [read]'), { prune: true })).toEqual([
      expect.stringMatching(`clients that the file does not name have it: ${id}\\. Take it from them first\\.$`)
    ])
    await world.database.clientScope.deleteMany({ where: { clientId: id } })
    expect(said(await world.apply(organizations + moved + client('scopes: [read]'), { prune: true }))).toEqual([
      '+ resource https://b.example: "B"',
      '~ scope read: moved from https://a.example to https://b.example', 'Tokens that have it for https://a.example live on until they expire, within 25 hours.'
    ])
    expect((await world.state()).clients.map((each) => [each.id === id, [...each.scopes]])).toEqual([[false, ['read']], [true, []]])
    await world.fixtures.resource('https://c.example', { elsewhere: false })
    expect(await world.refusals(organizations + resources.replace('write:', 'elsewhere:') + client(''))).toContain(
      '2:95: resources["https://a.example"].scopes.elsewhere: The resource https://c.example has this scope, made by hand, and names of scopes are unique. Choose another name.')
  })
})

describe('the secret of a client in the file', { timeout: 60_000 }, () => {
  const file = (text: string | undefined): string => organizations + client(text === undefined ? '' : `scopes: [], secret: { value: ${text} }`).replace('name: X }', 'name: X, scopes: [] }')
  const secrets = async (): Promise<Readonly<Record<string, unknown>>[]> => [...(await world.state()).clients[0]?.secrets.values() ?? []].map(({ id, managedBy, revokedAt, imported }) => ({ id, managedBy, imported, isRevoked: revokedAt !== null }))
  const [one, other] = ['the-first-secret-0123', 'the-second-secret-0123']

  it('is imported, kept, replaced and removed; generated ones are not the file\'s', async () => {
    await world.apply(file(one))
    const [first] = await secrets()
    await world.fixtures.addSecret('cl_live_x')
    expect(said(await world.apply(file(one)))).toEqual([])
    expect(said(await world.apply(file(other)))).toEqual(['~ secret cl_live_x: replaced', 'The secret before it is refused at once. The tokens that were got with it live on until they expire.', irreversible])
    const now = await secrets()
    expect(now).toHaveLength(2)
    expect(now).not.toContainEqual(first)
    expect((await world.state()).clients[0]?.tokensRevokedBefore).toBeNull()
    expect(said(await world.apply(file(undefined)))).toEqual(['The secret of the client cl_live_x left the file; it is kept. --prune removes it.'])
    expect(await secrets()).toEqual(now)
    expect(said(await world.apply(file(undefined), { prune: true }))).toEqual(['- secret cl_live_x: it left the file', 'The secret of the file is refused at once. The tokens that were got with it live on until they expire.', irreversible])
    expect(await secrets()).toMatchObject([{ managedBy: null, imported: false }])
  })

  it('is not restored once it was revoked by hand, whatever the file says in between', async () => {
    await world.apply(file(one))
    const id = String((await secrets())[0]?.['id'])
    await world.database.clientSecret.update({ where: { id }, data: { revokedAt: new Date() } })
    const warning = 'The secret of cl_live_x in the file was revoked by hand and stays so. Choose another secret.'
    expect(said(await world.apply(file(one)))).toEqual([warning])
    expect(said(await world.apply(file(other)))).toEqual([
      '+ secret cl_live_x: imported', `= secret cl_live_x: ${id} released to the command line`,
      'The secret of the client cl_live_x left the file; it was revoked by hand, so it is kept, and belongs to the command line from now on.'
    ])
    expect(said(await world.apply(file(one)))).toEqual([
      '~ secret cl_live_x: the one before it removed', 'The secret before it is refused at once. The tokens that were got with it live on until they expire.', irreversible,
      '~ secret cl_live_x: taken over by the file', warning
    ])
    expect(await secrets()).toMatchObject([{ id, isRevoked: true }])
  })

  it('that somebody else changes after it was verified, is verified again', async () => {
    await world.apply(file(one))
    const hash = await createSecretHasher().hash(other)
    const writer = new pg.Client({ connectionString: world.url })
    await writer.connect()
    // The very row that the plan is about to replace becomes the secret of the file.
    await writer.query('BEGIN')
    await writer.query('UPDATE client_secrets SET hash = $1', [hash])
    const applying = world.apply(file(other))
    const { rows: [self] } = await writer.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    while ((await world.database.$queryRaw<unknown[]>`SELECT FROM pg_locks WHERE ${self?.pid ?? 0} = ANY (pg_blocking_pids(pid)) AND NOT granted`).length === 0) await pause(20)
    await writer.query('COMMIT')
    await writer.end()
    expect(said(await applying)).toEqual([])
    expect(await secrets()).toMatchObject([{ managedBy: 'signet' }])
  })

  it('does not become one too many', async () => {
    await world.apply(file(undefined))
    for (let count = 0; count < 10; count += 1) await world.fixtures.addSecret('cl_live_x')
    expect(await world.refusals(file(one))).toEqual(['2:67: clients.cl_live_x.secret: The client has 10 usable secrets besides, and 10 is the most. Revoke one first.'])
  })
})
