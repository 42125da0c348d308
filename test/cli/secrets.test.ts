import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOperatorScene, type OperatorScene } from './operator-scene.ts'

let scene: OperatorScene
let organizationId: string
beforeAll(async () => {
  scene = await createOperatorScene()
  organizationId = (await scene.fixtures.organization('First Games')).id
})
afterAll(async () => { await scene.remove() })

const text = (pattern: RegExp): unknown => expect.stringMatching(pattern)

async function newClient (): Promise<{ readonly id: string, readonly secretId: string, readonly secret: string }> {
  const { id, secret, client } = await scene.fixtures.client({ organizationId })
  const [secretId = ''] = client.secrets.keys()
  return { id, secretId, secret }
}

/** Unusable ones cost no time, because nobody asks for their hash. */
async function fill (clientId: string, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await scene.stores.clients.addSecret(clientId, { id: randomBytes(8).toString('hex'), hash: 'x' })
}

describe('secret update', { timeout: 60_000 }, () => {
  it('sets and removes the end of a secret, which show tells', async () => {
    const { record, run, refusals } = scene
    const { id, secretId, secret } = await newClient()
    expect(await record('secret', 'update', secretId, '--expires-at', '2099-01-31')).toEqual({
      changed: true, client_id: id, secret_id: secretId, state: 'usable', kind: 'generated', created_at: text(/Z$/), expires_at: '2099-01-31T00:00:00.000Z', revoked_at: null, disabled_at: null, managed_by: null
    })
    expect(await record('secret', 'update', secretId, '--expires-at', '2099-01-31')).toMatchObject({ changed: false })
    expect(await record('secret', 'update', secret, '--expires-in', '90d')).toMatchObject({ changed: true, expires_at: text(/Z$/) })
    expect(await record('secret', 'update', secretId, '--never-expires')).toMatchObject({ changed: true, expires_at: null })
    expect((await run('secret', 'show', secretId)).stdout).toMatch(/^client_id +cl_live_\w+\nsecret_id +\w+\nstate +usable\n/)
    expect(await refusals(2, ['secret', 'update', secretId], ['secret', 'update', secretId, '--expires-at', '2001-01-01'])).toEqual([text(/Name what to change/), text(/in the past/)])
    expect((await run('secret', 'update', secretId, '--never-expires', '--expires-in', '1d')).exitCode).toBe(2)
  })

  it('makes an expired secret usable again, but never an eleventh one and never a revoked one', async () => {
    const { run, refusals, stores: { clients } } = scene
    const { id, secretId } = await newClient()
    await clients.updateSecret(secretId, { expiresAt: new Date(0) })
    await fill(id, 10)
    expect(await refusals(3, ['secret', 'update', secretId, '--expires-in', '1d'])).toEqual([text(/10 other usable secrets, and 10 is the most\. Revoke one first\./)])
    const [, other = ''] = (await clients.readOne(id))?.secrets.keys() ?? []
    await clients.updateSecret(other, { revokedAt: new Date() })
    const revived = await run('secret', 'update', secretId, '--expires-in', '1d')
    expect(revived).toMatchObject({ exitCode: 0, stdout: text(/^state +usable$/m), stderr: 'signet: the secret is changed\nsignet: it had expired, and is usable again\n' })
    expect((await run('secret', 'update', secretId, '--never-expires')).stderr).toBe('signet: the secret is changed\n')
    expect(await refusals(3, ['secret', 'update', other, '--never-expires'], ['secret', 'enable', other]))
      .toEqual([text(/was revoked, for good\. .+signet secret add cl_live_/), text(/was revoked, for good/)])
  })
})

describe('secret disable and enable', { timeout: 60_000 }, () => {
  it('say whether they changed anything, and enabling makes no eleventh usable secret', async () => {
    const { record, run, refusals } = scene
    const { id, secretId } = await newClient()
    expect(await record('secret', 'disable', secretId)).toMatchObject({ changed: true, client_id: id, secret_id: secretId, state: 'disabled', disabled_at: text(/Z$/) })
    expect((await run('secret', 'list', id)).stdout).toMatch(/ REVOKED +DISABLED\n.+ disabled /)
    expect(await record('secret', 'disable', secretId)).toMatchObject({ changed: false, state: 'disabled' })
    await fill(id, 10)
    expect(await refusals(3, ['secret', 'enable', secretId])).toEqual([text(/10 is the most/)])
    await scene.database.clientSecret.deleteMany({ where: { clientId: id, hash: 'x' } })
    expect(await record('secret', 'enable', secretId)).toMatchObject({ changed: true, state: 'usable', disabled_at: null })
  })
})

describe('secret delete', { timeout: 60_000 }, () => {
  it('leaves no trace when it was agreed to, and says whether the client can get tokens any more', async () => {
    const { record, run, refusals, stores: { clients } } = scene
    const { id, secretId } = await newClient()
    const added = await record('secret', 'create', id)
    expect(added).toMatchObject({ client_id: id, client_secret: text(/^sgs_live_/) })
    await refusals(2, ['secret', 'delete', secretId])
    expect(await run('secret', 'delete', secretId, '--yes')).toMatchObject({ exitCode: 0, stdout: text(/^deleted +yes$/m), stderr: text(/The client keeps 1 other usable secret\./) })
    expect((await run('secret', 'delete', String(added['secret_id']), '--yes')).stderr).toContain('It is the last usable one: the client cannot get tokens any more')
    expect((await clients.readOne(id))?.secrets.size).toBe(0)
  })
})

describe('a secret that is named by its text', { timeout: 60_000 }, () => {
  it('must be whole and genuine: with a wrong character nothing is revoked, and the refusal says how to revoke it by its id', async () => {
    const { record, refusals, stores: { clients } } = scene
    const { id, secretId, secret } = await newClient()
    const wrong = secret.replace(/(.)(_\w{22})$/, (_, last: string, tag: string) => `${last === 'A' ? 'B' : 'A'}${tag}`)
    const other = await newClient()
    const foreign = secret.replace(secretId, other.secretId)
    expect(await refusals(3, ['secret', 'revoke', wrong], ['secret', 'delete', foreign, '--yes'], ['secret', 'show', secret.slice(0, -1)])).toEqual([
      text(new RegExp(`This is not the secret ${secretId} of the client ${id}.+signet secret revoke ${secretId}\\n$`)),
      text(new RegExp(`This is not the secret ${other.secretId} of the client ${other.id}`)),
      text(/There is no such secret; an imported one goes by its id\. See: signet secret list CLIENT/)
    ])
    expect((await clients.readOne(id))?.secrets.get(secretId)?.revokedAt).toBeNull()
    expect((await clients.readOne(other.id))?.secrets.size).toBe(1)
    expect(await record('secret', 'revoke', secret)).toMatchObject({ changed: true, secret_id: secretId })
  })
})
