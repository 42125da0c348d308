import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needsSealedSecrets, openSecret, sealSecret } from '../../src/clients/sealed-secret.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

describe('client secrets that can be recovered', () => {
  let server: TestServer
  let organizationId: string

  beforeAll(async () => {
    server = await startTestServer()
    organizationId = (await server.fixtures.organization()).id
    await server.fixtures.resource('https://api.example.com', { 'tournaments:read': true })
  })
  afterAll(async () => { await server.stop() })

  async function sealedSecrets (clientId: string): Promise<readonly { readonly id: string, readonly sealedSecret: string | null }[]> {
    return await server.database.clientSecret.findMany({ where: { clientId }, select: { id: true, sealedSecret: true }, orderBy: { createdAt: 'asc' } })
  }

  async function forAssertions (): Promise<{ readonly id: string, readonly secretId: string, readonly secret: string }> {
    const { id } = await server.fixtures.client({ organizationId })
    await server.database.client.update({ where: { id }, data: { authenticationMethods: ['client_secret_jwt'] } })
    return { id, ...await server.fixtures.addSecret(id) }
  }

  it('are kept for clients whose assertions are checked with them, and for no other', async () => {
    const service = await server.fixtures.client({ organizationId })
    await server.fixtures.addSecret(service.id)
    expect((await sealedSecrets(service.id)).map(({ sealedSecret }) => sealedSecret)).toEqual([null, null])
    const { id, secret } = await forAssertions()
    const [before, after] = await sealedSecrets(id)
    expect(before?.sealedSecret).toBeNull()
    expect(after === undefined ? undefined : openSecret(server.prepared.sealer, id, after)?.toString()).toBe(secret)
    expect(needsSealedSecrets({ type: 'service', authenticationMethods: ['client_secret_basic', 'private_key_jwt'] })).toBe(false)
    expect(needsSealedSecrets({ type: 'jwt', authenticationMethods: ['client_secret_post'] })).toBe(true)
    expect(needsSealedSecrets({ type: 'jwt', authenticationMethods: ['private_key_jwt'] })).toBe(false)
  })

  it('open for the client and the secret that they were sealed for, and for no other', async () => {
    const { id, secretId } = await forAssertions()
    const sealedSecret = (await sealedSecrets(id)).at(-1)?.sealedSecret ?? ''
    const { sealer } = server.prepared
    expect(openSecret(sealer, id, { id: secretId, sealedSecret })).toBeDefined()
    expect(() => openSecret(sealer, 'cl_live_another', { id: secretId, sealedSecret })).toThrow('altered or damaged')
    expect(() => openSecret(sealer, id, { id: 'another', sealedSecret })).toThrow('altered or damaged')
    expect(openSecret(sealer, id, { id: secretId, sealedSecret: null })).toBeUndefined()
  })

  it('RFC 7518 §3.2 are not kept when they are too short for a key', () => {
    const { sealer } = server.prepared
    expect(sealSecret(sealer, 'cl_live_x', 'y', 'x'.repeat(31))).toBeNull()
    expect(sealSecret(sealer, 'cl_live_x', 'y', 'x'.repeat(32))).not.toBeNull()
  })

  it('are forgotten with the need for them: whoever revokes the secret, or takes the method away', async () => {
    const { id, secretId } = await forAssertions()
    const other = await server.fixtures.addSecret(id)
    const kept = async (): Promise<string[]> => (await sealedSecrets(id)).filter(({ sealedSecret }) => sealedSecret !== null).map((secret) => secret.id)
    expect((await kept()).sort()).toEqual([secretId, other.secretId].sort())
    await server.database.$executeRaw`UPDATE client_secrets SET revoked_at = now() WHERE id = ${secretId}`
    expect(await kept()).toEqual([other.secretId])
    await server.database.$executeRaw`UPDATE clients SET name = 'Renamed' WHERE id = ${id}`
    expect(await kept()).toEqual([other.secretId])
    await server.database.$executeRaw`UPDATE clients SET authentication_methods = '{client_secret_basic}' WHERE id = ${id}`
    expect(await kept()).toEqual([])
    await server.database.$executeRaw`UPDATE client_secrets SET sealed_secret = 'v1.x.y.z' WHERE id = ${other.secretId}`
    expect(await kept()).toEqual([])
  })
})
