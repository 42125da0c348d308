import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { introspect, known, requestToken, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let scene: Scene
let partner: RegisteredClient

beforeAll(async () => {
  server = await startTestServer()
  scene = await server.fixtures.scene()
  partner = scene.partner
  await known(server, scene.api)
})
afterAll(async () => { await server.stop() })

async function answersWithin (seconds: number, expected: number): Promise<boolean> {
  return await within(seconds, async () => (await requestToken(server, partner, { scope: 'tournaments:read' })).json['expires_in'] === expected)
}

async function setLifetimes (client: number | null, resource: number | null): Promise<void> {
  await server.database.client.update({ where: { id: partner.id }, data: { accessTokenTtlSeconds: client } })
  await server.database.resource.update({ where: { id: scene.resource.id }, data: { accessTokenTtlSeconds: resource } })
}

describe('the lifetime of access tokens', () => {
  it.each([
    { client: null, resource: null, expected: 90_000 },
    { client: 60, resource: null, expected: 60 },
    { client: 2_592_000, resource: null, expected: 2_592_000 },
    { client: null, resource: 300, expected: 300 },
    { client: 86_400, resource: 300, expected: 300 },
    { client: 120, resource: 300, expected: 120 }
  ])('is $expected s where the client has $client and the resource $resource', async ({ client, resource, expected }) => {
    await setLifetimes(client, resource)
    expect(await answersWithin(1, expected)).toBe(true)
    const { json } = await requestToken(server, partner, { scope: 'tournaments:read' })
    const token = String(json['access_token'])
    const { exp = 0, iat = 0 } = decodeJwt(token)
    expect(exp - iat).toBe(expected)
    expect((await introspect(server, scene.api, token)).json).toMatchObject({ active: true, exp })
  })

  it.each([59, 2_592_001, 0, -1])('cannot be %i s: the database refuses what is below 60 s or above 30 days', async (seconds) => {
    await expect(setLifetimes(seconds, null)).rejects.toThrow('access_token_ttl_seconds_bounds')
    await expect(setLifetimes(null, seconds)).rejects.toThrow('access_token_ttl_seconds_bounds')
  })
})
