import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, postForm } from '../support/requests.ts'
import { freePort, startSignet, type SignetProcess } from '../support/signet-process.ts'
import { sample } from './examples.ts'
import { createWorld, type World } from './world.ts'

const secret = 'the-secret-of-the-partner'
let world: World
let folder: string
const started: SignetProcess[] = []

beforeAll(async () => {
  world = await createWorld()
  folder = await mkdtemp(join(tmpdir(), 'signet-configuration-'))
})
afterAll(async () => {
  for (const { pid, hasEnded } of started) if (!hasEnded()) process.kill(pid, 'SIGTERM')
  await Promise.all(started.map(async ({ ended }) => await ended))
  await world.drop()
  await rm(folder, { recursive: true, force: true })
})

async function start (text: string, more: Readonly<Record<string, string>> = {}): Promise<SignetProcess> {
  const path = join(folder, 'signet.yaml')
  await writeFile(path, text)
  const signet = startSignet({
    dataDir: join(folder, 'data'), port: await freePort(), environment: { DATABASE_URL: world.url, MASTER_KEY: 'c8'.repeat(32), WORKERS: '1', SIGNET_CONFIG: path, PARTNER_SECRET: secret, ...more }
  })
  started.push(signet)
  return signet
}

async function stop ({ pid, ended }: SignetProcess): Promise<void> {
  process.kill(pid, 'SIGTERM')
  await ended
}

describe('SIGNET_CONFIG', { timeout: 120_000 }, () => {
  const file = sample.replace('value: only-for-local-stacks-0123456789', 'from_environment: PARTNER_SECRET')
  const says = ({ stderr }: SignetProcess): string => stderr().replace(/^signet: (?:making|made the next|listening|comparing).*\n/gm, '')

  it('is applied by a start before it serves: the secret from the environment gets a token; of two starts at once one applies it', async () => {
    const [one, other] = await Promise.all([start(file), start(file)])
    await Promise.all([one.listening(), other.listening()])
    for (const { origin } of [one, other]) {
      const { status, json } = await postForm(`${origin}/oauth/v2/token`, { grant_type: 'client_credentials', scope: 'tournaments:read' }, basic('cl_live_samplebackend', secret))
      expect({ status, json }).toMatchObject({ status: 200, json: { expires_in: 900, scope: 'tournaments:read' } })
    }
    const [applied, nothing] = [says(one), says(other)].sort((left, right) => right.length - left.length)
    expect(applied).toMatch(/^signet: applied \S+signet\.yaml: 7 created, 0 changed, 0 removed\nsignet: \+ organization org_samplegames: "Sample Games"\n/)
    expect(nothing).toBe('')
    expect(one.stdout() + other.stdout()).toBe('') // no sample
    await Promise.all([stop(one), stop(other)])
  })

  it('with mistakes refuses the start with all of them, and nothing is half applied', async () => {
    const before = await world.state()
    const signet = await start(`${file.replace('Sample Games', 'Renamed')}  cl_live_z: { organization: org_z, name: Z }\n  cl_live_y: { organization: org_samplegames, name: Y, scopes: [nowhere] }\n`)
    expect(await signet.ended).toEqual({ exitCode: 3, signal: null })
    expect(says(signet).replaceAll(folder, '')).toBe(`signet: There are 2 mistakes in /signet.yaml. Nothing was changed: correct the file and apply it again.
/signet.yaml:31:30: clients.cl_live_z.organization: There is no organization org_z, neither in this file nor in the database.
/signet.yaml:32:65: clients.cl_live_y.scopes[0]: There is no scope nowhere, neither in this file nor in the database.
`)
    expect(await world.state()).toEqual(before)
  })

  it('removes what left the file only with SIGNET_CONFIG_PRUNE', async () => {
    const less = file.slice(0, file.indexOf('  cl_test_api:'))
    const kept = await start(less)
    await kept.listening()
    expect(says(kept)).toContain('signet: The client cl_test_api left the file; it is kept. --prune removes it.\n')
    await stop(kept)
    const pruned = await start(less, { SIGNET_CONFIG_PRUNE: 'true' })
    await pruned.listening()
    expect(says(pruned)).toMatch(/^signet: applied \S+: 0 created, 0 changed, 1 removed\nsignet: - client cl_test_api: "The API itself"\n/)
    await stop(pruned)
    expect((await world.state()).clients.map(({ id }) => id)).toEqual(['cl_live_samplebackend'])
  })
})
