import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOperatorScene, type OperatorScene } from './operator-scene.ts'

let scene: OperatorScene
beforeAll(async () => { scene = await createOperatorScene() })
afterAll(async () => { await scene.remove() })

const text = (pattern: RegExp): unknown => expect.stringMatching(pattern)
const cups = 'https://cups.example.com'

describe('a resource', { timeout: 60_000 }, () => {
  it('is created with a lifetime, renamed, and gets the default lifetime back; its identifier stays', async () => {
    const { record, run, refusals } = scene
    expect(await record('resource', 'create', '--identifier', cups, '--name', 'Cup API', '--access-token-ttl', '1h')).toMatchObject({ access_token_ttl_seconds: 3_600, managed_by: null })
    expect(await run('resource', 'update', cups, '--name', 'Cups', '--access-token-ttl', '30d')).toMatchObject({
      exitCode: 0, stdout: text(/^name +Cups$[^]+^access_token_ttl_seconds +2592000$/m), stderr: text(/tokens that were issued already keep their lifetime/)
    })
    expect(await record('resource', 'update', cups, '--access-token-ttl', 'default')).toMatchObject({ changed: true, access_token_ttl_seconds: null })
    expect(await record('resource', 'update', cups, '--access-token-ttl', 'default')).toMatchObject({ changed: false })
    expect(await record('resource', 'update', cups, '--allows-mixing', 'yes')).toMatchObject({ changed: true, allows_mixing: true })
    expect(await run('resource', 'update', cups, '--allows-mixing', 'no')).toMatchObject({ exitCode: 0, stdout: text(/^allows_mixing +no$/m), stderr: text(/for it and for others live on/) })
    expect((await run('resource', 'update', cups, '--allows-mixing', 'true')).exitCode).toBe(2)
    expect(await run('resource', 'update', cups, '--signing-algorithm', 'ES256')).toMatchObject({ exitCode: 0, stdout: text(/^signing_algorithm +ES256$/m), stderr: text(/must accept the new one/) })
    expect(await record('resource', 'update', cups, '--signing-algorithm', 'default')).toMatchObject({ changed: true, signing_algorithm: null })
    expect((await run('resource', 'update', cups, '--signing-algorithm', 'HS256')).exitCode).toBe(2)
    for (const ttl of ['59s', '31d', 'never', '']) expect((await run('resource', 'update', cups, '--access-token-ttl', ttl)).exitCode, ttl).toBe(2)
    expect(await refusals(2, ['resource', 'update', cups])).toEqual([text(/Name what to change/)])
  })

  it('is disabled and enabled, which show and list tell', async () => {
    const { record, run } = scene
    expect(await record('resource', 'disable', cups)).toMatchObject({ changed: true, state: 'disabled' })
    expect((await run('resource', 'list')).stdout).toMatch(/^RESOURCE ID +IDENTIFIER +NAME +SCOPES +STATE\n.+disabled$/m)
    expect(await record('resource', 'enable', cups)).toMatchObject({ changed: true, state: 'enabled' })
    expect(await record('resource', 'show', cups)).toMatchObject({ identifier: cups, state: 'enabled', resource_clients: [] })
  })

  it('is not deleted while a client stands for it; then it goes with its scopes, and says who loses them', async () => {
    const { record, run, fixtures, refusals, stores: { resources, clients } } = scene
    const { id: organizationId } = await fixtures.organization()
    const { id } = await fixtures.resource('https://gone.example.com', { 'gone:read': true, 'gone:write': false })
    const api = await fixtures.client({ organizationId, resourceId: id })
    const reader = await fixtures.client({ organizationId, scopes: ['gone:read'] })
    const writer = await fixtures.client({ organizationId, scopes: ['gone:read', 'gone:write'] })
    expect(await record('resource', 'show', id)).toMatchObject({ scopes: ['gone:read', 'gone:write'], resource_clients: [{ client_id: api.id }] })
    expect(await refusals(3, ['resource', 'delete', id, '--yes'])).toEqual([text(new RegExp(`1 client that stands for it: ${api.id}\\. .+--resource-server none`))])
    expect(await record('client', 'update', api.id, '--resource-server', 'none')).toMatchObject({ changed: true, resource_server: null })
    const { exitCode, stderr } = await run('resource', 'delete', id, '--yes')
    expect(exitCode).toBe(0)
    expect(stderr).toContain(`It has 2 scopes: gone:read, gone:write. 2 clients lose them: ${reader.id} (gone:read), ${writer.id} (gone:read, gone:write).`)
    expect(await resources.readOne(id)).toBeUndefined()
    expect((await clients.readOne(writer.id))?.scopes.size).toBe(0)
  })
})

describe('a scope', { timeout: 60_000 }, () => {
  it('is changed by what is named only', async () => {
    const { record, run, fixtures } = scene
    await fixtures.resource('https://scopes.example.com', { 'scopes:a': false })
    expect(await record('scope', 'update', 'scopes:a', '--default')).toMatchObject({ changed: true, default: true, deprecated: false, description: 'May scopes:a' })
    expect(await record('scope', 'update', 'scopes:a', '--deprecated', '--description', 'Old')).toMatchObject({ changed: true, default: true, deprecated: true, description: 'Old' })
    expect((await run('scope', 'list')).stdout).toMatch(/^NAME +RESOURCE +DEFAULT +DESCRIPTION +DEPRECATED$/m)
    expect(await record('scope', 'update', 'scopes:a', '--no-default', '--no-deprecated')).toMatchObject({ changed: true, default: false, deprecated: false, description: 'Old' })
    expect(await record('scope', 'update', 'scopes:a', '--no-default')).toMatchObject({ changed: false })
  })

  it('is disabled, enabled, shown with the clients that have it, and deleted with what they lose', async () => {
    const { record, run, fixtures, refusals, stores: { resources } } = scene
    const { id: organizationId } = await fixtures.organization()
    const client = await fixtures.client({ organizationId, scopes: ['scopes:a'] })
    expect(await record('scope', 'disable', 'scopes:a')).toMatchObject({ changed: true, state: 'disabled' })
    expect(await record('scope', 'enable', 'scopes:a')).toMatchObject({ changed: true, state: 'enabled' })
    expect(await record('scope', 'show', 'scopes:a')).toMatchObject({ name: 'scopes:a', resource: 'https://scopes.example.com', clients: [{ client_id: client.id }] })
    await refusals(2, ['scope', 'delete', 'scopes:a'])
    expect((await run('scope', 'delete', 'scopes:a', '--yes')).stderr).toContain(`1 client loses it: ${client.id}.`)
    expect((await resources.readAll()).flatMap(({ scopes }) => scopes.map(({ name }) => name))).not.toContain('scopes:a')
    expect(await refusals(3, ['scope', 'show', 'scopes:a'])).toEqual([text(/There is no scope scopes:a\. See: signet scope list/)])
  })
})
