import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/data-folder.ts'
import { createCli } from './cli-process.ts'
import { createOperatorScene, type OperatorScene } from './operator-scene.ts'

/** A scene in which the file `partners` owns one of each. */
let scene: OperatorScene
let organizationId: string
let clientId: string
let secretId: string
const resource = 'https://managed.example.com'
const scope = 'managed:read'

beforeAll(async () => {
  scene = await createOperatorScene()
  const managed = { managedBy: 'partners' }
  organizationId = (await scene.stores.organizations.create({ name: 'Managed Games', ...managed })).id
  const { id: resourceId } = await scene.fixtures.resource(resource, { [scope]: true })
  await scene.stores.resources.update(resourceId, managed)
  await scene.stores.resources.updateScope(scope, managed)
  clientId = (await scene.fixtures.client({ organizationId })).id
  await scene.stores.clients.update(clientId, managed)
  secretId = 'aaaabbbbccccdddd'
  await scene.stores.clients.addSecret(clientId, { id: secretId, hash: 'x', imported: true, ...managed })
})
afterAll(async () => { await scene.remove() })

const text = (pattern: RegExp): unknown => expect.stringMatching(pattern)

async function everything (): Promise<unknown> {
  return [await scene.stores.organizations.readAll(), await scene.stores.resources.readAll(), await scene.stores.clients.readAll()]
}

