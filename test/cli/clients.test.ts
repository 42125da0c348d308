import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { superuserUrl } from '../support/embedded.ts'
import { createOperatorScene, type OperatorScene } from './operator-scene.ts'
import { whileWritesWait } from './waiting-writes.ts'

let scene: OperatorScene
let organizationId: string
beforeAll(async () => {
  scene = await createOperatorScene()
  organizationId = (await scene.fixtures.organization('First Games')).id
  await scene.fixtures.resource('https://api.example.com', { 'cups:read': true, 'cups:write': false, 'cups:old': false })
  await scene.stores.resources.updateScope('cups:old', { isDeprecated: true })
})
afterAll(async () => { await scene.remove() })

const text = (pattern: RegExp): unknown => expect.stringMatching(pattern)

describe('client update', { timeout: 60_000 }, () => {
  it('adds, removes and replaces scopes, and notes deprecated ones and tokens that keep what was removed', async () => {
    const { record, run, fixtures, refusals } = scene
    const { id } = await fixtures.client({ organizationId })
    expect(await run('client', 'update', id, '--add-scope', 'cups:write cups:old', '--json')).toMatchObject({
      exitCode: 0, stdout: text(/"changed": true/), stderr: text(/^signet: the client is changed\nsignet: the scope cups:old is deprecated: .+\n$/)
    })
    const removed = await run('client', 'update', id, '--remove-scope', 'cups:read', '--json')
    expect(JSON.parse(removed.stdout)).toMatchObject({ scope: text(/^cups:\w+ cups:\w+$/) })
    expect(removed.stderr).toContain('tokens that were issued already keep cups:read until they expire')
    expect(await record('client', 'update', id, '--scope', 'cups:read cups:write')).toMatchObject({ changed: true, scope: text(/cups:read/) })
    expect(await record('client', 'update', id, '--scope', 'cups:write cups:read')).toMatchObject({ changed: false })
    expect(await refusals(3, ['client', 'update', id, '--name', 'Half done', '--add-scope', 'nothing:here'])).toEqual([text(/There is no scope nothing:here\./)])
    expect(await refusals(2, ['client', 'update', id, '--add-scope', 'cups:old', '--remove-scope', 'cups:old'], ['client', 'update', id])).toHaveLength(2)
    expect((await run('client', 'update', id, '--scope', 'cups:old', '--add-scope', 'cups:read')).exitCode).toBe(2)
    expect(await record('client', 'show', id)).toMatchObject({ name: 'A client', scope: text(/^cups:(?:read cups:write|write cups:read)$/) })
  })

  it('changes several things at once, and leaves alone what was not named', async () => {
    const { record, fixtures, refusals } = scene
    const { id } = await fixtures.client({ organizationId })
    expect(await record('client', 'update', id, '--name', 'Renamed', '--access-token-ttl', '15m', '--grant', 'none', '--resource-server', 'https://api.example.com')).toMatchObject({
      changed: true, name: 'Renamed', access_token_ttl_seconds: 900, grant_types: [], resource_server: 'https://api.example.com', scope: 'cups:read', organization_id: organizationId, tokens_revoked_before: null
    })
    expect(await record('client', 'update', id, '--access-token-ttl', 'default', '--grant', 'client_credentials')).toMatchObject({
      access_token_ttl_seconds: null, grant_types: ['client_credentials'], name: 'Renamed'
    })
    expect(await record('client', 'create', '--name', 'Quick', '--access-token-ttl', '60s')).toMatchObject({ access_token_ttl_seconds: 60 })
    expect(await refusals(3, ['client', 'update', 'cl_live_nobody', '--name', 'X'])).toEqual([text(/There is no client cl_live_nobody/)])
  })

  it('says whether tokens are bound to a key, and changes that', async () => {
    const { record, run } = scene
    const { client_id: id, dpop } = await record('client', 'create', '--name', 'Careful', '--dpop', 'required')
    expect(dpop).toBe('required')
    expect(await record('client', 'update', String(id), '--dpop', 'off')).toMatchObject({ changed: true, dpop: 'off' })
    expect((await run('client', 'update', String(id), '--dpop', 'required')).stderr).toContain('it gets no tokens without a DPoP proof any more')
    expect(await run('client', 'update', String(id), '--dpop', 'always')).toMatchObject({ exitCode: 2, stderr: text(/Allowed choices are off, allowed, required/) })
    const hexadecimal = Array(32).fill('0A').join(':')
    expect(await record('client', 'update', String(id), '--certificate-bound-tokens', 'on', '--certificate-subject', 'san_dns:a.example', '--certificate-thumbprint', hexadecimal)).toMatchObject({
      changed: true, certificate_bound_tokens: true, certificate_subject: 'san_dns:a.example', certificate_thumbprints: [Buffer.alloc(32, 10).toString('base64url')]
    })
    expect(await record('client', 'update', String(id), '--certificate-subject', 'none', '--certificate-thumbprint', 'none')).toMatchObject({ certificate_subject: null, certificate_thumbprints: [] })
    expect(await run('client', 'update', String(id), '--certificate-subject', 'a.example')).toMatchObject({ exitCode: 2, stderr: text(/san_dns:backend\.example\.com/) })
  })

  it('says which resources a client may exchange tokens for, and changes that', async () => {
    const { record, run, fixtures, database } = scene
    const [one, two] = [await fixtures.resource('https://one.exchange.example', {}), await fixtures.resource('https://two.exchange.example', {})]
    const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
    const created = await record('client', 'create', '--name', 'Gateway', '--resource-server', one.id, '--grant', grant, '--exchange-resource', two.identifier, '--exchange-resource', one.id)
    expect(created).toMatchObject({ grant_types: [grant], exchange_resources: [one.identifier, two.identifier] })
    const update = (...options: string[]): Promise<Record<string, unknown>> => record('client', 'update', String(created['client_id']), ...options)
    expect((await run('client', 'update', String(created['client_id']), '--remove-exchange-resource', two.id)).stderr).toContain('tokens that it exchanged already live on until they expire')
    expect(await update('--add-exchange-resource', one.id)).toMatchObject({ changed: false, exchange_resources: [one.identifier] })
    expect(await update('--exchange-resource', two.id)).toMatchObject({ changed: true, exchange_resources: [two.identifier] })
    expect(await update('--exchange-resource', 'none')).toMatchObject({ changed: true, exchange_resources: [] })
    expect(await update('--add-exchange-resource', one.id, '--add-exchange-resource', two.id)).toMatchObject({ changed: true, exchange_resources: [one.identifier, two.identifier] })
    expect(await run('client', 'update', String(created['client_id']), '--add-exchange-resource', one.id, '--remove-exchange-resource', one.identifier)).toMatchObject({ exitCode: 2, stderr: text(/both name https:\/\/one/) })
    expect(await run('client', 'create', '--name', 'Gateway', '--exchange-resource', 'https://nobody.example')).toMatchObject({ exitCode: 3, stderr: text(/There is no resource https:\/\/nobody/) })
    expect(await run('client', 'create', '--name', 'Gateway', '--type', 'jwt', '--grant', grant)).toMatchObject({ exitCode: 3, stderr: text(/Only a service client can have the grant/) })
    expect((await run('resource', 'delete', two.id, '--yes')).stderr).toContain(`1 client may exchange tokens for it: ${String(created['client_id'])}.`)
    expect((await database.client.findUniqueOrThrow({ where: { id: String(created['client_id']) } })).exchangeResources).toEqual([one.id])
  })

  it('a client that authenticates with certificates alone has no secret, and what it lacks is said', async () => {
    const { run } = scene
    const created = await run('client', 'create', '--name', 'Bank', '--authentication-method', 'tls_client_auth', '--authentication-method', 'self_signed_tls_client_auth', '--json')
    expect(created.stderr).toMatch(/--certificate-subject[^]*--certificate-thumbprint/)
    expect(created.stdout).not.toContain('client_secret"')
    const { client_id: id } = JSON.parse(created.stdout) as { client_id: string } // as create prints it
    expect((await run('client', 'update', id, '--certificate-subject', 'san_dns:bank.example')).stderr).not.toContain('--certificate-subject')
  })

  it('a client is of the type service unless it was created as a JWT client, and stays so', async () => {
    const { record, run, database } = scene
    const created = await record('client', 'create', '--name', 'Login', '--type', 'jwt', '--scope', 'cups:read')
    expect(created).toMatchObject({ type: 'jwt', environment: 'live' })
    const { client_id: id } = created
    await record('secret', 'add', String(id))
    expect(await record('client', 'show', String(id))).toMatchObject({ type: 'jwt' })
    expect(await database.clientSecret.count({ where: { clientId: String(id), sealedSecret: { startsWith: 'v1.' } } })).toBe(2)
    expect(await record('client', 'create', '--name', 'Backend')).toMatchObject({ type: 'service' })
    expect((await run('client', 'create', '--name', 'X', '--type', 'player')).exitCode).toBe(2)
    expect((await run('client', 'update', String(id), '--type', 'service')).exitCode).toBe(2)
  })

  it('moves a client to another organization, which ends its tokens, when it was agreed to', async () => {
    const { record, fixtures, refusals, stores: { clients } } = scene
    const { id } = await fixtures.client({ organizationId })
    const other = await fixtures.organization('Other Games')
    expect(await refusals(2, ['client', 'update', id, '--organization', 'Other Games'])).toEqual([text(/no terminal.+--yes/)])
    expect((await clients.readOne(id))?.organizationId).toBe(organizationId)
    expect(await record('client', 'update', id, '--organization', 'Other Games', '--yes')).toMatchObject({ changed: true, organization_id: other.id, tokens_revoked_before: text(/Z$/) })
    expect(await record('client', 'update', id, '--organization', other.id), 'no question when nothing moves').toMatchObject({ changed: false })
  })
})

