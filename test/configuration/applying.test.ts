import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openSecret } from '../../src/clients/sealed-secret.ts'
import { sample } from './examples.ts'
import { client, irreversible, offline, organizations, resources, said } from './plans.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => { world = await createWorld() })
afterEach(async () => { await world.clear() })
afterAll(async () => { await world.drop() })

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

  it('says which resources a client may exchange tokens for', async () => {
    const apis = 'resources: { https://api.example: { name: A }, https://b.example: { name: B }, https://c.example: { name: C } }\n'
    const gateway = (members: string): string => organizations + apis + client(`scopes: [], grants: ["urn:ietf:params:oauth:grant-type:token-exchange"], resource_server: https://api.example${members}`)
    expect(said(await world.apply(gateway(', exchange_resources: [https://b.example]')))).toContain('+ client cl_live_x: "X", of org_a, scopes none, stands for https://api.example, may exchange tokens for https://b.example')
    expect(said(await world.apply(gateway(', exchange_resources: [https://c.example]')))).toEqual([
      '~ client cl_live_x: may exchange tokens for https://c.example, may not exchange tokens for https://b.example any more', 'The tokens for https://b.example that it exchanged live on until they expire.'
    ])
    expect((await world.apply(gateway(', exchange_resources: [https://c.example]'))).changes).toEqual([])
    expect(await world.refusals(gateway(', exchange_resources: [https://d.example]'))).toEqual([expect.stringMatching(/exchange_resources\[0\]: There is no resource https:\/\/d\.example/)])
    expect(said(await world.apply(gateway('')))[0]).toBe('~ client cl_live_x: may not exchange tokens for https://c.example any more')
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
