import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newPair } from '../support/assertions.ts'
import { createOperatorScene, type OperatorScene } from './operator-scene.ts'

let scene: OperatorScene
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-keys-'))
  scene = await createOperatorScene()
  await scene.fixtures.organization('First Games')
})
afterAll(async () => {
  await scene.remove()
  await rm(folder, { recursive: true })
})

const text = (pattern: RegExp): unknown => expect.stringMatching(pattern)

describe('keys of clients', { timeout: 120_000 }, () => {
  it('keygen gives the private half once, to a new file of the operator\'s own or to standard output, and registers the public half alone', async () => {
    const { record, run, refusals, stores: { clients } } = scene
    const created = await record('client', 'create', '--name', 'Signing backend', '--authentication-method', 'private_key_jwt')
    expect(created).toMatchObject({ authentication_methods: ['private_key_jwt'], jwks_uri: null, accepts_endpoint_audience_until: null })
    expect(created).not.toHaveProperty('client_secret')
    const id = String(created['client_id'])
    const file = join(folder, 'private.json')

    const made = await run('client', 'keygen', id, '--out', file, '--expires-in', '90d')
    expect(made.exitCode, made.stderr).toBe(0)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const jwk = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    expect(jwk).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', kid: text(/^[\w-]{43}$/), d: text(/^[\w-]{43}$/) })
    expect(made.stdout + made.stderr).not.toContain(jwk['d'])

    const printed = JSON.parse((await run('client', 'keygen', id, '--algorithm', 'EdDSA')).stdout) as Record<string, unknown>
    expect(printed).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', d: text(/./) })
    const stored = await clients.readOne(id)
    expect(stored?.secrets.size).toBe(0)
    expect([...stored?.keys.values() ?? []].map(({ kid, algorithm }) => [kid, algorithm])).toEqual([[jwk['kid'], 'ES256'], [printed['kid'], 'EdDSA']])
    expect(JSON.stringify([...stored?.keys.values() ?? []])).not.toMatch(/"d":/)

    expect(await refusals(1, ['client', 'keygen', id, '--out', file])).toEqual([text(/cannot be made: it is there already/)])
    expect((await clients.readOne(id))?.keys.size).toBe(2)
  })

  it('add-key takes a public JWK from a file or standard input, and refuses a private one, another kind and a kid that was there', async () => {
    const { record, refusals, fixtures, stores: { clients, organizations } } = scene
    const [organization] = await organizations.readAll()
    const { id } = await fixtures.client({ organizationId: organization?.id ?? '' })
    const pair = newPair('ES256', 'theirs')
    const file = async (name: string, content: unknown): Promise<string> => {
      await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
      return join(folder, name)
    }
    const good = await file('public.json', pair.jwk)
    expect(await record('client', 'add-key', id, good, '--expires-at', '2099-01-31')).toMatchObject({ client_id: id, kid: 'theirs', algorithm: 'ES256', state: 'usable', expires_at: '2099-01-31T00:00:00.000Z' })
    const privateFile = await file('secret.json', pair.privateKey.export({ format: 'jwk' }))
    expect(await refusals(3, ['client', 'add-key', id, good], ['client', 'add-key', id, privateFile], ['client', 'add-key', id, await file('oct.json', { kty: 'oct' })]))
      .toEqual([text(/has or had a key with the kid theirs/), text(/private member d: keep that half to yourself/), text(/kty/)])
    expect(await refusals(1, ['client', 'add-key', id, await file('text.json', 'hello')], ['client', 'add-key', id, join(folder, 'missing.json')])).toEqual([text(/is no JSON/), text(/cannot be read/)])

    expect(await record('client', 'revoke-key', id, 'theirs', '--yes')).toMatchObject({ changed: true, state: 'revoked' })
    expect(await record('client', 'revoke-key', id, 'theirs')).toMatchObject({ changed: false })
    expect(await refusals(3, ['client', 'add-key', id, good], ['client', 'revoke-key', id, 'nobody'])).toEqual([text(/A key that was revoked does not come back/), text(/no such key/)])
    expect((await clients.readOne(id))?.keys.get('theirs')?.revokedAt).not.toBeNull()
  })

  it('R13 revoke-key revokes a key under every kid that it has, for none of them counts any more', async () => {
    const { record, fixtures, stores: { clients } } = scene
    const { id: organizationId } = await fixtures.organization()
    const [pair, other] = [newPair('ES256', 'one'), newPair('ES256', 'other')]
    const { id } = await fixtures.signingClient({ organizationId, keys: [pair, { jwk: { ...pair.jwk, kid: 'same' } }, other] })
    expect(await record('client', 'revoke-key', id, 'same', '--yes')).toMatchObject({ changed: true, kid: 'same', state: 'revoked' })
    const states = [...(await clients.readOne(id))?.keys.values() ?? []].map(({ kid, revokedAt }) => [kid, revokedAt !== null])
    expect(Object.fromEntries(states)).toEqual({ one: true, same: true, other: false })
    expect(await record('client', 'revoke-key', id, 'one')).toMatchObject({ changed: false })
  })

  it('update changes methods, jwks_uri and the date, show tells them, and what is missing is said', async () => {
    const { record, run, fixtures, stores: { organizations } } = scene
    const [organization] = await organizations.readAll()
    const { id } = await fixtures.client({ organizationId: organization?.id ?? '' })
    const changed = await run('client', 'update', id, '--authentication-method', 'client_secret_jwt', '--authentication-method', 'private_key_jwt')
    expect(changed.stderr).toMatch(/no usable secret that client_secret_jwt can be checked with/)
    expect(changed.stderr).toMatch(/no usable key yet/)
    expect(await record('client', 'update', id, '--jwks-uri', 'https://partner.example/jwks.json', '--accept-endpoint-audience-until', '2099-01-31'))
      .toMatchObject({ changed: true, authentication_methods: ['client_secret_jwt', 'private_key_jwt'], jwks_uri: 'https://partner.example/jwks.json', accepts_endpoint_audience_until: '2099-01-31T00:00:00.000Z' })
    expect(await record('client', 'show', id)).toMatchObject({ jwks_uri: 'https://partner.example/jwks.json', keys: [] })
    expect(await record('client', 'update', id, '--jwks-uri', 'none', '--accept-endpoint-audience-until', 'never')).toMatchObject({ changed: true, jwks_uri: null, accepts_endpoint_audience_until: null })
    for (const wrong of [['--jwks-uri', 'http://partner.example/'], ['--authentication-method', 'none'], ['--accept-endpoint-audience-until', 'soon']]) {
      expect((await run('client', 'update', id, ...wrong)).exitCode, wrong.join(' ')).toBe(2)
    }
  })
})
