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
    expect((await run('secret', 'list', id)).stdout).toMatch(/ SAFE TO REMOVE +DISABLED +BECAUSE\n.+ disabled /)
    expect(await record('secret', 'disable', secretId)).toMatchObject({ changed: false, state: 'disabled' })
    await fill(id, 10)
    expect(await refusals(3, ['secret', 'enable', secretId])).toEqual([text(/10 is the most/)])
    await scene.database.clientSecret.deleteMany({ where: { clientId: id, hash: 'x' } })
    expect(await record('secret', 'enable', secretId)).toMatchObject({ changed: true, state: 'usable', disabled_at: null })
  })
})

describe('the use of a secret', { timeout: 60_000 }, () => {
  const used = async (clientId: string, credential: string, interval: string, tokens: number): Promise<void> => {
    const [secretId, kid] = [/^secret:(.*)/.exec(credential)?.[1] ?? null, /^key:(.*)/.exec(credential)?.[1] ?? null]
    await scene.database.$executeRaw`
      INSERT INTO credential_usage (client_id, credential, secret_id, kid, first_used_at, last_used_at, tokens_minted)
      VALUES (${clientId}, ${credential}, ${secretId}, ${kid}, now() - interval '90 days', now() - ${interval}::interval, ${tokens})`
  }

  it('is told by list and show: when it was used, how many tokens it got, whether it is safe to remove, and why', async () => {
    const { record, run } = scene
    const { id, secretId } = await newClient()
    expect(await record('secret', 'show', secretId)).toMatchObject({
      state: 'usable', recorded_since: null, first_used_at: null, last_used_at: null, tokens_minted: 0, safe_to_remove: false, because: 'never used since it was made less than a minute ago'
    })
    const { secretId: newer } = await scene.fixtures.addSecret(id)
    await scene.database.clientSecret.update({ where: { id: secretId }, data: { createdAt: new Date('2020-01-01') } })
    await used(id, `secret:${secretId}`, '45 days', 12)
    expect(await record('secret', 'show', secretId)).toMatchObject({ tokens_minted: 12, safe_to_remove: false, because: 'last used 45 days ago; the client uses no other one, so ask its owner' })
    await used(id, `secret:${newer}`, '3 minutes 5 seconds', 3_000_000_000)
    expect((await run('secret', 'list', id)).stdout).toMatch(new RegExp(`^SECRET ID +STATE +CREATED +EXPIRES +LAST USED +TOKENS MINTED +SAFE TO REMOVE +BECAUSE
${secretId} +usable +.{17} +- +.{17} +12 +yes +last used 45 days ago; the client uses another one
${newer} +usable +.{17} +- +.{17} +3000000000 +no +last used 3 minutes ago
$`))
    await scene.database.clientKey.create({ data: { clientId: id, kid: 'k1', algorithm: 'ES256', jwk: {} } })
    await used(id, 'key:k1', '2 hours 1 second', 4)
    expect((await run('client', 'keys', id)).stdout).toMatch(/^KID +ALGORITHM +STATE +CREATED +EXPIRES +LAST USED +TOKENS MINTED +SAFE TO REMOVE +BECAUSE\nk1 +ES256 +usable .+ 4 +no +last used 2 hours ago\n$/)
  })

  it('is told to whoever disables one that is in use', async () => {
    const { run } = scene
    const { id, secretId } = await newClient()
    await used(id, `secret:${secretId}`, '3 minutes 5 seconds', 1)
    expect((await run('secret', 'disable', secretId)).stderr).toBe('signet: the secret is disabled\nsignet: it was last used 3 minutes ago\n')
    expect((await run('secret', 'disable', secretId)).stderr).toMatch(/^signet: the secret was disabled already; nothing was changed\n$/)
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
