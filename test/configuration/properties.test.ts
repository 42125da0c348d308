import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { State } from '../../src/configuration/state.ts'
import { createSecretHasher } from '../../src/clients/secrets.ts'
import { generatedFile, secretTexts } from './files.ts'
import { createWorld, type World } from './world.ts'

let world: World
let handMade: unknown

beforeAll(async () => {
  world = await createWorld()
  const organization = await world.fixtures.organization('Made by hand')
  const resource = await world.fixtures.resource('https://hand.example', { 'hand:read': false })
  await world.fixtures.client({ organizationId: organization.id, scopes: ['hand:read'], resourceId: resource.id })
  handMade = byHand(await world.state())
})
afterAll(async () => { await world.drop() })

const sequence = fc.array(generatedFile, { minLength: 1, maxLength: 4 })
const hasher = createSecretHasher()

describe('any sequence of configuration files', { timeout: 120_000 }, () => {
  it('applied with prune, ends in the state that the last file alone gives; applied twice, nothing changes; a dry run says what is done and does nothing', async () => {
    await fc.assert(fc.asyncProperty(sequence, async (files) => {
      const last = files.at(-1) ?? {}
      await world.apply({}, { prune: true })
      expect(byFile(await world.state())).toEqual({ organizations: [], resources: [], clients: [], tokens: new Map() })
      await world.apply(last, { prune: true })
      const alone = await summary(await world.state())

      for (const file of files) {
        const [before, announced] = [await world.state(), await world.announced()]
        const predicted = await world.apply(file, { prune: true, dryRun: true })
        expect(await world.state()).toEqual(before)
        expect(await world.announced()).toBe(announced)
        expect((await world.apply(file, { prune: true })).changes).toEqual(predicted.changes)
        const applied = await world.announced()
        expect((await world.apply(file, { prune: true })).changes).toEqual([])
        expect(await world.announced()).toBe(applied)
      }
      expect(await summary(await world.state())).toEqual(alone)
      expect(byHand(await world.state())).toEqual(handMade)
    }), { numRuns: 20, endOnFailure: true })
  })

  it('applied without prune, removes nothing, and is refused as a whole where that would be needed', async () => {
    let refused = 0
    await fc.assert(fc.asyncProperty(sequence, async (files) => {
      await world.apply({}, { prune: true })
      for (const file of files) {
        const before = await world.state()
        const mistakes = await world.refusals(file)
        const after = await world.state()
        expect(keys(after)).toEqual(expect.arrayContaining(keys(before)))
        if (mistakes.length === 0) continue
        refused += 1
        expect(after).toEqual(before)
      }
      expect(byHand(await world.state())).toEqual(handMade)
    }), { numRuns: 20, endOnFailure: true })
    expect(refused).toBeLessThan(60)
  })
})

function byFile ({ organizations, resources, clients }: State): State {
  const isManaged = ({ managedBy }: { readonly managedBy: string | null }): boolean => managedBy !== null
  return { organizations: organizations.filter(isManaged), resources: resources.filter(isManaged), clients: clients.filter(isManaged), tokens: new Map() }
}

function byHand ({ organizations, resources, clients }: State): State {
  const isManual = ({ managedBy }: { readonly managedBy: string | null }): boolean => managedBy === null
  return { organizations: organizations.filter(isManual), resources: resources.filter(isManual), clients: clients.filter(isManual), tokens: new Map() }
}

function keys ({ organizations, resources, clients }: State): string[] {
  return [...organizations.map(({ id }) => id), ...resources.flatMap(({ identifier, scopes }) => [identifier, ...scopes.map(({ name }) => name)]), ...clients.map(({ id }) => id)]
}

/** All that a file decides: without times and generated ids, and with secrets by their texts. */
async function summary (state: State): Promise<unknown> {
  const { organizations, resources, clients } = byFile(state)
  const identifiers = new Map(state.resources.map(({ id, identifier }) => [id, identifier]))
  const sorted = <Row>(rows: readonly Row[], keyOf: (row: Row) => string): Row[] => [...rows].sort((one, other) => keyOf(one) < keyOf(other) ? -1 : 1)
  return {
    organizations: sorted(organizations, ({ id }) => id).map(({ createdAt: _, tokensRevokedBefore: __, disabledAt, ...row }) => ({ ...row, isDisabled: disabledAt !== null })),
    resources: sorted(resources, ({ identifier }) => identifier).map(({ createdAt: _, id: __, disabledAt, scopes, ...row }) => ({
      ...row,
      isDisabled: disabledAt !== null,
      scopes: scopes.map(({ name, description, isDefault, isDeprecated, disabledAt: scopeDisabledAt, disabledBy, managedBy, resourceId }) => ({
        name, description, isDefault, isDeprecated, disabledBy, managedBy, of: identifiers.get(resourceId), isDisabled: scopeDisabledAt !== null
      }))
    })),
    clients: await Promise.all(sorted(clients, ({ id }) => id).map(async ({ createdAt: _, tokensRevokedBefore: __, disabledAt, resourceId, exchangeResources, scopes, secrets, ...row }) => ({
      ...row, isDisabled: disabledAt !== null, standsFor: identifiers.get(resourceId ?? ''), exchanges: exchangeResources.map((id) => identifiers.get(id)).sort(), scopes: [...scopes].sort(), secrets: await Promise.all([...secrets.values()].map(textOf))
    })))
  }
}

async function textOf ({ hash, imported, managedBy, revokedAt }: { readonly hash: string, readonly imported: boolean, readonly managedBy: string | null, readonly revokedAt: Date | null }): Promise<unknown> {
  const right = []
  for (const text of secretTexts) if (await hasher.verify(hash, text, 'genuine')) right.push(text)
  return { imported, managedBy, revokedAt, right }
}
