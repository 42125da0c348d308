import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { introspect, known, requestToken, send, tokenOf } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { until } from '../support/data-folder.ts'
import { bitOf, statusOf } from '../support/status.ts'
import { createCli, type Cli } from './cli-process.ts'

const masterKey = 'c5'.repeat(32)
let server: TestServer
let sibling: TestServer
let scene: Scene
let cli: Cli

interface Place { readonly where: string, readonly name: string, readonly in_force_at: string | null, readonly after_seconds: number | null, readonly note: string | null }

beforeAll(async () => {
  server = await startTestServer({ environment: { MASTER_KEY: masterKey } })
  sibling = await server.startSibling()
  scene = await server.fixtures.scene()
  for (const where of [server, sibling]) await known(where, scene.api)
  cli = await createCli({ DATABASE_URL: server.databaseUrl, MASTER_KEY: masterKey, ISSUER: server.issuer })
})
afterAll(async () => {
  await cli.remove()
  await server.stop()
})

async function newPartner (): Promise<RegisteredClient> {
  const partner = await server.fixtures.client({ organizationId: scene.organization.id, scopes: ['tournaments:read'] })
  for (const where of [server, sibling]) await known(where, partner)
  return partner
}

const placesOf = (record: Readonly<Record<string, unknown>>): Place[] => record['carried_by'] as Place[] // compared below

/** As another machine's process would be known. @param id nobody else's */
async function addProcess (id: string, { host = 'elsewhere', pid = 1, silentSeconds = 0 }): Promise<void> {
  await server.database.$executeRaw`
    INSERT INTO processes (id, host, pid, stale_limit_seconds, position, seen_at) VALUES (${id}, ${host}, ${pid}, 900, 0, clock_timestamp() - make_interval(secs => ${silentSeconds}))`
}

describe('signet revoke … --wait', { timeout: 60_000 }, () => {
  it('says when the database, each process and each published list carry it, and it is so', async () => {
    const partner = await newPartner()
    const tokens = [await tokenOf(server, partner), await tokenOf(sibling, partner)]
    const record = await cli.record('revoke', 'client', partner.id, '--wait', '--json')
    for (const where of [server, sibling]) {
      for (const token of tokens) {
        expect((await introspect(where, scene.api, token)).json).toEqual({ active: false })
        expect(await bitOf(token, where)).toBe(true)
      }
    }
    const places = placesOf(record)
    expect(places.map(({ where }) => where)).toEqual(['database', 'process', 'process', 'status list', 'status list'])
    expect(places.slice(3).map(({ name }) => name).sort()).toEqual(tokens.map((token) => statusOf(token).uri).sort())
    const begun = new Date(String(record['committed_at'])).getTime() - (places[0]?.after_seconds ?? NaN) * 1000
    for (const { in_force_at: at, after_seconds: seconds } of places) expect(new Date(at ?? '').getTime() - begun).toBe(Math.round((seconds ?? NaN) * 1000))
    const latest = Math.max(...places.map(({ in_force_at: at }) => new Date(at ?? '').getTime()))
    expect(new Date(String(record['offline_by'])).getTime()).toBe(latest + 50_000)
  })

  it('looks again where it was revoked before, and prints a table for people', async () => {
    const partner = await newPartner()
    const token = await tokenOf(server, partner)
    await cli.withInput(token, 'revoke', 'token', '-')
    const run = await cli.withInput(token, 'revoke', 'token', '-', '--wait')
    expect(run).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('revoked already') as unknown })
    expect(run.stdout).toMatch(/carried_by\nWHERE +NAME +IN FORCE\ndatabase +- +\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\nprocess .*\nprocess .*\nstatus list +http/)
  })

  it('names a process that is silent, until when it may answer from memory, and exits with 4; the revocation is stored all the same', async () => {
    await addProcess('silent', { silentSeconds: 20 })
    const partner = await newPartner()
    const token = await tokenOf(server, partner)
    const run = await cli('revoke', 'client', partner.id, '--wait', '--json')
    expect(run.exitCode).toBe(4)
    expect(run.stderr).toMatch(/It is stored, and not in force everywhere, or nobody can tell\..*\n.*process elsewhere 1: silent since .*, it answers from memory until /)
    const silent = placesOf(JSON.parse(run.stdout) as Readonly<Record<string, unknown>>).find(({ name }) => name === 'elsewhere 1')
    expect(silent).toMatchObject({ where: 'process', in_force_at: null, after_seconds: null })
    expect(JSON.parse(run.stdout)).toMatchObject({ offline_by: null }) // it may publish what it knows
    expect((await introspect(server, scene.api, token)).json).toEqual({ active: false })
    await server.database.process.delete({ where: { id: 'silent' } })
  })

  it('waits for nobody who crashed on this machine, nor for one that has been silent for longer than it may answer from memory', async () => {
    const [{ host } = { host: '' }] = await server.database.process.findMany()
    await addProcess('crashed', { host, pid: 2 ** 30, silentSeconds: 20 })
    await addProcess('long-gone', { silentSeconds: 901 })
    const record = await cli.record('revoke', 'client', (await newPartner()).id, '--wait', '--json')
    expect(placesOf(record).map(({ where }) => where)).toEqual(['database', 'process', 'process'])
    expect(record['offline_by']).toBeNull()
  })

  it('believes no list that is older than the revocation, though it names earlier ones', async () => {
    const partner = await newPartner()
    await tokenOf(server, partner)
    await cli.record('revoke', 'client', partner.id)
    await until(async () => (await requestToken(server, partner)).status === 200, 'the partner gets tokens again')
    const { uri } = statusOf(await tokenOf(server, partner))
    const old = await send(server.origin + new URL(uri).pathname)
    const cache = await startCache(server.origin, old.text)
    const cached = await createCli({ DATABASE_URL: server.databaseUrl, MASTER_KEY: masterKey, ISSUER: cache.origin })
    try {
      const record = await cached.record('revoke', 'client', partner.id, '--wait', '--json')
      expect(placesOf(record).at(-1)).toMatchObject({ where: 'status list', note: null })
      expect(cache.fresh()).toBe(1)
    } finally {
      await cached.remove()
      cache.stop()
    }
  })
})

interface Cache { readonly origin: string, readonly fresh: () => number, readonly stop: () => void }

/** In front of a server: it hands out an old list three times, and then what is there. */
async function startCache (origin: string, old: string): Promise<Cache> {
  let asked = 0
  const web = createServer((request, response) => {
    asked += 1
    if (asked <= 3) response.end(old)
    else void send(origin + String(request.url)).then(({ text }) => response.end(text))
  })
  await new Promise<void>((resolve) => { web.listen(0, '127.0.0.1', resolve) })
  const address = web.address()
  return { origin: `http://127.0.0.1:${typeof address === 'object' ? String(address?.port) : ''}`, fresh: () => asked - 3, stop: () => { web.close(); web.closeAllConnections() } }
}