describe('client delete', { timeout: 60_000 }, () => {
  it('takes its secrets along when it was agreed to, and not otherwise', async () => {
    const { run, fixtures, refusals, stores: { clients } } = scene
    const { id } = await fixtures.client({ organizationId })
    await fixtures.addSecret(id, new Date(0))
    await refusals(2, ['client', 'delete', id])
    expect(await clients.readOne(id)).toBeDefined()
    expect(await run('client', 'delete', id, '--yes')).toMatchObject({ exitCode: 0, stdout: text(new RegExp(`^deleted +yes\nclient_id +${id}$`, 'm')), stderr: text(/It has 2 secrets; usable: 1\./) })
    expect(await clients.readOne(id)).toBeUndefined()
    expect(await refusals(3, ['client', 'delete', id, '--yes'])).toEqual([text(/There is no client/)])
  })
})

describe('what is removed while a command is at work', { timeout: 60_000 }, () => {
  it('is told in one sentence with exit code 3', async () => {
    const { run, fixtures, url } = scene
    const { id } = await fixtures.client({ organizationId })
    const late = await whileWritesWait(url, async (waiting) => {
      const given = [run('client', 'update', id, '--name', 'Late'), run('secret', 'add', id)]
      await waiting(given.length)
      await deleteWithoutTriggers(url, id)
      return given.map((each) => ({ each })) // to be awaited when nothing waits any more
    })
    const [update, addition] = await Promise.all(late.map(async ({ each }) => await each))
    expect(update).toMatchObject({ exitCode: 3, stdout: '', stderr: `signet: There is no client ${id}. See: signet client list\n` })
    expect(addition).toMatchObject({ exitCode: 3, stdout: '', stderr: text(/^signet: Something that this command names was removed by somebody else meanwhile\. Nothing was changed: .+\n$/) })
  })
})

/** Triggers would wait for the very lock that the command waits for. */
async function deleteWithoutTriggers (url: string, id: string): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl(url) })
  await client.connect()
  await client.query('SET session_replication_role = replica')
  for (const [table, column] of [['client_secrets', 'client_id'], ['client_scopes', 'client_id'], ['clients', 'id']]) {
    await client.query(`DELETE FROM ${table} WHERE ${column} = $1`, [id])
  }
  await client.end()
}
