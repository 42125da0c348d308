import { hostname, userInfo } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSession } from '../../src/cli/session.ts'
import { assertionBy, assertionClaims, newPair, withAssertion } from '../support/assertions.ts'
import { exchanged, exchangeScene, type ExchangeScene } from '../support/exchange.ts'
import type { RegisteredClient } from '../support/fixtures.ts'
import { compact, partsOf, rs256, signingKeyOf } from '../support/forged-tokens.ts'
import { introspect, known, requestToken, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { bitOf, listIdOf, statusOf } from '../support/status.ts'
import { createCli, type Cli } from './cli-process.ts'

const masterKey = 'c4'.repeat(32)
const me = `operator ${userInfo().username}@${hostname()}`
const date: unknown = expect.stringMatching(/^\d{4}-/)
let server: TestServer
let scene: ExchangeScene
let cli: Cli

beforeAll(async () => {
  server = await startTestServer({ environment: { MASTER_KEY: masterKey } })
  scene = await exchangeScene(server)
  await known(server, scene.gateway)
  cli = await createCli({ DATABASE_URL: server.databaseUrl, MASTER_KEY: masterKey, ISSUER: server.issuer })
})
afterAll(async () => {
  await cli.remove()
  await server.stop()
})

async function newPartner (): Promise<RegisteredClient & { readonly secretId: string }> {
  const { id } = await server.fixtures.organization()
  const partner = await server.fixtures.client({ organizationId: id, scopes: ['tournaments:read'] })
  await known(server, partner)
  const [secretId = ''] = partner.client.secrets.keys()
  return { ...partner, secretId }
}

const isActive = async (token: string): Promise<boolean> => (await introspect(server, scene.gateway, token)).json['active'] === true

/** To introspection within a second, and in the list that is published. */
async function expectDead (...tokens: readonly string[]): Promise<void> {
  for (const token of tokens) {
    expect(await within(1, async () => !await isActive(token))).toBe(true)
    expect(await within(1, async () => await bitOf(token, server))).toBe(true)
  }
}

async function recordsOf (target: string): Promise<unknown> {
  return await cli.json('audit', 'list', '--target', target)
}

describe('signet revoke', { timeout: 60_000 }, () => {
  it('token: from standard input, with what was exchanged for it, and twice without harm', async () => {
    const subject = await tokenOf(server, scene.partner)
    const [child, bystander] = [await exchanged(server, scene.gateway, subject), await tokenOf(server, scene.partner)]
    const { idx, uri } = statusOf(subject)
    const run = await cli.withInput(`${subject}\n`, 'revoke', 'token', '-', '--json', '--reason', 'posted in a forum')
    expect(run).toMatchObject({ exitCode: 0, stderr: 'signet: the token is revoked\n' })
    const { jti, exp } = partsOf(subject).claims
    expect(JSON.parse(run.stdout)).toEqual({
      changed: true, client_id: scene.partner.id, expires_at: new Date(Number(exp) * 1000).toISOString(), jti, index: idx, revoked_at: date, committed_at: date, status_lists: [uri]
    })
    await expectDead(subject, child)
    expect(await isActive(bystander)).toBe(true)
    const again = await cli('revoke', 'token', subject, '--json')
    expect(again).toMatchObject({ exitCode: 0, stderr: 'signet: the token was revoked already, by itself or with what it came of; nothing was changed\n' })
    expect(JSON.parse(again.stdout)).toMatchObject({ changed: false, committed_at: null, status_lists: [uri] })
    expect(await recordsOf(`${listIdOf(subject)}/${idx}`)).toEqual([{
      id: expect.any(Number) as unknown, at: date, actor: me, action: 'revoked', target_kind: 'token', target_id: `${listIdOf(subject)}/${idx}`, client_id: scene.partner.id, reason: 'posted in a forum', details: null
    }])
  })

  it('token: an exchanged one alone, one of an early version, one that has expired, and what is no token of this server', async () => {
    const subject = await tokenOf(server, scene.partner)
    const child = await exchanged(server, scene.gateway, subject)
    expect(await cli.record('revoke', 'token', child)).toMatchObject({ changed: true, client_id: scene.gateway.id })
    await expectDead(child)
    expect(await isActive(subject)).toBe(true)
    const { header, claims: { status, ...claims } } = partsOf(subject)
    const sign = rs256(await signingKeyOf(server))
    const early = compact(header, { ...claims, jti: 'of-an-early-version' }, sign)
    expect(status).toBeDefined()
    for (const changed of [true, false]) expect(await cli.record('revoke', 'token', early, '--reason', 'old')).toMatchObject({ changed, jti: 'of-an-early-version', status_lists: [] })
    expect(await within(1, async () => !await isActive(early))).toBe(true)
    expect(await recordsOf('of-an-early-version')).toMatchObject([{ actor: me, action: 'revoked', target_kind: 'token', client_id: scene.partner.id, reason: 'old' }])
    const iat = Math.floor(Date.now() / 1000) - 7_200
    const past = await cli('revoke', 'token', compact(header, { ...claims, status, iat, exp: iat + 3_600 }, sign))
    expect(past).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^changed +no$/m) as unknown, stderr: 'signet: the token has expired, and nobody accepts it any more; nothing was changed\n' })
    for (const text of ['garbage', `${subject.slice(0, -40)}${'A'.repeat(40)}`, compact({ ...header, kid: 'unknown' }, claims, sign)]) {
      const refused = await cli('revoke', 'token', text)
      expect(refused).toMatchObject({ exitCode: 3, stdout: '', stderr: expect.stringMatching(/^signet: There is nothing to revoke: this is no access token that the server accepts, for it.*signet token inspect -\n$/) as unknown })
      expect(refused.stderr).not.toContain(text)
    }
    expect(await isActive(subject)).toBe(true)
  })

  it('index: by the uri of the list or its id, and never outside of what there is', async () => {
    const tokens = [await tokenOf(server, scene.partner), await tokenOf(server, scene.partner)]
    const [one = '', other = ''] = tokens
    expect(await cli.record('revoke', 'index', statusOf(one).uri, String(statusOf(one).idx))).toMatchObject({ changed: true, client_id: scene.partner.id, status_lists: [statusOf(one).uri] })
    expect(await cli.record('revoke', 'index', listIdOf(other), String(statusOf(other).idx))).toMatchObject({ changed: true, index: statusOf(other).idx })
    await expectDead(...tokens)
    const outside = [['0'.repeat(22), '1'], ['https://elsewhere.example.com/oauth/v2/status-lists/0123456789012345678901', '1'], ['nothing', '1']]
    for (const parameters of outside) expect(await cli('revoke', 'index', ...parameters)).toMatchObject({ exitCode: 3, stdout: '' })
    for (const index of ['-1', '1048576', '1.5', 'x']) expect(await cli('revoke', 'index', listIdOf(one), '--', index)).toMatchObject({ exitCode: 2, stdout: '' })
  })

  it('secret: the same as secret revoke, and R13 R21 nothing brings it or its tokens back', async () => {
    const partner = await newPartner()
    const [token, spare] = [await tokenOf(server, partner), await server.fixtures.addSecret(partner.id)]
    expect(await cli.record('revoke', 'secret', partner.secretId, '--reason', 'in a public repository')).toMatchObject({ changed: true, state: 'revoked', committed_at: date, status_lists: [statusOf(token).uri] })
    expect(await cli.record('secret', 'revoke', partner.secretId, '--reason', 'again')).toMatchObject({ changed: false, state: 'revoked', committed_at: null })
    await expectDead(token)
    expect(await recordsOf(partner.secretId)).toMatchObject([{ actor: me, action: 'revoked', target_kind: 'secret', client_id: partner.id, reason: 'in a public repository' }])
    for (const parameters of [['client', 'disable'], ['client', 'enable']]) await cli.record(...parameters, partner.id, '--reason', 'to see')
    expect(await cli('secret', 'enable', partner.secretId)).toMatchObject({ exitCode: 3 })
    await server.database.$executeRaw`UPDATE client_secrets SET revoked_at = NULL, disabled_at = NULL WHERE id = ${partner.secretId}`
    expect(await within(2, async () => (await requestToken(server, { ...partner, secret: spare.secret })).status === 200)).toBe(true)
    expect((await requestToken(server, partner)).status).toBe(401)
    await expectDead(token)
    expect(await recordsOf(partner.id)).toMatchObject([{ action: 'enabled', reason: 'to see' }, { action: 'disabled', reason: 'to see' }, { action: 'revoked', target_kind: 'secret' }])
  })

  it('key: the same as client revoke-key', async () => {
    const pair = newPair()
    const { id } = await server.fixtures.signingClient({ organizationId: scene.organization.id, keys: [pair], scopes: ['tournaments:read'] })
    const ask = async (): Promise<unknown> => (await withAssertion(server, assertionBy(pair, assertionClaims(server.issuer, id, Date.now())))).json['access_token']
    expect(await within(2, async () => typeof await ask() === 'string')).toBe(true)
    const token = String(await ask())
    expect(await cli.record('revoke', 'key', id, pair.kid, '--reason', 'laptop stolen')).toMatchObject({ changed: true, kid: pair.kid, state: 'revoked', status_lists: [statusOf(token).uri] })
    expect(await cli.record('client', 'revoke-key', id, pair.kid)).toMatchObject({ changed: false, committed_at: null })
    await expectDead(token)
    expect(await ask()).toBeUndefined()
    expect(await recordsOf(pair.kid)).toMatchObject([{ actor: me, action: 'revoked', target_kind: 'client_key', client_id: id, reason: 'laptop stolen' }])
  })

  it.each(['client', 'organization'] as const)('%s: every token so far, and it goes on getting new ones', async (noun) => {
    const partner = await newPartner()
    const id = noun === 'client' ? partner.id : partner.client.organizationId
    const tokens = [await tokenOf(server, partner), await tokenOf(server, partner)]
    const run = await cli('revoke', noun, id, '--reason', 'just in case', '--json')
    expect(run).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/^signet: every token that the .* had is revoked; .* may go on getting new ones\n$/) as unknown })
    expect(JSON.parse(run.stdout)).toMatchObject({ changed: true, [`${noun}_id`]: id, tokens_revoked_before: date, committed_at: date, status_lists: [statusOf(tokens[0] ?? '').uri] })
    await expectDead(...tokens)
    expect(await within(2, async () => (await requestToken(server, partner)).status === 200)).toBe(true)
    const later = await tokenOf(server, partner)
    expect(await isActive(later)).toBe(true)
    expect(await recordsOf(id)).toMatchObject([{ actor: me, action: 'tokens_revoked', target_kind: noun, reason: 'just in case', details: { tokens_revoked_before: date } }])
    await cli.record('revoke', noun, id)
    await expectDead(later, ...tokens)
    expect(await recordsOf(id)).toHaveLength(2)
  })

  it('asks first on a terminal, says what is lost, and refuses what is not there', async () => {
    for (const parameters of [['client', 'cl_live_nobody'], ['organization', 'nobody'], ['secret', 'nothing'], ['key', scene.partner.id, 'none']]) {
      expect(await cli('revoke', ...parameters)).toMatchObject({ exitCode: 3, stdout: '', stderr: expect.stringMatching(/^signet: .+ See: signet .+\n$/) as unknown })
    }
    for (const reason of ['', 'x'.repeat(201), 'two\nlines']) expect(await cli('revoke', 'client', scene.partner.id, '--reason', reason)).toMatchObject({ exitCode: 2, stdout: '' })
  })
})

