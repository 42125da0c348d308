import { createLocalJWKSet, createRemoteJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createDatabase } from '../../src/db.ts'
import type { Environment } from '../../src/environment.ts'
import { createKeyRotation, type KeyRotation } from '../../src/keys/rotation.ts'
import { aheadSeconds, keyState } from '../../src/keys/state.ts'
import { createSigningKeyStore, type SigningKeyRow } from '../../src/keys/store.ts'
import type { Scene } from '../support/fixtures.ts'
import { introspect, known, requestToken, send, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const [hour, day] = [3_600_000, 86_400_000]
const ahead = aheadSeconds(900) * 1000
/** Beside the longest lifetime: a day for processes that are cut off, the age of a JWKS, and clocks that differ. */
const margin = day + 600_000

interface World {
  readonly server: TestServer
  readonly scene: Scene
  readonly rotation: KeyRotation
  now: number
}

async function createWorld (environment: Readonly<Record<string, string>> = {}): Promise<World> {
  const world = { now: Date.now() }
  const server = await startTestServer({ clock: () => world.now, environment })
  const scene = await server.fixtures.scene()
  await known(server, scene.api)
  await known(server, scene.partner)
  return Object.assign(world, { server, scene, rotation: rotationOf(server, () => world.now) })
}

function rotationOf (server: TestServer, clock: () => number, database = server.database): KeyRotation {
  return createKeyRotation({ store: createSigningKeyStore(database), sealer: server.prepared.sealer, clock, policy: server.config })
}

async function jwksOf (server: TestServer, environment: Environment = 'live'): Promise<JSONWebKeySet> {
  const { json } = await send(`${server.issuer}${environment === 'live' ? '' : '/test'}/oauth/v2/jwks`)
  return { keys: json['keys'] as JSONWebKeySet['keys'] } // as the conformance test of the JWKS holds
}

async function kidsOf (server: TestServer, environment: Environment = 'live'): Promise<unknown[]> {
  return (await jwksOf(server, environment)).keys.map(({ kid }) => kid)
}

async function signerOf ({ server, scene }: World): Promise<unknown> {
  return decodeProtectedHeader(await tokenOf(server, scene.partner)).kid
}

async function rowsOf ({ server }: World, environment: Environment = 'live'): Promise<SigningKeyRow[]> {
  return (await createSigningKeyStore(server.database).readAll()).filter((row) => row.environment === environment)
}

async function inState (world: World, state: string, environment: Environment = 'live'): Promise<SigningKeyRow[]> {
  const rows = await rowsOf(world, environment)
  return rows.filter((row) => keyState(row, rows, world.now) === state)
}

const live = [{ environment: 'live', algorithm: 'RS256' }] as const

describe('keys that take over from each other', () => {
  let world: World
  let first: unknown

  beforeAll(async () => {
    world = await createWorld()
    first = await signerOf(world)
  })
  afterAll(async () => { await world.server.stop() })

  it('a key waits in each environment, published long before it signs, and no second one is made', async () => {
    await world.server.keepKeys()
    await within(1, async () => (await kidsOf(world.server)).length === 2)
    for (const environment of ['live', 'test'] as const) expect(await kidsOf(world.server, environment)).toHaveLength(2)
    await world.server.keepKeys()
    expect(await rowsOf(world)).toHaveLength(2)
    expect(await signerOf(world)).toBe(first)
    expect(world.server.logs.filter(({ msg }) => msg === 'key.made')).toHaveLength(2)
  })

  it('it takes over after 30 days, another one waits from then on, and the log says so', async () => {
    const [next] = await inState(world, 'next')
    world.now += 30 * day - hour
    await world.server.keepKeys()
    expect(await signerOf(world)).toBe(first)
    const old = await tokenOf(world.server, world.scene.partner)
    world.now += hour + 1_000
    await world.server.keepKeys()
    expect(await within(1, async () => await signerOf(world) === next?.kid)).toBe(true)
    expect(await kidsOf(world.server)).toHaveLength(3)
    expect(world.server.logs.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['key.rotated', 'key.activated']))
    expect((await introspect(world.server, world.scene.api, old)).json['active']).toBe(true)
  })

  it('the one before it stays published for 25 hours, a day for processes that were cut off, and some minutes; then it goes', async () => {
    const takenOverAt = world.now
    world.now = takenOverAt + 25 * hour + margin - 1_000
    expect(await kidsOf(world.server)).toContain(first)
    world.now = takenOverAt + 25 * hour + margin + 1_000
    expect(await kidsOf(world.server)).not.toContain(first)
    world.now = takenOverAt
  })

  it('a lifetime that is raised lengthens the retirement of the keys that may sign, and lowering it again shortens none', async () => {
    const [active] = await inState(world, 'active')
    await world.server.database.client.update({ where: { id: world.scene.partner.id }, data: { accessTokenTtlSeconds: 10 * 86_400 } })
    expect(await within(1, async () => (await requestToken(world.server, world.scene.partner)).json['expires_in'] === 10 * 86_400)).toBe(true)
    const token = await tokenOf(world.server, world.scene.partner)
    await world.server.database.client.update({ where: { id: world.scene.partner.id }, data: { accessTokenTtlSeconds: null } })
    await world.server.database.resource.updateMany({ data: { accessTokenTtlSeconds: 3_600 } })
    world.now += ahead
    await world.rotation.rotate(live, false)
    expect(await within(1, async () => await signerOf(world) !== active?.kid)).toBe(true)
    world.now += 10 * day - ahead - 5_000 // it was signed before the rotation
    expect((await introspect(world.server, world.scene.api, token)).json['active']).toBe(true)
    await jwtVerify(token, createLocalJWKSet(await jwksOf(world.server)), { currentDate: new Date(world.now) })
    world.now += ahead + margin + 10_000
    expect(await kidsOf(world.server)).not.toContain(active?.kid)
    const young = (await rowsOf(world)).at(-1)
    expect(young?.longestTokenSeconds).toBe(90_000)
  })
})

