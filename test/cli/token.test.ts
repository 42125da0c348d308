import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inspectToken } from '../../src/cli/inspect.ts'
import { createSession } from '../../src/cli/session.ts'
import { tokenExchangeGrant } from '../../src/oauth/grant-types.ts'
import { exchanged } from '../support/exchange.ts'
import { compact, partsOf, rs256, signingKeyOf, type Part } from '../support/forged-tokens.ts'
import type { Scene } from '../support/fixtures.ts'
import { known, revoke, tokenOf } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { createCli, type Cli } from './cli-process.ts'

const masterKey = 'c4'.repeat(32)
const date: unknown = expect.stringMatching(/^\d{4}-/)
let server: TestServer
let scene: Scene
let cli: Cli
let token: string

beforeAll(async () => {
  server = await startTestServer({ environment: { MASTER_KEY: masterKey } })
  scene = await server.fixtures.scene()
  await known(server, scene.partner)
  token = await tokenOf(server, scene.partner)
  cli = await createCli({ DATABASE_URL: server.databaseUrl, MASTER_KEY: masterKey, ISSUER: server.issuer })
})
afterAll(async () => {
  await cli.remove()
  await server.stop()
})

/** What the command prints, without starting a process for each token. */
function inspect (text: string, { issuer = server.issuer, aheadSeconds = 0 } = {}): ReturnType<typeof inspectToken> {
  const clock = (): number => Date.now() + aheadSeconds * 1000
  return inspectToken(text, createSession(server.database, server.prepared, { config: { ...server.config, issuer }, clock, progress: () => {} }))
}

/** The token with other contents, under a true signature. */
async function altered (header: Part, claims: Part): Promise<string> {
  const parts = partsOf(token)
  return compact({ ...parts.header, ...header }, { ...parts.claims, ...claims }, rs256(await signingKeyOf(server)))
}