describe('the audit record of a command', { timeout: 60_000 }, () => {
  it('has the reason of whatever disables, deletes, or revokes a signing key, and the name that automation gives itself', async () => {
    const partner = await newPartner()
    const robot = await createCli({ DATABASE_URL: server.databaseUrl, MASTER_KEY: masterKey, ISSUER: server.issuer, SIGNET_ACTOR: 'deploy pipeline' })
    await robot.record('client', 'delete', partner.id, '--yes', '--reason', 'contract ended')
    expect(await recordsOf(partner.id)).toMatchObject([{ actor: me.replace(/^operator (.*)$/, 'operator deploy pipeline ($1)'), action: 'deleted', reason: 'contract ended', details: { name: 'A client' } }])
    await cli.record('organization', 'delete', partner.client.organizationId, '--yes', '--reason', 'contract ended too')
    expect(await recordsOf(partner.client.organizationId)).toMatchObject([{ actor: me, action: 'deleted', target_kind: 'organization', reason: 'contract ended too' }])
    const { kid } = await server.database.signingKey.findFirstOrThrow({ where: { environment: 'test', withdrawnAt: null }, orderBy: { activatesAt: 'asc' } })
    expect(await cli.record('key', 'revoke', kid, '--reason', 'disk stolen')).toMatchObject({ changed: true, committed_at: date, status_lists: [] })
    expect(await cli.record('key', 'revoke', kid, '--reason', 'disk stolen')).toMatchObject({ changed: false })
    expect(await recordsOf(kid)).toMatchObject([{ actor: me, action: 'revoked', target_kind: 'signing_key', reason: 'disk stolen' }])
    await robot.remove()
  })

  it('is listed, the latest first, since a time and up to a number, in the columns that a person needs', async () => {
    const all = await cli.json('audit', 'list', '--limit', '1000') as { id: number }[]
    expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).sort((one, other) => other - one))
    expect(await cli.json('audit', 'list', '--limit', '2')).toEqual(all.slice(0, 2))
    expect(await cli.json('audit', 'list', '--since', '1h', '--limit', '1000')).toEqual(all)
    expect(await cli.json('audit', 'list', '--since', '2999-01-01')).toEqual([])
    const table = await cli('audit', 'list')
    expect(table.stdout).toMatch(/^AT +ACTOR +ACTION +TARGET KIND +TARGET ID +REASON\n/)
    for (const wrong of [['--limit', '0'], ['--limit', '10001'], ['--since', 'yesterday']]) expect(await cli('audit', 'list', ...wrong)).toMatchObject({ exitCode: 2, stdout: '' })
  })

  it('is of whoever gives the command, and no name that could not be one', () => {
    const open = (actor: string): string => createSession(server.database, server.prepared, { config: { ...server.config, actor }, clock: Date.now, progress: () => {} }).actor
    expect(open('Jane')).toBe(me.replace('operator ', 'operator Jane (') + ')')
    expect(() => open('Jane\nRoot')).toThrow(/^SIGNET_ACTOR is not a name/)
  })
})