describe('a key that is withdrawn or deleted by hand', () => {
  it('lets an earlier one sign again, which stays published for the lifetimes of now, raised after it had retired', async () => {
    const world = await createWorld()
    const first = await signerOf(world)
    await world.rotation.rotate(live, true)
    await world.rotation.rotate(live, true)
    const { database } = world.server
    await database.$executeRaw`UPDATE signing_keys SET activates_at = activates_at - interval '2 days' WHERE environment = 'live' AND activates_at < now()`
    await database.client.update({ where: { id: world.scene.partner.id }, data: { accessTokenTtlSeconds: 10 * 86_400 } })
    const keys = await rowsOf(world)
    expect(keys.find(({ kid }) => kid === first)?.longestTokenSeconds).toBe(90_000)
    const [, second, third] = keys.map(({ kid }) => kid)
    await database.signingKey.update({ where: { kid: third ?? '' }, data: { withdrawnAt: new Date() } })
    expect((await rowsOf(world)).find(({ kid }) => kid === first)?.longestTokenSeconds).toBe(10 * 86_400)
    await database.signingKey.delete({ where: { kid: second ?? '' } })
    expect(await within(2, async () => await signerOf(world).catch(() => undefined) === first)).toBe(true)
    await world.server.stop()
  })
})

describe('rotation when it is asked for', () => {
  let world: World
  beforeAll(async () => { world = await createWorld({ KEY_ROTATION_DAYS: '0' }) })
  afterAll(async () => { await world.server.stop() })

  it('KEY_ROTATION_DAYS=0 keeps a key waiting, and lets none take over by itself', async () => {
    const first = await signerOf(world)
    await world.server.keepKeys()
    world.now += 4_000 * day
    await world.server.keepKeys()
    expect(await rowsOf(world)).toHaveLength(2)
    expect(await signerOf(world)).toBe(first)
  })

  it('a key takes over at once where it has been published for long enough, else as soon as that, and never twice', async () => {
    const { activated: [taken], made } = await world.rotation.rotate(live, false)
    expect(taken?.activatesAt.getTime()).toBe(world.now)
    expect(made).toHaveLength(1)
    const { activated: [deferred] } = await world.rotation.rotate(live, false)
    expect(deferred?.activatesAt.getTime()).toBe(world.now + ahead)
    expect(await world.rotation.rotate(live, false)).toEqual({ made: [], activated: [], withdrawn: [] })
    const { activated: [forced] } = await world.rotation.rotate(live, true)
    expect(forced).toMatchObject({ kid: deferred?.kid, activatesAt: new Date(world.now + 1) })
    world.now += 1
    expect(await within(1, async () => await signerOf(world) === forced?.kid)).toBe(true)
  })

  it.each([-hour, -day, day])('F11 with the clock set %i ms off after a rotation the JWKS has the key of every token, and is never empty', async (offset) => {
    const token = await tokenOf(world.server, world.scene.partner)
    const before = world.now
    world.now += offset
    for (const each of [token, await tokenOf(world.server, world.scene.partner)]) {
      await jwtVerify(each, createLocalJWKSet(await jwksOf(world.server)), { currentDate: new Date(Math.max(before, world.now)) })
    }
    await world.server.keepKeys()
    expect((await jwksOf(world.server, 'test')).keys).not.toHaveLength(0)
    world.now = before
  })
})

