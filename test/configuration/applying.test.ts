import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openSecret } from '../../src/clients/sealed-secret.ts'
import { createSecretHasher } from '../../src/clients/secrets.ts'
import type { Plan } from '../../src/configuration/changes.ts'
import { remarks, reportLines } from '../../src/configuration/report.ts'
import { sample } from './examples.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => { world = await createWorld() })
afterEach(async () => { await world.clear() })
afterAll(async () => { await world.drop() })

function said (plan: Plan): readonly string[] {
  return [...reportLines(plan).map((line) => line.trim()), ...remarks(plan)]
}

const organizations = 'organizations: { org_a: { name: A } }\n'
const resources = 'resources: { https://a.example: { name: A, scopes: { read: { description: R, default: true }, write: { description: W } } } }\n'
const client = (members: string): string => `clients: { cl_live_x: { organization: org_a, name: X${members === '' ? '' : `, ${members}`} } }\n`
const irreversible = 'This cannot be undone.'
const offline = (longest: string): string => `an API that verifies on its own believes them until they expire, within ${longest}.`

describe('applying a configuration file', { timeout: 60_000 }, () => {
  it('makes what it says, and says what it made', async () => {
    expect(said(await world.apply(sample))).toEqual([
      '+ organization org_samplegames: "Sample Games"',
      '+ resource https://api.example.com: "Sample API", may be mixed with others, tokens signed with RS256',
      '+ scope tournaments:read: of https://api.example.com, default',
      '+ scope tournaments:write: of https://api.example.com',
      '+ client cl_live_samplebackend: "Sample backend", of org_samplegames, scopes tournaments:read tournaments:write',
      '+ client cl_test_api: "The API itself", of org_samplegames, scopes none, stands for https://api.example.com',
      'It has no secret yet. Give it one with: signet secret add cl_test_api',
      '+ secret cl_live_samplebackend: imported'
    ])
    const { organizations: [organization], resources: [resource], clients } = await world.state()
    const [backend, api] = [...clients].sort((one, other) => one.id < other.id ? -1 : 1)
    expect(organization).toMatchObject({ id: 'org_samplegames', name: 'Sample Games', managedBy: 'signet', disabledAt: null })
    expect(resource).toMatchObject({ identifier: 'https://api.example.com', accessTokenTtlSeconds: 3600, allowsMixing: true, signingAlgorithm: 'RS256', managedBy: 'signet', scopes: [{ name: 'tournaments:read', isDefault: true, managedBy: 'signet' }, { name: 'tournaments:write', isDefault: false }] })
    expect(backend).toMatchObject({ environment: 'live', grants: ['client_credentials'], authenticationMethods: ['client_secret_basic', 'client_secret_post'], accessTokenTtlSeconds: 900, managedBy: 'signet' })
    expect([...backend?.secrets.values() ?? []]).toMatchObject([{ imported: true, managedBy: 'signet', revokedAt: null, expiresAt: null, hash: expect.stringMatching(/^\$argon2id\$/) as unknown }])
    expect(api).toMatchObject({ environment: 'test', grants: [], resourceId: resource?.id, scopes: new Set() })
  })

  it('gives clients that list no scopes the default ones that are in force, each time anew', async () => {
    const scopes = (members: string): string => `resources: { https://a.example: { name: A, scopes: { a: { description: A, default: true }, b: { description: B, default: true${members} } } } }\n`
    const scopesOfX = async (): Promise<readonly string[]> => [...(await world.state()).clients[0]?.scopes ?? []].sort()
    await world.apply(organizations + scopes('') + client(''))
    expect(await scopesOfX()).toEqual(['a', 'b'])
    expect(said(await world.apply(organizations + scopes(', deprecated: true') + client('')))).toEqual([
      '~ scope b: deprecated', '~ client cl_live_x: loses b',
      'It gets no tokens with b any more. Those that it has live on until they expire, within 25 hours.'
    ])
    await world.apply(organizations + scopes(', disabled: true') + client(''))
    expect(await scopesOfX()).toEqual(['a'])
    await world.apply(organizations + scopes('') + client(''))
    await world.fixtures.resource('https://hand.example', { 'by:hand': true })
    expect(said(await world.apply(organizations + scopes('') + client('')))).toEqual(['~ client cl_live_x: gains by:hand'])
    expect(await scopesOfX()).toEqual(['a', 'b', 'by:hand'])
  })

  it('makes a JWT client, keeps its secret sealed, and never changes its type', async () => {
    const jwt = (members: string): string => organizations + resources + client(`type: jwt${members}`)
    expect(said(await world.apply(jwt(', secret: { value: a-secret-of-more-than-32-characters }')))).toContain('+ client cl_live_x: "X", of org_a, a JWT client, scopes read')
    const stored = async (): Promise<readonly { readonly id: string, readonly sealedSecret: string | null }[]> => [...(await world.state()).clients[0]?.secrets.values() ?? []]
    const [sealed] = await stored()
    expect(sealed === undefined ? undefined : openSecret(world.sealer, 'cl_live_x', sealed)?.toString()).toBe('a-secret-of-more-than-32-characters')
    expect((await world.apply(jwt(', secret: { value: a-secret-of-more-than-32-characters }'))).changes).toEqual([])
    await world.apply(jwt(', secret: { value: too-short-for-a-key }'))
    expect(await stored()).toMatchObject([{ sealedSecret: null }])
    for (const members of ['type: service', '']) {
      expect(await world.refusals(organizations + resources + client(members))).toEqual([expect.stringMatching(/clients\.cl_live_x(\.type)?: It is of the type jwt, which stays for good\. Write type: jwt, or make a client of another id\.$/)])
    }
    await world.clear()
    await world.apply(organizations + resources + client('secret: { value: a-secret-of-more-than-32-characters }'))
    expect(await stored()).toMatchObject([{ sealedSecret: null }])
    expect(await world.refusals(jwt(''))).toEqual([expect.stringMatching(/type: It is of the type service, which stays for good\./)])
  })

  it('says who loses what, and which tokens go on', async () => {
    const before = 'resources: { https://a.example: { name: A, access_token_ttl_seconds: 7200, allows_mixing: true, signing_algorithm: ES256, scopes: { read: { description: R }, write: { description: W } } } }\n'
    const after = 'resources: { https://a.example: { name: A, access_token_ttl_seconds: 3600, disabled: true, scopes: { read: { description: R, disabled: true }, write: { description: W } } } }\n'
    await world.apply(`${organizations.replace(' }\n', ', org_b: { name: B } }\n')}${before}${client('scopes: [read, write], resource_server: https://a.example')}`)
    const moved = client('scopes: [read], access_token_ttl_seconds: 60, disabled: true').replace('org_a', 'org_b')
    expect(said(await world.apply(`organizations: { org_a: { name: A, disabled: true }, org_b: { name: B } }\n${after}${moved}`))).toEqual([
      '~ organization org_a: disabled',
      'Its clients: cl_live_x.',
      `Its clients get no tokens any more. The tokens that they have are inactive at introspection at once and for good; ${offline('2 hours')}`,
      irreversible,
      '~ resource https://a.example: access tokens live 1 hour instead of 2 hours, no longer mixed with others, tokens signed with the default algorithm instead of ES256, disabled',
      'The tokens for it that there are live on until they expire, within 2 hours.',
      'Tokens that are for it and for others live on until they expire, within 2 hours.',
      'The tokens for it that there are stay as they are. An API that accepts one algorithm only must accept the new one.',
      `No token for it is issued any more. The tokens that there are are inactive at introspection while it is disabled; ${offline('2 hours')}`,
      'Clients that have scopes of it: cl_live_x.', 'Clients that stand for it: cl_live_x.',
      '~ scope read: disabled',
      'No token with it is issued any more. The tokens that have it live on until they expire, within 2 hours.',
      'Clients that have it: cl_live_x.',
      '~ client cl_live_x: moved from org_a to org_b, stands for no resource instead of https://a.example, access tokens live 1 minute instead of 25 hours, disabled, loses write',
      'It gets no tokens with write any more.',
      'It may not introspect tokens for https://a.example any more.',
      `It gets no tokens any more. The tokens that it has are inactive at introspection at once and for good; ${offline('2 hours')}`,
      irreversible
    ])
  })

  it('names the clients that have a scope which is no longer default, ten at most', async () => {
    await world.apply(organizations + resources)
    const names: string[] = []
    for (let count = 0; count < 12; count += 1) names.push((await world.fixtures.client({ organizationId: 'org_a', scopes: ['read'] })).id)
    expect(said(await world.apply(organizations + resources.replace(', default: true', '')))).toEqual([
      '~ scope read: no longer default', 'Token requests without scope do not ask for it any more.', `Clients that have it: ${names.slice(0, 10).join(', ')} and 2 more.`
    ])
  })

  it('says when tokens are to be bound, and that nothing is said of the default', async () => {
    await world.apply(organizations + client('scopes: []'))
    expect(said(await world.apply(organizations + client('scopes: [], dpop: required')))).toEqual([
      '~ client cl_live_x: DPoP required instead of allowed',
      'It gets no tokens without a DPoP proof any more. Those that it has stay as they are until they expire, within 25 hours.'
    ])
    expect(said(await world.apply(organizations + client('scopes: [], dpop: off')))).toEqual(['~ client cl_live_x: DPoP off instead of required'])
    expect(said(await world.apply(organizations + client('scopes: [], dpop: off')))).toEqual([])
    expect(said(await world.apply(organizations + client('scopes: []')))).toEqual(['~ client cl_live_x: DPoP allowed instead of off'])
  })

  it('swaps the names of organizations, and takes over the name of one that is pruned', async () => {
    await world.apply('organizations: { org_a: { name: A }, org_b: { name: B }, org_c: { name: C } }')
    const file = 'organizations: { org_a: { name: B }, org_b: { name: A }, org_d: { name: C } }'
    expect(await world.refusals(file)).toEqual(['1:67: organizations.org_d.name: The organization org_c, which is not in the file, has this name already. Choose another name, or use its id.'])
    await world.apply(file, { prune: true })
    expect((await world.state()).organizations.map(({ id, name }) => `${id} ${name}`).sort()).toEqual(['org_a B', 'org_b A', 'org_d C'])
  })

  it('is refused with every mistake at once, those of references too, and changes nothing', async () => {
    await world.fixtures.resource('https://hand.example', { 'hand:read': true })
    const before = await world.state()
    const file = `${organizations}resources: { https://a.example: { name: A, lifetime: 60, scopes: { read: { description: R } } } }
clients:
  cl_live_x: { organization: org_aa, name: X, scopes: [read, "hand:read", raed, "hand:wread"] }
  cl_live_y: { organization: org_a, resource_server: https://b.example }
`
    expect(await world.refusals(file)).toEqual([
      '2:44: resources["https://a.example"].lifetime: There is no such member. There are: name, access_token_ttl_seconds, allows_mixing, signing_algorithm, disabled, scopes.',
      '4:30: clients.cl_live_x.organization: There is no organization org_aa, neither in this file nor in the database. Did you mean org_a?',
      '4:75: clients.cl_live_x.scopes[2]: There is no scope raed, neither in this file nor in the database. Did you mean read?',
      '4:81: clients.cl_live_x.scopes[3]: There is no scope hand:wread, neither in this file nor in the database. Did you mean hand:read?',
      '5:3: clients.cl_live_y: The member name is missing.',
      '5:54: clients.cl_live_y.resource_server: There is no resource https://b.example, neither in this file nor in the database. Did you mean https://a.example?'
    ])
    expect(await world.refusals(organizations + client('scopes: [nowhere]'))).toEqual(['2:64: clients.cl_live_x.scopes[0]: There is no scope nowhere, neither in this file nor in the database.'])
    expect(await world.state()).toEqual(before)
  })
})

