import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { compact, partsOf, rs256, signingKeyOf } from '../support/forged-tokens.ts'
import { basic, introspect, known, postForm, requestToken, revoke, send, within, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { statusBelow } from '../support/status.ts'

describe('JWT clients: client_credentials with player_id', () => {
  let server: TestServer
  let scene: Scene
  let login: RegisteredClient

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    login = await server.fixtures.client({ organizationId: scene.organization.id, type: 'jwt', scopes: ['tournaments:read'] })
    await known(server, login)
  })
  afterAll(async () => { await server.stop() })

  const forPlayer = (playerId: string, client = login): Promise<Answer> => requestToken(server, client, { player_id: playerId })

  it('the token is bound to the player: sub names organization and player, player_id the player as the backend gave it', async () => {
    const { status, json } = await forPlayer('Zoë/7 :+%😀')
    expect({ status, scope: json['scope'], expiresIn: json['expires_in'] }).toEqual({ status: 200, scope: 'tournaments:read', expiresIn: 90_000 })
    const claims = decodeJwt(String(json['access_token']))
    expect(claims).toEqual({
      iss: server.issuer,
      sub: `${scene.organization.id}:Zoë/7 :+%😀`,
      player_id: 'Zoë/7 :+%😀',
      aud: 'https://api.example.com',
      exp: Number(claims.iat) + 90_000,
      iat: claims.iat,
      jti: claims.jti,
      client_id: login.id,
      scope: 'tournaments:read',
      org: scene.organization.id,
      env: 'live',
      status: statusBelow(server.issuer)
    })
  })

  it('two organizations may call their players alike: the subjects differ', async () => {
    const other = await server.fixtures.client({ organizationId: (await server.fixtures.organization()).id, type: 'jwt', scopes: ['tournaments:read'] })
    await known(server, other)
    const subjects = await Promise.all([login, other].map(async (client) => decodeJwt(String((await forPlayer('1', client)).json['access_token'])).sub))
    expect(new Set(subjects).size).toBe(2)
  })

  it('works with Basic credentials too, and without grant_type beside client_secret', async () => {
    const { status } = await postForm(`${server.issuer}/oauth/v2/token`, { grant_type: 'client_credentials', player_id: '1' }, basic(login.id, login.secret))
    expect(status).toBe(200)
  })

  it('introspection tells the API which player it is, and revocation ends the token', async () => {
    const token = String((await forPlayer('player-1001')).json['access_token'])
    expect((await introspect(server, scene.api, token)).json).toMatchObject({ active: true, player_id: 'player-1001', sub: `${scene.organization.id}:player-1001`, client_id: login.id })
    expect((await revoke(server, scene.partner, token)).json).toMatchObject({ error: 'unauthorized_client' })
    expect((await revoke(server, login, token)).status).toBe(200)
    expect((await introspect(server, scene.api, token)).text).toBe('{"active":false}')
  })

  it.each([['nothing', {}], ['an empty player_id', { player_id: '' }]])('a JWT client\'s tokens always name a player: %s is refused', async (_, parameters) => {
    const { status, json } = await requestToken(server, login, parameters)
    expect({ status, json }).toMatchObject({ status: 400, json: { error: 'invalid_request', error_description: 'player_id is missing: the tokens of a JWT client name a player.' } })
  })

  const malformed: [string, string][] = [
    ['256 characters', 'x'.repeat(256)], ['a space at its start', ' x'], ['a space at its end', 'x '], ['an invisible character', 'a\u200Bb'], ['a line separator', 'a\u2028b'], ['a mark of direction', 'a\u202Eb']
  ]
  it.each(malformed)('a player_id with %s is refused', async (_, playerId) => {
    const { status, json } = await forPlayer(playerId)
    expect({ status, error: json['error'] }).toEqual({ status: 400, error: 'invalid_request' })
    expect(json['error_description']).toContain('1 to 255 printable characters')
  })

  it('a player_id of 255 characters of four bytes each fits into a token', async () => {
    const { status, json } = await forPlayer('😀'.repeat(255))
    expect(status).toBe(200)
    expect(decodeJwt(String(json['access_token']))['player_id']).toBe('😀'.repeat(255))
  })

  it('a service client that names a player is refused, with scopes or without', async () => {
    const { status, json } = await forPlayer('1', scene.partner)
    expect({ status, json }).toMatchObject({ status: 400, json: { error: 'invalid_request', error_description: expect.stringMatching(/no JWT client/) as string } })
  })

  it('a player in the URL is refused, for URLs end up in logs', async () => {
    const { status, json } = await send(`${server.issuer}/oauth/v2/token?player_id=1`, { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } })
    expect({ status, error: json['error'] }).toEqual({ status: 400, error: 'invalid_request' })
  })

  it('scopes never exceed the client\'s', async () => {
    expect((await requestToken(server, login, { player_id: '1', scope: 'tournaments:write' })).json).toMatchObject({ error: 'invalid_scope' })
  })

  it('a wrong secret is refused before the player is looked at', async () => {
    expect((await requestToken(server, { ...login, secret: 'wrong' }, {})).status).toBe(401)
  })

  it('S38 a token of a JWT client without a player, or of a service client with one, is none, truly signed or not', async () => {
    const { header, claims } = partsOf(String((await forPlayer('player-1001')).json['access_token']))
    const signer = rs256(await signingKeyOf(server))
    const active = async (changed: object): Promise<unknown> => (await introspect(server, scene.api, compact(header, { ...claims, ...changed }, signer))).json['active']
    expect(await active({ jti: 'another-identifier' })).toBe(true)
    expect(await active({ player_id: undefined })).toBe(false)
    expect(await active({ client_id: scene.partner.id })).toBe(false)
  })

  it('the type of a client stays for good, whoever writes', async () => {
    await expect(server.database.$executeRaw`UPDATE clients SET type = 'service' WHERE id = ${login.id}`).rejects.toThrow(/stays for good/)
    await server.database.$executeRaw`UPDATE clients SET name = 'Renamed', type = 'jwt' WHERE id = ${login.id}`
    expect(await within(1, async () => (await forPlayer('1')).status === 200)).toBe(true)
  })
})