describe('a signing key that leaked', () => {
  let world: World
  beforeAll(async () => { world = await createWorld() })
  afterAll(async () => { await world.server.stop() })

  it('signs no more as soon as it is revoked, the next one takes over without a failed request, introspection refuses its tokens and the JWKS drops it within a second', async () => {
    const sibling = await world.server.startSibling()
    const servers = [world.server, sibling]
    await world.server.keepKeys()
    world.now += 31 * day
    await world.server.keepKeys() // a key that was retired meanwhile must not step in
    const [leaked, next] = [(await inState(world, 'active'))[0]?.kid ?? '', (await inState(world, 'next'))[0]?.kid]
    expect(await within(1, async () => decodeProtectedHeader(await tokenOf(sibling, world.scene.partner)).kid === leaked)).toBe(true)
    const token = await tokenOf(world.server, world.scene.partner)
    const issued: string[] = []
    const over = new AbortController()
    const load = servers.map(async (server) => { while (!over.signal.aborted) issued.push(await tokenOf(server, world.scene.partner)) })

    const { activated, withdrawn, made } = await world.rotation.revoke(leaked, { actor: 'operator test' })
    const gone = await Promise.all(servers.map((server) => within(1, async () => (await introspect(server, world.scene.api, token)).text === '{"active":false}' && !(await kidsOf(server)).includes(leaked))))
    const sofar = issued.length
    await within(5, async () => issued.length > sofar + 40)
    over.abort()
    await Promise.all(load)
    expect(gone).toEqual([true, true])
    expect([activated[0]?.kid, withdrawn, made.length]).toEqual([next, [leaked], 1])
    expect(new Set(issued.map((each) => decodeProtectedHeader(each).kid))).toEqual(new Set([leaked, next]))
    expect(new Set(issued.slice(-20).map((each) => decodeProtectedHeader(each).kid))).toEqual(new Set([next]))
    await jwtVerify(issued.at(-1) ?? '', createLocalJWKSet(await jwksOf(world.server)), { currentDate: new Date(world.now) })
  })

  it('stays revoked, whatever the clock says, and whoever writes', async () => {
    const [leaked] = await inState(world, 'withdrawn')
    expect(await world.rotation.revoke(leaked?.kid ?? '', { actor: 'operator test' })).toEqual({ made: [], activated: [], withdrawn: [] })
    await world.server.database.signingKey.update({ where: { kid: leaked?.kid ?? '' }, data: { withdrawnAt: null } })
    world.now -= 60 * day
    expect(await kidsOf(world.server)).not.toContain(leaked?.kid)
    world.now += 60 * day
    expect(await inState(world, 'withdrawn')).toHaveLength(1)
  })

  it('where none waits, one is made and signs at once', async () => {
    for (const { kid } of await inState(world, 'next')) await world.server.database.signingKey.delete({ where: { kid } })
    const [active] = await inState(world, 'active')
    const { made } = await world.rotation.revoke(active?.kid ?? '', { actor: 'operator test' })
    expect(made).toHaveLength(2)
    expect(await within(1, async () => await signerOf(world) === made[0]?.kid)).toBe(true)
    expect(await inState(world, 'next')).toHaveLength(1)
  })
})

