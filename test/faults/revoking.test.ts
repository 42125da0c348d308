import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { createDatabase, type Database } from '../../src/db.ts'
import { tokenExchangeGrant } from '../../src/oauth/grant-types.ts'
import { checkPortIsFree } from '../../src/port.ts'
import { prepare } from '../../src/setup/prepare.ts'
import { bitAt } from '../../src/status-lists/bits.ts'
import { createDeployment, type Deployment } from '../support/deployment.ts'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { accessTokenType } from '../support/exchange.ts'
import { createFixtures, type RegisteredClient } from '../support/fixtures.ts'
import { basic, send, within, type Answer } from '../support/requests.ts'
import { bitsAt, statusOf } from '../support/status.ts'

/** 4 in the suite, one of each kind; `CRASH_ROUNDS=100 npm test -- test/faults/revoking` for a longer run. */
const rounds = Number(process.env['CRASH_ROUNDS'] ?? 4)
/** Of each deployment. */
const workers = [2, 1] as const
const [issuer, masterKey] = ['https://id.example.com', '3e'.repeat(32)]

interface Issued {
  readonly text: string
  readonly client: RegisteredClient
  readonly subject: Issued | undefined
  /** What the callers know: `in doubt` when a revocation was sent and nothing came back. */
  fate: 'living' | 'revoked' | 'in doubt'
}

/** Below those that systems give to outgoing connections, of which there are many while it is free for a moment. */
async function portForRestarts (): Promise<number> {
  for (;;) {
    const port = 16_000 + Math.floor(Math.random() * 16_000)
    if (await checkPortIsFree({ host: '127.0.0.1', port }).then(() => true, () => false)) return port
  }
}

/** A token dies with the one that it was exchanged for. */
function fateOf ({ fate, subject }: Issued): Issued['fate'] {
  const inherited = subject === undefined ? 'living' : fateOf(subject)
  return [fate, inherited].includes('revoked') ? 'revoked' : [fate, inherited].includes('in doubt') ? 'in doubt' : 'living'
}

