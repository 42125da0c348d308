import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createAsking } from '../../src/cli/apply.ts'
import type { Plan } from '../../src/configuration/changes.ts'
import * as report from '../../src/configuration/report.ts'
import { createWorld, type ApplyWish, type World } from './world.ts'

let world: World
beforeAll(async () => { world = await createWorld() })
afterEach(async () => { await world.clear() })
afterAll(async () => { await world.drop() })

interface Asked { readonly shown: string, readonly noted: readonly string[], readonly outcome: Plan | string }

/** @param answer undefined: there is no terminal */
async function applyAsking (file: string, answer: string | undefined, wish: ApplyWish = {}, meanwhile?: () => Promise<void>): Promise<Asked> {
  const isTTY = answer !== undefined
  const terminal = { input: Object.assign(new PassThrough(), { isTTY }), output: Object.assign(new PassThrough(), { isTTY }), signals: new EventEmitter() }
  const noted: string[] = []
  let shown = ''
  terminal.output.setEncoding('utf8').on('data', (text: string) => { shown += text })
  const asking = createAsking({ note: (line) => { noted.push(line) } }, report, { terminal })
  terminal.input.write(answer ?? '')
  const review = async (plan: Plan): Promise<void> => {
    await asking.review(plan)
    await meanwhile?.()
  }
  const outcome = await world.apply(file, { ...wish, asking: { ...asking, review } }).catch((error: unknown) => error instanceof Error ? error.message : String(error))
  return { shown, noted, outcome }
}

const organizations = 'organizations: { org_a: { name: A }, org_b: { name: B } }\n'
const clients = (members: string): string => `clients: { cl_live_x: { organization: org_a, name: X, scopes: [], ${members} } }\n`
const first = organizations + clients('secret: { value: the-first-secret-0123 }')

const hard: readonly (readonly [what: string, file: string, question: RegExp])[] = [
  ['disables an organization', first.replace('name: A', 'name: A, disabled: true'), /One of these changes cannot be undone\. Go ahead\? \[y\/N\]/],
  ['disables a client', first.replace('name: X', 'name: X, disabled: true'), /One of these/],
  ['moves a client', first.replace('organization: org_a', 'organization: org_b'), /One of these/],
  ['replaces a secret', first.replace('first', 'second'), /One of these/],
  ['does two of them', first.replace('name: X', 'name: X, disabled: true').replace('first', 'second'), /2 of these changes cannot be undone/]
]

describe('a file whose changes cannot be undone', { timeout: 60_000 }, () => {
  it.each(hard)('asks on a terminal before it %s, and changes nothing when the answer is no', async (_, file, question) => {
    await world.apply(first)
    const before = await world.state()
    const refused = await applyAsking(file, 'n\r')
    expect(refused).toMatchObject({ outcome: 'Nothing was changed.', shown: expect.stringMatching(question) as unknown })
    expect(refused.noted).toContain('    This cannot be undone.')
    expect(await world.state()).toEqual(before)
    const { outcome } = await applyAsking(file, 'y\r')
    expect(outcome).toHaveProperty('changes')
    expect(await world.state()).not.toEqual(before)
  })

  it('asks nothing before what can be undone, nor when nothing is changed', async () => {
    expect(await applyAsking(first, 'n\r')).toMatchObject({ shown: '', noted: [], outcome: { changes: expect.any(Array) as unknown } })
    expect(await applyAsking(first.replace('name: X', 'name: Y, access_token_ttl_seconds: 60'), 'n\r')).toMatchObject({ shown: '' })
    expect(await applyAsking(first.replace('name: X', 'name: Y, access_token_ttl_seconds: 60'), 'n\r')).toMatchObject({ shown: '', outcome: { changes: [] } })
  })

  it('goes ahead where there is no terminal; only what is removed is refused there', async () => {
    await world.apply(first)
    expect(await applyAsking(first.replace('first', 'second'), undefined)).toMatchObject({ shown: '', noted: [], outcome: { changes: [{ kind: 'secret', irreversible: true }] } })
    for (const file of [organizations, organizations + clients('')]) {
      expect((await applyAsking(file, undefined, { prune: true })).outcome).toMatch(/there is no terminal to ask on/)
    }
    expect((await world.state()).clients).toMatchObject([{ secrets: { size: 1 } }])
  })

  it('is refused when more would be lost than was agreed to', async () => {
    await world.apply(first)
    const addAnother = async (): Promise<void> => {
      await world.database.client.create({ data: { id: 'cl_live_late', organizationId: 'org_a', name: 'Late', environment: 'live', grants: [], authenticationMethods: [], managedBy: 'signet' } })
    }
    expect((await applyAsking(organizations, 'y\r', { prune: true }, addAnother)).outcome).toBe('The database was changed meanwhile, and more would be lost now. Nothing was changed: apply the file again.')
    expect((await world.state()).clients).toHaveLength(2)
  })
})
