import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { exportConfiguration } from '../../src/configuration/export.ts'
import type { Plan } from '../../src/configuration/changes.ts'
import { newPair } from '../support/assertions.ts'
import { createWorld, mistakesIn, type World } from './world.ts'

const [one, two] = [newPair('ES256', 'one'), newPair('EdDSA', 'two')]
const file = (members: object): object => ({ organizations: { org_a: { name: 'A' } }, clients: { cl_live_x: { organization: 'org_a', name: 'X', scopes: [], ...members } } })
const said = ({ changes }: Plan): string[] => changes.filter(({ kind }) => kind === 'client' || kind === 'key').flatMap(({ action, kind, details, consequences }) => [`${action} ${kind}: ${details.join(', ')}`, ...consequences])

describe('keys and authentication methods in a configuration file', { timeout: 60_000 }, () => {
  let world: World
  beforeAll(async () => { world = await createWorld() })
  beforeEach(async () => { await world.clear() })
  afterAll(async () => { await world.drop() })

  const client = async (): Promise<Awaited<ReturnType<World['state']>>['clients'][number] | undefined> => (await world.state()).clients[0]
  const kids = async (): Promise<unknown> => [...(await client())?.keys.values() ?? []].map(({ kid, managedBy, revokedAt }) => [kid, managedBy, revokedAt !== null])

  it('makes a client that signs, without a word about secrets, and exports it as it was written', async () => {
    const members = {
      authentication_methods: ['private_key_jwt'], jwks_uri: 'https://partner.example/jwks.json', accepts_endpoint_audience_until: '2099-01-31T00:00:00.000Z', keys: [one.jwk, two.jwk]
    }
    expect(said(await world.apply(file(members)))).toEqual([
      'create client: "X", of org_a, scopes none, authenticates by private_key_jwt, keys at https://partner.example/jwks.json', 'create key: one, ES256', 'create key: two, EdDSA'
    ])
    expect(await client()).toMatchObject({ authenticationMethods: ['private_key_jwt'], jwksUri: 'https://partner.example/jwks.json', acceptsEndpointAudienceUntil: new Date('2099-01-31') })
    expect(await kids()).toEqual([['one', 'signet', false], ['two', 'signet', false]])
    expect((await world.apply(file(members))).changes).toEqual([])
    const { document } = exportConfiguration(await world.state(), { name: 'signet', organizationId: undefined })
    expect(document.clients?.['cl_live_x']).toMatchObject({ ...members, keys: [one.jwk, two.jwk] })
    expect((await world.apply(document)).changes).toEqual([])
  })

  it('says what changes, and goes back to the defaults when the file says nothing', async () => {
    await world.apply(file({ authentication_methods: ['private_key_jwt'], jwks_uri: 'https://partner.example/jwks.json', accepts_endpoint_audience_until: '2099-01-31' }))
    expect(said(await world.apply(file({})))).toEqual([
      'update client: may authenticate by client_secret_basic client_secret_post, may not authenticate by private_key_jwt any more, keys at no jwks_uri instead of https://partner.example/jwks.json, assertions may not name the token endpoint any more'
    ])
    expect(await client()).toMatchObject({ authenticationMethods: ['client_secret_basic', 'client_secret_post'], jwksUri: null, acceptsEndpointAudienceUntil: null })
  })

  it('keeps a key that left the file until it is pruned, and replaces one that changed under its kid', async () => {
    await world.apply(file({ keys: [one.jwk, two.jwk] }))
    expect((await world.apply(file({ keys: [two.jwk] }))).kept).toEqual([{ kind: 'key', id: 'cl_live_x', reason: null }])
    expect(await kids()).toEqual([['one', 'signet', false], ['two', 'signet', false]])
    expect(said(await world.apply(file({ keys: [two.jwk] }), { prune: true }))).toEqual(['remove key: one left the file', 'The key is refused at once. The tokens that were got with it live on until they expire.'])
    const changed = newPair('ES256', 'two')
    expect(said(await world.apply(file({ keys: [changed.jwk] })))).toEqual(['update key: two replaced', 'The key before it is refused at once. The tokens that were got with it live on until they expire.'])
    expect((await client())?.keys.get('two')?.jwk).toEqual(changed.jwk)
  })

  it('goes on being applied, with a warning, when a key that it names under two kids is revoked under one of them', async () => {
    const again = { ...one.jwk, kid: 'again' }
    await world.apply(file({ keys: [one.jwk, again] }))
    await world.database.clientKey.updateMany({ where: { kid: 'one' }, data: { revokedAt: new Date() } })
    const { changes, warnings } = await world.apply(file({ keys: [one.jwk, again], dpop: 'off' }))
    expect(changes).toHaveLength(1)
    expect(warnings).toEqual([
      'The key one of cl_live_x in the file was revoked by hand and stays so. Choose another key.',
      'The key again of cl_live_x in the file was revoked by hand as one, and counts for nothing under either kid. Choose another key.'
    ])
    expect(await world.refusals(file({ keys: [{ ...one.jwk, kid: 'third' }] }))).toEqual([expect.stringContaining('The key third is the one that was revoked as one.')])
  })

  it('R13 does not bring back a key that was revoked by hand, be it named, pruned or named anew', async () => {
    await world.apply(file({ keys: [one.jwk] }))
    await world.database.clientKey.updateMany({ data: { revokedAt: new Date() } })
    expect((await world.apply(file({ keys: [one.jwk] }))).warnings).toEqual(['The key one of cl_live_x in the file was revoked by hand and stays so. Choose another key.'])
    expect(await world.refusals(file({ keys: [newPair('ES256', 'one').jwk] }))).toEqual([expect.stringContaining('its kid is not taken again')])
    await world.apply(file({}), { prune: true })
    await world.apply(file({ keys: [one.jwk] }))
    await world.apply({ organizations: { org_a: { name: 'A' } } }, { prune: true })
    await world.apply(file({ keys: [one.jwk] }))
    expect([...(await client())?.keys.values() ?? []].map(({ kid, revokedAt }) => [kid, revokedAt !== null])).toEqual([['one', true]])
  })

  it('takes over a key that was registered by hand, and leaves others alone', async () => {
    await world.apply(file({}))
    await world.fixtures.addKey('cl_live_x', one.jwk)
    await world.fixtures.addKey('cl_live_x', two.jwk)
    expect(said(await world.apply(file({ keys: [one.jwk] }), { prune: true }))).toEqual(['update key: one taken over by the file'])
    expect(await kids()).toEqual([['one', 'signet', false], ['two', null, false]])
  })

  it('keeps the secret of the file sealed as long as assertions are checked with it, whenever that was written, and says when it is too short', async () => {
    const sealed = async (): Promise<boolean[]> => [...(await client())?.secrets.values() ?? []].map(({ sealedSecret }) => sealedSecret !== null)
    const secret = { value: 'a-secret-of-more-than-32-characters' }
    const signing = { authentication_methods: ['client_secret_jwt'] }
    await world.apply(file({ secret }))
    expect(await sealed()).toEqual([false])
    expect((await world.apply(file({ secret, ...signing }))).changes.map(({ kind, details }) => [kind, ...details])).toContainEqual(['secret', 'kept sealed, so that assertions can be checked with it'])
    expect(await sealed()).toEqual([true])
    expect(await world.apply(file({ secret, ...signing }))).toMatchObject({ changes: [], warnings: [] })
    await world.apply(file({ secret }))
    expect(await sealed()).toEqual([false])
    expect((await world.apply(file({ secret: { value: 'too-short-for-a-key' }, ...signing }))).warnings).toEqual([expect.stringMatching(/cl_live_x in the file is shorter than 32 octets/)])
    expect(await sealed()).toEqual([false])
  })

  it('tells every mistake, and repeats no private key', async () => {
    const { d } = one.privateKey.export({ format: 'jwk' })
    const mistakes = await mistakesIn(file({
      authentication_methods: ['password'], jwks_uri: 'http://partner.example/', accepts_endpoint_audience_until: '2099-02-30', keys: [{ ...one.jwk, d }, { kty: 'EC', crv: 'P-256' }, two.jwk, two.jwk, { kty: 'oct' }]
    }))
    expect(mistakes.join('\n')).toMatch(/authentication_methods(.|\n)+jwks_uri(.|\n)+accepts_endpoint_audience_until(.|\n)+keys/)
    expect(mistakes.join('\n')).toMatch(/There is no such member/)
    expect(mistakes.join('\n')).toMatch(/another key with the kid two/)
    expect(mistakes.join('\n')).not.toContain(String(d))
  })
})
