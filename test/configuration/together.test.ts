import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { exportConfiguration } from '../../src/configuration/export.ts'
import { sample } from './examples.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => { world = await createWorld() })
afterEach(async () => { await world.clear() })
afterAll(async () => { await world.drop() })

describe('files that are applied at the same moment', { timeout: 60_000 }, () => {
  const file = (name: string, organization: string): string => `{ name: ${name}, organizations: { ${organization}: { name: ${organization} } } }`

  it('are applied one after the other: several of one text make everything once', async () => {
    const plans = await Promise.all(Array.from({ length: 3 }, () => world.apply(sample)))
    expect(plans.map(({ changes }) => changes.length).sort()).toEqual([0, 0, 7])
    expect((await world.state()).clients.map(({ id, secrets }) => [id, secrets.size]).sort()).toEqual([['cl_live_samplebackend', 1], ['cl_test_api', 0]])
  })

  it('do not hinder each other, and one of two that want the same is refused', async () => {
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(['one', 'two'].map((name) => world.apply(file(name, `org_${name}${round}`))))
      const refused = await Promise.all(['one', 'two'].map((name) => world.refusals(file(name, `org_both${round}`))))
      expect(refused.map((mistakes) => mistakes.length).sort()).toEqual([0, 1])
    }
    expect((await world.state()).organizations).toHaveLength(15)
  })
})

describe('an export', { timeout: 60_000 }, () => {
  async function makeByHand (): Promise<void> {
    const organization = await world.fixtures.organization('Hand: "quoted" #1')
    const resource = await world.fixtures.resource('https://api.example.com', { 'a:read': true, null: false, 404: false, __proto__x: false })
    await world.fixtures.client({ organizationId: organization.id, scopes: ['a:read', '404'], accessTokenTtlSeconds: 60 })
    const { id } = await world.fixtures.client({ organizationId: organization.id, environment: 'test', resourceId: resource.id, name: 'yes' })
    await world.fixtures.client({ organizationId: organization.id, type: 'jwt', name: 'Login' })
    await world.database.client.update({ where: { id }, data: { disabledAt: new Date() } })
    await world.database.scope.update({ where: { name: 'null' }, data: { isDeprecated: true, disabledAt: new Date() } })
    await world.database.resource.update({ where: { id: resource.id }, data: { accessTokenTtlSeconds: 3600 } })
  }

  const whole = { name: 'signet', organizationId: undefined } as const

  it('applied to the same database changes nothing but whose everything is, and to an empty one gives the same', async () => {
    await makeByHand()
    const before = await world.state()
    const { text } = exportConfiguration(before, whole)
    const { changes, warnings } = await world.apply(text)
    expect(changes.flatMap(({ details }) => details)).toEqual(changes.map(() => 'taken over by the file'))
    expect(warnings).toEqual([])
    expect(changes).toHaveLength(9)
    expect((await world.state()).clients.map(({ secrets }) => secrets)).toEqual(before.clients.map(({ secrets }) => secrets))

    await world.clear()
    await world.apply(text)
    expect(exportConfiguration(await world.state(), whole).text).toBe(text)
    expect((await world.apply(text)).changes).toEqual([])
  })

  it('holds no secret, and leaves out what another file owns', async () => {
    await world.apply(sample)
    const { text, document } = exportConfiguration(await world.state(), whole)
    expect(text).not.toMatch(/argon2|only-for-local/)
    expect(document.clients).toHaveProperty('cl_live_samplebackend')
    const other = exportConfiguration(await world.state(), { ...whole, name: 'other' })
    expect(other.document).toEqual({ name: 'other', organizations: {}, resources: {}, clients: {} })
    expect(other.remarks).toEqual(['What the configuration file "signet" owns is left out. Export it with --name signet.'])
  })

  it('of one organization has its clients, and refers to resources that must be there', async () => {
    await world.apply(sample)
    const other = await world.fixtures.organization('Other')
    const { id } = await world.fixtures.client({ organizationId: other.id, scopes: ['tournaments:read'] })
    const { document, text } = exportConfiguration(await world.state(), { name: 'other', organizationId: other.id })
    expect({ ...document, clients: Object.keys(document.clients ?? {}) }).toEqual({ name: 'other', organizations: { [other.id]: { name: 'Other' } }, resources: {}, clients: [id] })
    expect((await world.apply(text)).changes).toHaveLength(2)
    await world.clear()
    expect(await world.refusals(text)).toEqual([expect.stringContaining('There is no scope tournaments:read, neither in this file nor in the database.')])
  })
})