describe('F01 kill -9 of workers, and of everything, while tokens are revoked by all of them', () => {
  let folder: string
  let test: TestDatabase
  let database: Database
  let deployments: readonly Deployment[]
  let partners: readonly RegisteredClient[]
  let gateway: RegisteredClient
  const issued: Issued[] = []
  let failures = 0

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signet-revoking-'))
    await chmod(folder, 0o711)
    test = await createTestDatabase()
    database = createDatabase({ url: test.url, applicationName: 'signet test', poolSize: 2 })
    const environment = { DATABASE_URL: test.url, MASTER_KEY: masterKey, ISSUER: issuer }
    const prepared = await prepare({ config: loadConfig(environment), url: test.url, embedded: false, clock: Date.now, progress: () => {} })
    const fixtures = createFixtures({ database, ...prepared, clock: Date.now })
    const { id: organizationId } = await fixtures.organization()
    const { id: resourceId } = await fixtures.resource('https://api.example.com', { 'tournaments:read': true })
    partners = await Promise.all([1, 2, 3].map(() => fixtures.client({ organizationId, scopes: ['tournaments:read'] })))
    gateway = await fixtures.client({ organizationId, resourceId, scopes: ['tournaments:read'], grants: ['client_credentials', tokenExchangeGrant] })
    deployments = await Promise.all(workers.map(async (count) => createDeployment({ dataDir: join(folder, String(count)), port: await portForRestarts(), environment: { ...environment, WORKERS: String(count) } })))
    await Promise.all(deployments.map((deployment) => deployment.start()))
  })
  afterAll(async () => {
    await Promise.all(deployments.map((deployment) => deployment.stop()))
    await database.$disconnect()
    await test.drop()
    await rm(folder, { recursive: true, force: true })
  })

  function any<Item> (items: readonly Item[]): Item {
    const item = items[Math.floor(Math.random() * items.length)]
    if (item === undefined) throw new Error('nothing to choose from')
    return item
  }

  /** With patience that ends: nobody answers on a connection that was being handed to a worker which was killed. */
  function post (path: string, caller: RegisteredClient, parameters: Readonly<Record<string, string>>, { origin } = any(deployments)): Promise<Answer> {
    return send(origin + path, { method: 'POST', body: new URLSearchParams(parameters), headers: basic(caller.id, caller.secret), signal: AbortSignal.timeout(10_000) })
  }

  async function get (client: RegisteredClient, subject?: Issued): Promise<Issued> {
    const { status, json } = await post('/oauth/v2/token', client, subject === undefined
      ? { grant_type: 'client_credentials' }
      : { grant_type: tokenExchangeGrant, subject_token: subject.text, subject_token_type: accessTokenType })
    if (status !== 200) throw new Error(String(status))
    const token: Issued = { text: String(json['access_token']), client, subject, fate: 'living' }
    issued.push(token)
    return token
  }

  /** As a partner does it: again, and elsewhere, until somebody says that it is done. */
  async function revoke (token: Issued): Promise<void> {
    token.fate = 'in doubt'
    for (let times = 0; times < 5 && token.fate === 'in doubt'; times += 1) {
      const status = await post('/oauth/v2/revoke', token.client, { token: token.text }).then((answer) => answer.status, () => 0)
      if (status === 200) token.fate = 'revoked'
      else failures += 1
    }
  }

  async function useTokens (signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const [token] = [await get(any(partners)), await get(any(partners))]
        if (issued.length % 3 === 0) await get(gateway, token)
        await revoke(token)
      } catch {
        failures += 1
        await pause(10)
      }
    }
  }

  /** @returns after how many milliseconds it was ready again */
  async function kill (round: number): Promise<number> {
    const deployment = deployments[round % 2] ?? any(deployments)
    const pids = await deployment.workerPids()
    const everything = round % 4 > 1
    const victims = everything ? [deployment.supervisorPid(), ...pids] : pids.slice(0, 1 + round % 3)
    for (const pid of victims) process.kill(pid, 'SIGKILL')
    const begin = performance.now()
    if (everything) await deployment.start()
    const isReady = async (): Promise<boolean> => (await deployment.workerPids()).length === workers[round % 2] && await fetch(`${deployment.origin}/health/ready`, { signal: AbortSignal.timeout(5_000) }).then(({ ok }) => ok, () => false)
    expect(await within(60, isReady), deployment.output().slice(-2_000)).toBe(true)
    return performance.now() - begin
  }

  /** To introspection, at every deployment: what was acknowledged, and nothing besides. */
  async function expectFates (tokens: readonly Issued[]): Promise<void> {
    for (const deployment of deployments) {
      const isAsKnown = async (token: Issued): Promise<boolean> => {
        const ask = async (): Promise<unknown> => (await post('/oauth/v2/introspect', gateway, { token: token.text }, deployment)).json['active']
        return fateOf(token) === 'in doubt' || await within(1, async () => await ask() === (fateOf(token) === 'living'))
      }
      for (let first = 0; first < tokens.length; first += 8) {
        const some = tokens.slice(first, first + 8)
        const asKnown = await Promise.all(some.map(isAsKnown))
        expect(some.filter((_, index) => asKnown[index] === false), deployment.origin).toEqual([])
      }
    }
  }

  async function expectLists (): Promise<void> {
    const uris = new Set(issued.map(({ text }) => statusOf(text).uri))
    const lists = new Map<string, Uint8Array>()
    for (const deployment of deployments) {
      for (const uri of uris) lists.set(uri, await bitsAt(uri, deployment))
      const wrong = issued.filter(({ text, ...rest }) => {
        const { uri, idx } = statusOf(text)
        const fate = fateOf({ text, ...rest })
        return fate !== 'in doubt' && bitAt(lists.get(uri) ?? new Uint8Array(), idx) !== (fate === 'revoked')
      })
      expect(wrong).toEqual([])
    }
  }

  it(`loses no revocation that was acknowledged, revokes nothing else, and gives no index twice, in ${rounds} rounds`, { timeout: 60_000 + rounds * 20_000 }, async () => {
    const recoveries: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const before = issued.length
      const controller = new AbortController()
      const load = Promise.all(Array.from({ length: 4 }, () => useTokens(controller.signal)))
      await pause(100 + Math.random() * 400)
      recoveries.push(await kill(round))
      controller.abort()
      await load
      await expectFates(issued.slice(before))
    }
    await expectFates(issued)
    await expectLists()
    expect(new Set(issued.map(({ text }) => JSON.stringify(statusOf(text)))).size).toBe(issued.length)
    const count = (fate: Issued['fate']): number => issued.filter((each) => each.fate === fate).length
    expect(count('revoked')).toBeGreaterThan(rounds)
    const worst = [...recoveries].sort((one, other) => one - other)[Math.ceil(rounds * 0.99) - 1] ?? NaN
    console.log(`${rounds} rounds: ${issued.length} tokens, ${count('revoked')} revocations acknowledged, ${count('in doubt')} sent without an answer, ${failures} calls failed; 0 lost, 0 indexes twice; ready again after ${Math.round(worst)} ms (p99)`)
  })
})
