import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOperatorScene, type OperatorScene } from './operator-scene.ts'

let scene: OperatorScene
beforeAll(async () => { scene = await createOperatorScene() })
afterAll(async () => { await scene.remove() })

const text = (pattern: RegExp): unknown => expect.stringMatching(pattern)

describe('an organization', { timeout: 60_000 }, () => {
  it('is renamed, shown with its clients by id and by name, and says when nothing had to change', async () => {
    const { record, run, fixtures, refusals } = scene
    const { id } = await fixtures.organization('Cup Games')
    await fixtures.organization('Taken')
    const client = await fixtures.client({ organizationId: id, name: 'Cup backend' })
    expect(await record('organization', 'update', 'Cup Games', '--name', 'Cups Ltd')).toMatchObject({ changed: true, organization_id: id, name: 'Cups Ltd', managed_by: null })
    expect(await run('organization', 'update', id, '--name', 'Cups Ltd')).toMatchObject({
      exitCode: 0, stdout: text(/^changed +no$/m), stderr: 'signet: the organization was so already; nothing was changed\n'
    })
    expect(await record('organization', 'show', 'Cups Ltd')).toMatchObject({
      organization_id: id, state: 'enabled', clients: [{ client_id: client.id, name: 'Cup backend', environment: 'live', state: 'enabled' }]
    })
    expect(await refusals(3, ['organization', 'update', id, '--name', 'Taken'], ['organization', 'show', 'Cup Games']))
      .toEqual([text(/already an organization named Taken/), text(/There is no organization Cup Games\. See: signet organization list/)])
    expect(await refusals(2, ['organization', 'update', id])).toEqual([text(/Name what to change/)])
  })

  it('is disabled and enabled without a terminal and without --yes, and its earlier tokens stay dead', async () => {
    const { record, run, fixtures } = scene
    const { id } = await fixtures.organization('Stopped Games')
    expect(await record('organization', 'disable', 'Stopped Games')).toMatchObject({ changed: true, organization_id: id, state: 'disabled', disabled_at: text(/Z$/), disabled_by: null })
    expect(await run('organization', 'disable', id)).toMatchObject({ exitCode: 0, stdout: text(/^changed +no$/m), stderr: 'signet: the organization was disabled already; nothing was changed\n' })
    expect(await record('organization', 'enable', id)).toMatchObject({ changed: true, state: 'enabled', disabled_at: null, tokens_revoked_before: text(/Z$/) })
  })

  it('is deleted when it has no clients and it was agreed to, and not otherwise', async () => {
    const { run, fixtures, refusals, stores: { organizations } } = scene
    const full = await fixtures.organization('Full Games')
    const client = await fixtures.client({ organizationId: full.id })
    const empty = await fixtures.organization('Empty Games')
    expect(await refusals(2, ['organization', 'delete', empty.id])).toEqual([text(/no terminal.+Nothing was changed.+--yes/)])
    expect(await refusals(3, ['organization', 'delete', full.id, '--yes'])).toEqual([text(new RegExp(`still has 1 client: ${client.id}\\. .+signet client delete`))])
    expect((await organizations.readAll()).map(({ id }) => id)).toEqual(expect.arrayContaining([full.id, empty.id]))
    expect(await run('organization', 'delete', 'Empty Games', '--yes', '--json')).toMatchObject({
      exitCode: 0, stdout: text(/"deleted": true,\n {2}"organization_id": "org_/), stderr: 'signet: It has no clients.\nsignet: the organization is deleted\n'
    })
    expect(await organizations.readOne(empty.id)).toBeUndefined()
  })
})
