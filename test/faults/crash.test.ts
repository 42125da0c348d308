import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeployment, type Deployment } from '../support/deployment.ts'
import { basic, postForm, within, type Answer } from '../support/requests.ts'
import { freePort } from '../support/server.ts'

/** 9 in the suite, three of each kind; `CRASH_ROUNDS=200 npm test -- test/faults/crash` for a longer run. */
const rounds = Number(process.env['CRASH_ROUNDS'] ?? 9)
const victims = ['supervisor', 'worker', 'database'] as const

interface Credentials { readonly id: string, readonly secret: string }

/** What the server acknowledged, as the callers saw it. */
interface Acknowledged {
  readonly clients: Credentials[]
  readonly disabled: Set<string>
  readonly revokedTokens: string[]
  tokens: number
  failures: number
}

describe('F01 kill -9 at random moments during token requests, revocations and changes by the CLI', () => {
  let deployment: Deployment
  let folder: string
  let api: Credentials
  const acknowledged: Acknowledged = { clients: [], disabled: new Set(), revokedTokens: [], tokens: 0, failures: 0 }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signet-crash-'))
    await chmod(folder, 0o711)
    deployment = createDeployment({ dataDir: join(folder, 'data'), port: await freePort() })
    await deployment.start()
    const created = await deployment.signet('client', 'create', '--name', 'API', '--resource-server', 'https://api.example.com')
    api = credentialsIn(created)
    await addClient()
  })
  afterAll(async () => {
    await deployment.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function addClient (): Promise<void> {
    const created = await deployment.signet('client', 'create', '--name', 'Partner', '--scope', 'tournaments:read')
    acknowledged.clients.push(credentialsIn(created))
  }

  function post (path: string, caller: Credentials, parameters: Readonly<Record<string, string>>): Promise<Answer> {
    return postForm(deployment.origin + path, parameters, basic(caller.id, caller.secret))
  }

  /** Gets tokens and revokes every second one, until told to stop; a failed request is no acknowledgement. */
  async function useTokens (signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const caller = acknowledged.clients.find(({ id }) => !acknowledged.disabled.has(id))
      if (caller === undefined) throw new Error('no client left')
      try {
        const { status, json } = await post('/oauth/v2/token', caller, { grant_type: 'client_credentials' })
        if (status !== 200) throw new Error(String(status))
        acknowledged.tokens += 1
        const token = String(json['access_token'])
        if (acknowledged.tokens % 2 === 0 && (await post('/oauth/v2/revoke', caller, { token })).status === 200) acknowledged.revokedTokens.push(token)
      } catch {
        acknowledged.failures += 1
        await pause(20)
      }
    }
  }

  async function administer (round: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await addClient()
        const last = acknowledged.clients.at(-1)
        if (round % 3 === 0 && last !== undefined && acknowledged.clients.length > 2) {
          await deployment.signet('client', 'disable', last.id)
          acknowledged.disabled.add(last.id)
        }
      } catch {
        acknowledged.failures += 1
      }
    }
  }

  async function kill (victim: typeof victims[number]): Promise<void> {
    const pid = {
      supervisor: async () => deployment.supervisorPid(),
      worker: async () => (await deployment.workerPids())[0],
      database: deployment.postmasterPid
    }[victim]
    process.kill(await pid() ?? 0, 'SIGKILL')
  }

  async function everythingIsThere (): Promise<void> {
    for (const client of acknowledged.clients) {
      const expected = acknowledged.disabled.has(client.id) ? 401 : 200
      const answered = await within(10, async () => (await post('/oauth/v2/token', client, { grant_type: 'client_credentials' })).status === expected)
      expect(answered, `${client.id} answers ${expected}`).toBe(true)
    }
    for (const token of acknowledged.revokedTokens.slice(-200)) {
      expect((await post('/oauth/v2/introspect', api, { token })).text).toBe('{"active":false}')
    }
  }

  it(`loses nothing that was acknowledged in ${rounds} rounds`, { timeout: 30_000 + rounds * 15_000 }, async () => {
    for (let round = 0; round < rounds; round += 1) {
      const victim = victims[round % victims.length] ?? 'supervisor'
      const controller = new AbortController()
      const load = Promise.all([useTokens(controller.signal), administer(round, controller.signal)])
      await pause(200 + Math.random() * 1_000)
      await kill(victim)
      if (victim === 'supervisor') await deployment.start()
      else await within(20, async () => (await fetch(`${deployment.origin}/health/ready`).then(({ ok }) => ok, () => false)))
      controller.abort()
      await load
      await everythingIsThere()
    }
    expect(acknowledged.revokedTokens.length).toBeGreaterThan(0)
    console.log(`${rounds} rounds: ${acknowledged.clients.length} clients, ${acknowledged.tokens} tokens, ${acknowledged.revokedTokens.length} revocations acknowledged; ${acknowledged.failures} calls failed while something was dead; 0 lost`)
  })
})

function credentialsIn (created: Readonly<Record<string, unknown>>): Credentials {
  return { id: String(created['client_id']), secret: String(created['client_secret']) }
}