describe('a file with mistakes of its own', { timeout: 60_000 }, () => {
  const wrong = 'clients: { cl_live_wrong: { organization: org_c, name: Wrong, lifetime: 60 } }'
  const own = expect.stringMatching(/lifetime: There is no such member/) as unknown

  it('is told at once what else the database has against it: owners, names that are taken, scopes that move, and what cannot be pruned', async () => {
    await world.apply(`name: other\n${organizations}${resources}`)
    await world.apply('organizations: { org_c: { name: C }, org_d: { name: D } }\nresources: { https://c.example: { name: C, scopes: { move: { description: M } } }, https://d.example: { name: D } }')
    const { id } = await world.fixtures.client({ organizationId: 'org_d', scopes: ['move'] })
    const file = `organizations: { org_a: { name: Mine }, org_c: { name: C }, org_e: { name: D } }
resources: { https://d.example: { name: D, scopes: { move: { description: M }, read: { description: R } } } }
${wrong}`
    const before = await world.state()
    expect(await world.refusals(file, { prune: true })).toEqual([
      expect.stringMatching(/organizations\.org_d: It left the file and cannot be removed/),
      expect.stringMatching(/organizations\.org_a: The configuration file "other" owns it\./),
      expect.stringMatching(new RegExp(`scopes\\.move: It moves to another resource, .+: ${id}\\.`)),
      expect.stringMatching(/scopes\.read: The configuration file "other" owns it\./),
      own
    ])
    expect(await world.refusals(file)).toContain('1:70: organizations.org_e.name: The organization org_d, which is not in the file, has this name already. Choose another name, or use its id.')
    expect(await world.state()).toEqual(before)
  })

  it('is not told that something left it, where that was misspelt or could not be read', async () => {
    await world.apply('organizations: { org_d: { name: D } }')
    await world.fixtures.client({ organizationId: 'org_d' })
    for (const file of ['organisations: { org_d: { name: D } }', 'organizations: [org_d]', 'organizations: { org_d: { name: D }']) {
      expect(await world.refusals(file, { prune: true }), file).toHaveLength(1)
    }
    expect(await world.refusals('name: ""\norganizations: { org_d: { name: D } }', { prune: true })).toHaveLength(1)
  })

  it('and a thousand references to nothing, is told about them within a moment', async () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => `partner${index}`)
    const file = {
      organizations: Object.fromEntries(ids.map((id) => [`org_${id}`, { name: id }])),
      clients: Object.fromEntries(ids.map((id) => [`cl_live_${id}`, { organization: `org_${id}x`, name: id, scopes: [] }]))
    }
    const started = performance.now()
    const refused = await world.refusals(file)
    expect(performance.now() - started).toBeLessThan(10_000)
    expect(refused).toHaveLength(101)
    expect(refused[0]).toMatch(/There is no organization org_partner0x, .+ Did you mean org_partner0\?$/)
    expect(refused.at(-1)).toBe('900 more mistakes are not shown.')
  })
})

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