describe('token inspect', { timeout: 60_000 }, () => {
  it('says of an exchanged token what is wrong with the token that it was exchanged for', async () => {
    const { organization, resource } = scene
    const service = await server.fixtures.client({ organizationId: organization.id, resourceId: resource.id, scopes: ['tournaments:read'], grants: [tokenExchangeGrant] })
    await known(server, service)
    const subject = await tokenOf(server, scene.partner)
    const exchangedToken = await exchanged(server, service, subject)
    expect(await inspect(exchangedToken)).toMatchObject({ active: true, reason: null })
    await revoke(server, scene.partner, subject)
    expect(await inspect(exchangedToken)).toMatchObject({ active: false, reason: 'it was revoked', revoked_at: date })
  })

  it('shows an active token given as argument or on standard input, as text and as JSON', async () => {
    const [text, json] = await Promise.all([cli('token', 'inspect', token), cli.withInput(`${token}\n`, 'token', 'inspect', '-', '--json')])
    expect(text).toMatchObject({ exitCode: 0, stderr: '' })
    for (const line of [/^active +yes$/m, /^client_name +A client$/m, /^header\nalg +RS256$/m, /^scope +tournaments:read$/m]) expect(text.stdout).toMatch(line)
    expect(json).toMatchObject({ exitCode: 0, stderr: '' })
    const { header, claims } = partsOf(token)
    expect(JSON.parse(json.stdout)).toMatchObject({ active: true, reason: null, revoked_at: null, client_disabled_at: null, header, claims })
  })

  it('ends with exit code 3 for a refused token, and says why on both channels', async () => {
    const [garbage, foreign] = await Promise.all([
      cli('token', 'inspect', 'garbage', '--json'),
      cli.withInput(`${token.slice(0, -40)}${'A'.repeat(40)}`, 'token', 'inspect', '-')
    ])
    expect(garbage).toMatchObject({ exitCode: 3, stderr: 'signet: The token is refused: it is not a JWT in canonical compact form.\n' })
    expect(JSON.parse(garbage.stdout)).toMatchObject({ active: false, reason: 'it is not a JWT in canonical compact form', header: null, claims: null })
    expect(foreign).toMatchObject({ exitCode: 3, stderr: expect.stringMatching(/its signature is wrong|canonical/) as unknown })
    expect(foreign.stdout).toMatch(/^active +no$/m)
  })

  it('names what is wrong with a token that was never ours', async () => {
    const { header, claims } = partsOf(token)
    const own = rs256(await signingKeyOf(server))
    const reasons = await Promise.all([
      '', 'a.b.c', `${token}=`, 'x'.repeat(100_000), '\u0000',
      compact({ ...header, kid: 'unknown' }, claims, own),
      compact({ alg: 'RS256', typ: 'at+jwt' }, claims, own),
      compact({ ...header, typ: 'JWT' }, claims, own),
      compact(header, { ...claims, client_id: 7 }, own),
      compact(header, { ...claims, env: 'test' }, own),
      compact(header, { ...claims, jti: undefined }, own)
    ].map(async (text) => (await inspect(text))['reason']))
    expect(reasons).toEqual([
      'it is not a JWT in canonical compact form',
      expect.stringContaining('not '),
      'it is not a JWT in canonical compact form',
      'it is not a JWT in canonical compact form (it has 100000 characters, and 8192 is the most)',
      'it is not a JWT in canonical compact form',
      'it is not signed by a key that this server publishes (there is no key with its kid)',
      'it is not signed by a key that this server publishes (its header names no key)',
      'its typ is not acceptable (it says "JWT")',
      'its claims are not those of an access token',
      'its environment is not that of its key',
      'its jti is not acceptable'
    ])
  })

  it('names the issuer that it expected, for an ISSUER that differs from the server\'s is the usual mistake', async () => {
    expect((await inspect(token, { issuer: 'https://auth.example.com' }))['reason'])
      .toBe(`its iss is not acceptable (it says "${server.issuer}", and the ISSUER of this command makes that https://auth.example.com or https://auth.example.com/test)`)
  })

  it('says that a token has expired, and when', async () => {
    const expired = await inspect(token, { aheadSeconds: 90_001 })
    expect(expired).toMatchObject({ active: false, reason: 'it has expired', expires_at: new Date(Number(partsOf(token).claims['exp']) * 1000).toISOString() })
  })

  it('says that a token was revoked, and when, even once it has expired', async () => {
    const revokedToken = await tokenOf(server, scene.partner)
    expect((await revoke(server, scene.partner, revokedToken)).status).toBe(200)
    const revoked = await inspect(revokedToken)
    expect(revoked).toMatchObject({ active: false, reason: 'it was revoked', revoked_at: date })
    expect(await inspect(revokedToken, { aheadSeconds: 90_001 })).toMatchObject({ reason: 'it has expired', revoked_at: revoked['revoked_at'] })
  })

  it('says that its client was disabled, and when, and that enabling the client did not bring it back', async () => {
    const { id } = scene.partner
    await server.database.client.update({ where: { id }, data: { disabledAt: new Date('2026-01-02T03:04:05Z') } })
    expect(await inspect(token)).toMatchObject({ reason: 'its client is disabled', client_disabled_at: '2026-01-02T03:04:05.000Z' })
    await server.database.client.update({ where: { id }, data: { disabledAt: null } })
    expect(await inspect(token)).toMatchObject({
      reason: 'the earlier tokens of its client were revoked', client_disabled_at: null, client_tokens_revoked_before: date
    })
  })

  it('says that its organization or its resource was disabled, or that its client is unknown', async () => {
    const other = await server.fixtures.client({ organizationId: scene.organization.id, scopes: ['tournaments:read'] })
    await known(server, other)
    const fresh = await tokenOf(server, other)
    await server.database.organization.update({ where: { id: scene.organization.id }, data: { disabledAt: new Date() } })
    expect(await inspect(fresh)).toMatchObject({ reason: 'its organization is disabled', organization_name: scene.organization.name, organization_disabled_at: date })
    expect((await inspect(await altered({}, { client_id: 'cl_live_nobody' })))['reason']).toBe('its client is unknown')
  })

  it('says what became of the key that signed it', async () => {
    await server.database.signingKey.updateMany({ where: { environment: 'live' }, data: { withdrawnAt: new Date() } })
    expect((await inspect(token))['reason']).toBe('it is not signed by a key that this server publishes (the key with its kid is withdrawn)')
  })
})