describe('F13 processes that do the same at the same moment', { timeout: 60_000 }, () => {
  it('make one next key, let one take over, and none fails', async () => {
    const world = await createWorld()
    const databases = Array.from({ length: 5 }, () => createDatabase({ url: world.server.databaseUrl, applicationName: 'signet test', poolSize: 1 }))
    const rotations = databases.map((database) => rotationOf(world.server, () => world.now, database))
    for (let round = 0; round < 6; round += 1) {
      const upkeep = await Promise.all(rotations.map((each) => each.upkeep()))
      expect(upkeep.flatMap(({ made }) => made)).toHaveLength(round === 0 ? 2 : 0)
      expect(await inState(world, 'next')).toHaveLength(1)
      const [active] = await inState(world, 'active')
      world.now += ahead
      const done = await Promise.all(rotations.slice(round % 4).map((each) => each.rotate(live, false)))
      expect(done.flatMap(({ activated }) => activated)).toHaveLength(1)
      expect(done.flatMap(({ made }) => made)).toHaveLength(1)
      expect((await inState(world, 'active'))[0]?.kid).not.toBe(active?.kid)
    }
    await Promise.all(databases.map((database) => database.$disconnect()))
    await world.server.stop()
  })
})

describe('F12 rotation under load', { timeout: 120_000 }, () => {
  it('fails no request, and no verification by verifiers that cache as jose does by default, rotating as often as is safe', async () => {
    vi.useFakeTimers({ toFake: ['Date'] }) // jose goes by the clock of the process, as the server does here
    const server = await startTestServer({ clock: Date.now })
    const sibling = await server.startSibling()
    const scene = await server.fixtures.scene()
    await Promise.all([server, sibling].map((each) => known(each, scene.partner)))
    const rotation = rotationOf(server, Date.now)
    await rotation.upkeep()
    const verifiers = Array.from({ length: 4 }, (_, index) => createRemoteJWKSet(new URL(`${(index % 2 === 0 ? server : sibling).issuer}/oauth/v2/jwks`)))
    const signers = new Set<unknown>()
    const failures: unknown[] = []
    const kept: { readonly token: string, readonly expiresAt: number }[] = []
    let verified = 0
    const over = new AbortController()

    async function verify (token: string, verifier: number): Promise<void> {
      try {
        const { protectedHeader } = await jwtVerify(token, verifiers[verifier % verifiers.length] ?? (() => { throw new Error('no verifier') }), { issuer: server.issuer, typ: 'at+jwt' })
        signers.add(protectedHeader.kid)
        verified += 1
      } catch (error) {
        failures.push(error)
      }
    }

    const load = [server, sibling].map(async (each, offset) => {
      for (let turn = offset; !over.signal.aborted; turn += 1) {
        const token = await tokenOf(each, scene.partner)
        // The last one is asked seldom, and so has an old JWKS.
        await verify(token, turn % 50 === 0 ? 3 : turn % 3)
        if (turn % 10 === 0) kept.push({ token, expiresAt: Date.now() + 90_000_000 })
        const old = kept[turn % Math.max(1, kept.length)]
        if (old !== undefined && old.expiresAt > Date.now() + ahead) await verify(old.token, turn)
      }
    })
    for (let rotations = 0; rotations < 8; rotations += 1) {
      for (let step = 0; step < 3; step += 1) {
        vi.setSystemTime(Date.now() + ahead / 3)
        const sofar = verified
        await within(5, async () => verified > sofar + 10 || failures.length > 0)
      }
      expect((await rotation.rotate(live, false)).activated).toHaveLength(1)
    }
    over.abort()
    await Promise.all(load)
    // To their very end, whoever has taken over meanwhile.
    const [first] = kept
    vi.setSystemTime((first?.expiresAt ?? 0) - 5_000)
    for (const [index, { token, expiresAt }] of kept.entries()) if (expiresAt > Date.now()) await verify(token, index)
    vi.useRealTimers()
    await server.stop()
    expect(failures).toEqual([])
    expect(signers.size).toBeGreaterThanOrEqual(8)
    expect(verified).toBeGreaterThan(240)
  })
})
