import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { createCli, type Cli } from './cli-process.ts'
import { expectBothForms, expectNothingStored, expectTable, secretIn, sql, text } from './printed.ts'

const masterKey = 'c1'.repeat(32)
const time = text(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const identifier = 'https://api.example.com'

let database: TestDatabase
let cli: Cli
const secrets: string[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  cli = await createCli({ DATABASE_URL: database.url, MASTER_KEY: masterKey })
})
afterAll(async () => {
  await cli.remove()
  await database.drop()
})

describe('organization, resource and scope', { timeout: 60_000 }, () => {
  it('create answers with what was made', async () => {
    const [organization, resource] = await Promise.all([
      cli.record('organization', 'create', '--name', 'Sample Games'),
      cli.record('resource', 'create', '--identifier', identifier, '--name', 'Sample API')
    ])
    expect(organization).toEqual({
      organization_id: text(/^org_[0-9a-z]{20}$/), name: 'Sample Games', state: 'enabled', created_at: time, disabled_at: null, disabled_by: null, tokens_revoked_before: null, managed_by: null
    })
    expect(resource).toEqual({
      resource_id: text(/^res_[0-9a-z]{20}$/),
      identifier,
      name: 'Sample API',
      state: 'enabled',
      scopes: [],
      access_token_ttl_seconds: null,
      allows_mixing: false,
      signing_algorithm: null,
      created_at: time,
      disabled_at: null,
      disabled_by: null,
      managed_by: null
    })
    const [byIdentifier, byId, table] = await Promise.all([
      cli.record('scope', 'create', '--name', 'tournaments:read', '--resource', identifier, '--description', 'Read tournaments', '--default'),
      cli('scope', 'create', '--name', 'tournaments:write', '--resource', String(resource['resource_id']), '--description', 'Write tournaments'),
      cli('resource', 'create', '--identifier', 'urn:example:billing', '--name', 'Billing')
    ])
    expect(byIdentifier).toEqual({
      name: 'tournaments:read',
      resource_id: resource['resource_id'],
      resource: identifier,
      description: 'Read tournaments',
      default: true,
      deprecated: false,
      state: 'enabled',
      disabled_at: null,
      disabled_by: null,
      managed_by: null
    })
    expectTable(byId, /^name {9}tournaments:write$/m, /^default {6}no$/m, /^deprecated {3}no$/m)
    expectTable(table, /^identifier +urn:example:billing$/m)
  })

  it('list shows each as a table and as JSON', async () => {
    const [organizations, resources, scopes, organizationsJson, resourcesJson, scopesJson] = await Promise.all([
      cli('organization', 'list'), cli('resource', 'list'), cli('scope', 'list', '--resource', identifier),
      cli.json('organization', 'list'), cli.json('resource', 'list'), cli.json('scope', 'list')
    ])
    expectTable(organizations, /^ORGANIZATION ID {11}NAME {10}STATE {4}CREATED\n/, /^org_[0-9a-z]{20} {2}Sample Games {2}enabled {2}\d{4}-\d\d-\d\d \d\d:\d\dZ$/m)
    expectTable(resources, /^RESOURCE ID +IDENTIFIER +NAME +SCOPES\n/, /^res_[0-9a-z]{20} {2}https:\/\/api\.example\.com {2}Sample API {2}tournaments:read tournaments:write$/m)
    expectTable(scopes, /^NAME +RESOURCE +DEFAULT +DESCRIPTION\n/, /^tournaments:read +https:\/\/api\.example\.com +yes +Read tournaments$/m)
    expect(organizationsJson).toMatchObject([{ name: 'Sample Games' }])
    expect(resourcesJson).toMatchObject([{ identifier, scopes: ['tournaments:read', 'tournaments:write'] }, { name: 'Billing', scopes: [] }])
    expect(scopesJson).toMatchObject([{ name: 'tournaments:read', default: true }, { name: 'tournaments:write', default: false }])
  })

  it('create refuses what exists already with exit code 3', async () => {
    const runs = await Promise.all([
      cli('organization', 'create', '--name', 'Sample Games'),
      cli('resource', 'create', '--identifier', identifier, '--name', 'Another'),
      cli('scope', 'create', '--name', 'tournaments:read', '--resource', identifier, '--description', 'Another')
    ])
    expect(runs).toMatchObject([/named Sample Games/, /identifier https:/, /named tournaments:read/].map((sentence) => ({ exitCode: 3, stdout: '', stderr: text(sentence) })))
  })
})