describe('what a configuration file owns', { timeout: 120_000 }, () => {
  it('is not changed, enabled, deleted or added to behind its back: the refusal names the file and changes nothing', async () => {
    const before = await everything()
    const sentences = await scene.refusals(3,
      ['organization', 'update', organizationId, '--name', 'X'], ['resource', 'update', resource, '--name', 'X'], ['scope', 'update', scope, '--deprecated'],
      ['client', 'update', clientId, '--name', 'X'], ['secret', 'update', secretId, '--expires-in', '1d'],
      ['client', 'enable', clientId], ['organization', 'delete', organizationId, '--yes'], ['resource', 'delete', resource, '--yes'],
      ['scope', 'delete', scope, '--yes'], ['client', 'delete', clientId, '--yes'], ['secret', 'delete', secretId, '--yes'],
      ['scope', 'create', '--resource', resource, '--name', 'new:scope', '--description', 'X'])
    for (const sentence of sentences) expect(sentence).toMatch(/ belongs to the configuration file partners\. Change it in that file, and apply it with: signet apply FILE\.\n$/)
    expect(await everything()).toEqual(before)
  })

  it('is the file\'s from the moment that a file takes it over, even for a command that was given before', async () => {
    const { id } = await scene.fixtures.client({ organizationId, name: 'Taken over' })
    const applying = new pg.Client({ connectionString: scene.url })
    await applying.connect()
    for (const command of [['update', id, '--name', 'X'], ['disable', id, '--yes'], ['enable', id], ['delete', id, '--yes']]) {
      await applying.query(`BEGIN; SELECT pg_advisory_xact_lock(7367600, 1); UPDATE clients SET managed_by = 'partners' WHERE id = '${id}'`)
      const given = scene.run('client', ...command)
      await until(async () => (await applying.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 7367600 AND NOT granted")).rows.length > 0, 'the command waits')
      await applying.query('COMMIT')
      expect(await given, command[0]).toMatchObject({ exitCode: 3, stderr: text(/belongs to the configuration file partners/) })
      await applying.query('UPDATE clients SET managed_by = NULL WHERE id = $1', [id])
    }
    await applying.end()
    expect(await scene.stores.clients.readOne(id)).toMatchObject({ name: 'Taken over', disabledAt: null })
  })

  it('is stopped in an emergency with --override alone, by hand, until enable --override', async () => {
    const { record, refusals } = scene
    const before = await everything()
    const nouns: readonly (readonly [string, string])[] = [['organization', organizationId], ['resource', resource], ['scope', scope], ['client', clientId], ['secret', secretId]]
    const sentences = await refusals(3, ...nouns.map(([noun, id]) => [noun, 'disable', id]), ['secret', 'revoke', secretId])
    for (const sentence of sentences) expect(sentence).toMatch(/ partners\. .+ In an emergency add --override, which stops it at once, whatever the file says\.\n$/)
    expect(await everything()).toEqual(before)
    for (const [noun, id] of nouns) {
      expect(await record(noun, 'disable', id, '--override'), noun).toMatchObject({ changed: true, state: 'disabled', managed_by: 'partners' })
    }
    expect(await refusals(3, ['client', 'enable', clientId])).toEqual([text(/It was disabled by hand: enable it with --override\.\n$/)])
    for (const [noun, id] of nouns) expect((await record(noun, 'enable', id, '--override'))['changed'], noun).toBe(true)
  })

  it('is not enabled by hand when the file disabled it, but taken over by hand, and then enabled', async () => {
    const { record, run, refusals, stores: { clients } } = scene
    const disabledAt = new Date(Date.now() - 60_000)
    await clients.update(clientId, { disabledAt, disabledBy: 'partners' })
    expect(await refusals(3, ['client', 'enable', clientId, '--override'])).toEqual([text(/The configuration file partners disabled it, so --override does not enable it\.\n$/)])
    const taken = await run('client', 'disable', clientId, '--override', '--json')
    expect(JSON.parse(taken.stdout)).toMatchObject({ changed: true, state: 'disabled', disabled_at: disabledAt.toISOString(), disabled_by: null })
    expect(taken.stderr).toBe('signet: the configuration file partners had disabled the client; now it stays disabled whatever that file says\n')
    expect(await record('client', 'enable', clientId, '--override')).toMatchObject({ changed: true, state: 'enabled' })
  })

  it('is marked in lists, and leaves what is made by hand beside it alone', async () => {
    const { record, run, fixtures, refusals, stores: { clients } } = scene
    expect((await run('client', 'list')).stdout).toMatch(/^CLIENT ID +NAME +ORGANIZATION +ENVIRONMENT +STATE +MANAGED BY\n.+ partners$/m)
    const own = await record('client', 'create', '--name', 'By hand', '--organization', 'Managed Games')
    expect(own).toMatchObject({ managed_by: null, organization_id: organizationId })
    expect(await record('client', 'update', String(own['client_id']), '--name', 'Still by hand')).toMatchObject({ changed: true })
    const added = await record('secret', 'add', clientId)
    expect(await record('secret', 'revoke', String(added['secret_id']))).toMatchObject({ changed: true, state: 'revoked', managed_by: null })
    expect(await record('secret', 'revoke', secretId, '--override')).toMatchObject({ changed: true, state: 'revoked', managed_by: 'partners' })

    await fixtures.resource('https://hand.example.com', { 'hand:read': false })
    await clients.update(clientId, { scopes: { add: ['hand:read'], remove: [] } })
    expect(await refusals(3, ['scope', 'delete', 'hand:read', '--yes'], ['resource', 'delete', 'https://hand.example.com', '--yes']))
      .toEqual([text(/, which has hand:read, belongs to the configuration file partners\./), text(/, which has hand:read, belongs to/)])
  })
})

describe('the process itself', { timeout: 60_000 }, () => {
  it('ends with exit code 3 for what a file owns, and with 2 and before any database is opened where nobody can agree', async () => {
    const before = await everything()
    const nowhere = await createCli({ DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/none', DATABASE_WAIT_SECONDS: '0' })
    const runs = await Promise.all([
      scene.process('client', 'update', clientId, '--name', 'X'), scene.process('client', 'delete', clientId, '--yes'), nowhere('client', 'delete', clientId)
    ])
    await nowhere.remove()
    expect(runs).toMatchObject([
      { exitCode: 3, stdout: '', stderr: text(/ belongs to the configuration file partners\./) },
      { exitCode: 3, stdout: '', stderr: text(/ belongs to the configuration file partners\./) },
      { exitCode: 2, stdout: '', stderr: text(/no terminal.+Add --yes/) }
    ])
    expect(await everything()).toEqual(before)
  })
})