describe('client and secret', { timeout: 60_000 }, () => {
  let clientId = ''
  let firstSecretId = ''

  it('create makes a client of the only organization with the default scopes, and prints its secret on standard output alone', async () => {
    const run = await cli('client', 'create', '--name', 'Partner backend', '--json')
    const created = JSON.parse(run.stdout) as Record<string, unknown> // checked here
    expect(created).toEqual({
      client_id: text(/^cl_live_[0-9a-z]{20}$/),
      client_secret: text(/^sgs_live_[0-9a-z]{16}_[0-9A-Za-z]{43}_[0-9A-Za-z]{22}$/),
      secret_id: text(/^[0-9a-z]{16}$/),
      name: 'Partner backend',
      organization_id: text(/^org_/),
      organization: 'Sample Games',
      environment: 'live',
      type: 'service',
      state: 'enabled',
      scope: 'tournaments:read',
      grant_types: ['client_credentials'],
      authentication_methods: ['client_secret_basic', 'client_secret_post'],
      jwks_uri: null,
      accepts_endpoint_audience_until: null,
      resource_server: null,
      exchange_resources: [],
      created_at: time,
      disabled_at: null,
      disabled_by: null,
      tokens_revoked_before: null,
      access_token_ttl_seconds: null,
      dpop: 'allowed',
      certificate_bound_tokens: false,
      certificate_subject: null,
      certificate_thumbprints: [],
      managed_by: null
    })
    expect(run).toMatchObject({ exitCode: 0, stderr: 'signet: the secret is shown this once: store it now\n' })
    clientId = String(created['client_id'])
    firstSecretId = String(created['secret_id'])
    secrets.push(String(created['client_secret']))
    await sql(database.url, "UPDATE client_secrets SET verifier = 'dmVyaWZpZXI-'") // as after its first use
  })

  it('create makes test clients, clients that stand for a resource, and clients with named scopes and grants', async () => {
    const [test, api] = await Promise.all([
      cli('client', 'create', '--name', 'Staging', '--organization', 'Sample Games', '--environment', 'test', '--scope', 'tournaments:write tournaments:read', '--grant', 'client_credentials'),
      cli.record('client', 'create', '--name', 'The API', '--resource-server', identifier)
    ])
    expectTable(test, /^client_id +cl_test_[0-9a-z]{20}$/m, /^client_secret +sgs_test_\w+$/m, /^scope +tournaments:(?:write tournaments:read|read tournaments:write)$/m)
    expect(api).toMatchObject({ resource_server: identifier, scope: '', grant_types: [], client_secret: text(/^sgs_live_/) })
    secrets.push(secretIn(test), String(api['client_secret']))
  })

  it('list and show tell everything but the secrets', async () => {
    const [table, list, shown, showing] = await Promise.all([
      cli('client', 'list'), cli.json('client', 'list', '--organization', 'Sample Games'), cli.record('client', 'show', clientId), cli('client', 'show', clientId)
    ])
    expectTable(table, /^CLIENT ID +NAME +ORGANIZATION +ENVIRONMENT +STATE\n/, /^cl_live_[0-9a-z]{20} +Partner backend +Sample Games +live +enabled$/m)
    expect(list).toHaveLength(3)
    expect(shown).toMatchObject({ client_id: clientId, secrets: [{ secret_id: firstSecretId, state: 'usable', kind: 'generated', created_at: time, expires_at: null, revoked_at: null }] })
    expect(shown).not.toHaveProperty('client_secret')
    expectTable(showing, /^name +Partner backend$/m, /^SECRET ID +STATE +KIND +CREATED$/m)
  })

  it('add makes secrets that end after a time or at a time, and list shows their states', async () => {
    const [days, date] = await Promise.all([cli.record('secret', 'add', clientId, '--expires-in', '30d'), cli('secret', 'add', clientId, '--expires-at', '2099-01-31')])
    expect(days).toEqual({ client_id: clientId, client_secret: text(/^sgs_live_/), secret_id: text(/^[0-9a-z]{16}$/), expires_at: time })
    const lifetimeDays = (new Date(String(days['expires_at'])).getTime() - Date.now()) / 86_400_000
    expect(lifetimeDays).toBeGreaterThan(29.9)
    expect(lifetimeDays).toBeLessThanOrEqual(30)
    expectTable(date, /^expires_at +2099-01-31 00:00:00Z$/m)
    secrets.push(String(days['client_secret']), secretIn(date))

    await sql(database.url, `UPDATE client_secrets SET expires_at = now() - interval '1 minute' WHERE id = '${String(days['secret_id'])}'`)
    const [table, list] = await Promise.all([cli('secret', 'list', clientId), cli.json('secret', 'list', clientId)])
    expectTable(table, /^SECRET ID +STATE +CREATED +EXPIRES +LAST USED +TOKENS MINTED +SAFE TO REMOVE +BECAUSE\n/, / {2}usable +\S+ \S+ +2099-01-31 00:00Z +- +0 +no +never used since it was made less than a minute ago$/m)
    expect(list).toHaveLength(3)
    expect(list).toContainEqual({ client_id: clientId, secret_id: days['secret_id'], state: 'expired', kind: 'generated', created_at: time, expires_at: time, revoked_at: null, disabled_at: null, managed_by: null, recorded_since: null, first_used_at: null, last_used_at: null, tokens_minted: 0, safe_to_remove: false, because: text(/^expired 1 minute ago: tokens that were got with it may live until /) })
  })

  it('add refuses an eleventh usable secret with exit code 3', async () => {
    await sql(database.url, `INSERT INTO client_secrets (id, client_id, hash) SELECT 'filler' || n, '${clientId}', 'x' FROM generate_series(1, 8) AS n`)
    expect(await cli('secret', 'add', clientId)).toMatchObject({ exitCode: 3, stdout: '', stderr: text(/10 is the most\. Revoke one first\.$/m) })
    await sql(database.url, "DELETE FROM client_secrets WHERE id LIKE 'filler%'")
  })

  it('revoke takes effect once, however often it is asked for, and takes the leaked secret itself too', async () => {
    expect(await cli.record('secret', 'revoke', firstSecretId)).toEqual({
      changed: true,
      committed_at: expect.stringMatching(/^\d{4}-/) as unknown,
      status_lists: [],
      client_id: clientId,
      secret_id: firstSecretId,
      state: 'revoked',
      kind: 'generated',
      created_at: time,
      expires_at: null,
      revoked_at: time,
      disabled_at: null,
      managed_by: null
    })
    const again = await cli('secret', 'revoke', secrets[0] ?? '')
    expectTable(again, /^changed +no$/m, /^state +revoked$/m)
    expect(again.stderr).toBe('signet: the secret was revoked already; nothing was changed\n')
  })

  it('disable and enable say each time whether that changed anything', async () => {
    expect(await cli.record('client', 'disable', clientId)).toMatchObject({ changed: true, client_id: clientId, state: 'disabled', disabled_at: time })
    expect(await cli('client', 'disable', clientId)).toMatchObject({ exitCode: 0, stdout: text(/^changed +no$/m), stderr: 'signet: the client was disabled already; nothing was changed\n' })
    const enabled = await cli('client', 'enable', clientId)
    expectTable(enabled, /^changed +yes$/m, /^state +enabled$/m, /^tokens_revoked_before +\d{4}/m)
    expect(enabled.stderr).toBe('signet: the client is enabled; its earlier tokens stay revoked\n')
    expect(await cli.record('client', 'enable', clientId)).toMatchObject({ changed: false, state: 'enabled' })
  })

  it('R13: a revoked secret stays revoked after its client was disabled and enabled, and after plain SQL', async () => {
    const [before] = await sql(database.url, `SELECT revoked_at FROM client_secrets WHERE id = '${firstSecretId}'`)
    await sql(database.url, `UPDATE client_secrets SET revoked_at = NULL WHERE id = '${firstSecretId}'`)
    const after = await cli.json('secret', 'list', clientId)
    expect(before?.['revoked_at']).toBeInstanceOf(Date)
    expect(after).toContainEqual(expect.objectContaining({ secret_id: firstSecretId, state: 'revoked', revoked_at: (before?.['revoked_at'] as Date).toISOString() })) // just checked
  })

  it('create asks which organization when there are several', async () => {
    expectTable(await cli('organization', 'create', '--name', 'Second Games'), /^name +Second Games$/m)
    expect(await cli('client', 'create', '--name', 'Whose?'))
      .toMatchObject({ exitCode: 2, stdout: '', stderr: 'signet: There are 2 organizations: name one with --organization.\n' })
  })
})

describe('everything that the commands above printed', () => {
  const commands = [
    'organization create', 'organization list', 'resource create', 'resource list', 'scope create', 'scope list',
    'client create', 'client list', 'client show', 'client disable', 'client enable', 'secret add', 'secret list', 'secret revoke'
  ]

  it('covers each command as text and as JSON', () => { expectBothForms(cli, commands) })

  it('R12: holds no hash, verifier, envelope or private key', async () => { expect(await expectNothingStored(cli, database.url)).toBeGreaterThanOrEqual(10) })

  it('holds each secret once, on standard output', () => {
    expect(secrets).toHaveLength(5)
    const printed = cli.transcript().map(({ stdout }) => stdout).join('')
    for (const secret of secrets) expect(printed.split(secret)).toHaveLength(2)
    for (const { stderr } of cli.transcript()) expect(stderr).not.toMatch(/sgs_/)
  })
})
