import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tokenExchangeGrant } from '../../src/oauth/grant-types.ts'
import { accessTokenOf, accessTokenType, exchange, exchanged, exchangeScene, gatewayOf, gatewayScopes, jwtType, playerToken, type ExchangeScene, type Pairs } from '../support/exchange.ts'
import type { RegisteredClient } from '../support/fixtures.ts'
import { basic, introspect, known, postForm, requestToken, send, tokenOf, within, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { statusBelow } from '../support/status.ts'

const unacceptable = 'The subject_token is not acceptable: it must be an active access token of this server, for the resource that the client stands for.'
const unacceptableActor = 'The actor_token is not acceptable: it must be an active access token that was issued to the client, or for the resource that it stands for.'

describe('RFC 8693 token exchange', () => {
  let server: TestServer
  let scene: ExchangeScene
  let ownToken: string
  let subject: string

  beforeAll(async () => {
    server = await startTestServer()
    scene = await exchangeScene(server)
    subject = await tokenOf(server, scene.partner)
    ownToken = await tokenOf(server, scene.gateway)
  })
  afterAll(async () => { await server.stop() })

  const ask = (more: Readonly<Record<string, string>> | Pairs = {}, caller = scene.gateway, token = subject): Promise<Answer> => exchange(server, caller, token, more)

  async function expectRefused (answer: Promise<Answer>, error: string, description: RegExp | string): Promise<void> {
    const { status, json } = await answer
    expect({ status, error: json['error'] }, String(json['error_description'])).toEqual({ status: 400, error })
    expect(String(json['error_description'])).toEqual(typeof description === 'string' ? description : expect.stringMatching(description))
  }

  describe('§2.2.1 the answer', () => {
    it('is an access token for the caller, about the subject: sub, org and env stay, client_id is the caller, exp is no later', async () => {
      const { status, json, headers } = await ask()
      const token = String(json['access_token'])
      const [before, after] = [decodeJwt(subject), decodeJwt(token)]
      expect({ status, json }).toEqual({
        status: 200, json: { access_token: token, token_type: 'Bearer', issued_token_type: accessTokenType, scope: 'tournaments:read', expires_in: Number(after.exp) - Number(after.iat) }
      })
      expect(headers.get('Cache-Control')).toBe('no-store')
      expect(after).toEqual({
        iss: server.issuer,
        sub: scene.partner.id,
        aud: 'https://api.example.com',
        exp: after.exp,
        iat: after.iat,
        jti: after.jti,
        client_id: scene.gateway.id,
        scope: 'tournaments:read',
        org: scene.organization.id,
        env: 'live',
        status: statusBelow(server.issuer)
      })
      expect(after.exp).toBeLessThanOrEqual(Number(before.exp))
      expect(after.jti).toMatch(/^x\.[\w-]{22}$/)
      expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'RS256', typ: 'at+jwt' })
    })

    it('keeps the player of a JWT client\'s token', async () => {
      const token = await exchanged(server, scene.gateway, await playerToken(server, scene.login), { resource: 'https://stats.example.com' })
      expect(decodeJwt(token)).toMatchObject({ sub: `${scene.organization.id}:player-1001`, player_id: 'player-1001', org: scene.organization.id, client_id: scene.gateway.id, aud: 'https://stats.example.com' })
      expect((await introspect(server, scene.statistics, token)).json).toMatchObject({ active: true, player_id: 'player-1001', client_id: scene.gateway.id, org: scene.organization.id, sub: `${scene.organization.id}:player-1001` })
    })

    it.each([[undefined, accessTokenType], [accessTokenType, accessTokenType], [jwtType, jwtType]])('requested_token_type %s is answered with issued_token_type %s', async (requested, issued) => {
      expect((await ask(requested === undefined ? {} : { requested_token_type: requested })).json['issued_token_type']).toBe(issued)
    })

    it.each([accessTokenType, jwtType])('subject_token_type may be %s', async (type) => {
      expect((await ask({ subject_token_type: type })).status).toBe(200)
    })

    it('§2.1 the exchange has no impact on the validity of the subject token and of the actor token', async () => {
      await exchanged(server, scene.gateway, subject, { actor_token: ownToken, actor_token_type: accessTokenType })
      for (const token of [subject, ownToken]) expect((await introspect(server, scene.gateway, token)).json['active']).toBe(true)
    })

    it('expires_in and exp are never more than what the subject token and the actor token have left', async () => {
      const short = await server.fixtures.client({ organizationId: scene.organization.id, scopes: ['tournaments:read'], accessTokenTtlSeconds: 60 })
      const hasty = await server.fixtures.client({ ...gatewayOf(scene), accessTokenTtlSeconds: 120 })
      await known(server, hasty)
      const brief = await tokenOf(server, short)
      const { json } = await ask({}, scene.gateway, brief)
      expect(json['expires_in']).toBeLessThanOrEqual(60)
      expect(decodeJwt(String(json['access_token'])).exp).toBe(decodeJwt(brief).exp)
      const acted = await ask({ actor_token: await tokenOf(server, hasty), actor_token_type: accessTokenType }, scene.gateway)
      expect(acted.json['error']).toBeUndefined()
      expect(acted.json['expires_in']).toBeLessThanOrEqual(120)
      expect((await ask({}, hasty)).json['expires_in']).toBe(120)
    })
  })

  describe('§2.1 the request', () => {
    const malformed: [string, Readonly<Record<string, string>>, RegExp][] = [
      ['without subject_token', { subject_token: '' }, /^subject_token is missing/],
      ['without subject_token_type', { subject_token_type: '' }, /^subject_token_type is missing/],
      ['with a subject_token_type that is none of ours', { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, /^subject_token_type takes urn:/],
      ['with a requested_token_type that the server does not issue', { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }, /^requested_token_type takes urn:/],
      ['with actor_token and without actor_token_type', { actor_token: 'x' }, /^actor_token_type is missing/],
      ['with actor_token_type and without actor_token', { actor_token_type: accessTokenType }, /^actor_token is missing/],
      ['with an actor_token_type that is none of ours', { actor_token: 'x', actor_token_type: 'urn:ietf:params:oauth:token-type:id_token' }, /^actor_token_type takes urn:/],
      ['with a player of its own', { player_id: 'player-1001' }, /leave player_id out/]
    ]
    it.each(malformed)('%s is refused', async (_, more, description) => {
      await expectRefused(ask(more), 'invalid_request', description)
    })

    it('refuses subject_token and actor_token twice, and in the URL', async () => {
      for (const name of ['subject_token', 'subject_token_type', 'actor_token', 'actor_token_type', 'requested_token_type']) {
        await expectRefused(ask([[name, 'a'], [name, 'b']]), 'invalid_request', new RegExp(`${name} is there twice`))
        const answer = postForm(`${server.issuer}/oauth/v2/token?${name}=x`, { grant_type: tokenExchangeGrant }, basic(scene.gateway.id, scene.gateway.secret))
        await expectRefused(answer, 'invalid_request', `Send ${name} in the body, never in the URL.`)
      }
    })

    it('§2.1 takes any kind of client authentication, and none is 401', async () => {
      const form = { grant_type: tokenExchangeGrant, subject_token: subject, subject_token_type: accessTokenType }
      expect((await requestToken(server, scene.gateway, form)).status).toBe(200)
      expect((await postForm(`${server.issuer}/oauth/v2/token`, form)).status).toBe(401)
      expect((await postForm(`${server.issuer}/oauth/v2/token`, form, basic(scene.gateway.id, 'wrong'))).status).toBe(401)
    })

    it('grant_type absent is a mistake beside a subject_token, though client_secret is in the body', async () => {
      await expectRefused(requestToken(server, scene.gateway, { subject_token: subject }), 'invalid_request', /grant_type is missing/)
    })
  })

  describe('who may exchange', () => {
    async function like (change: object): Promise<RegisteredClient> {
      const client = await server.fixtures.client({ ...gatewayOf(scene), ...change })
      await known(server, client)
      return client
    }

    it('only a client that has the grant', async () => {
      await expectRefused(ask({}, await like({ grants: ['client_credentials'] })), 'unauthorized_client', /may not use the grant_type/)
    })

    it('only a client that stands for a resource', async () => {
      await expectRefused(ask({}, await like({ resourceId: null })), 'unauthorized_client', 'Only a client that stands for a resource may exchange tokens.')
    })

    it('no JWT client, whose tokens name its own players: the grant cannot be given to one, nor used by one that has it', async () => {
      await expect(server.fixtures.client({ ...gatewayOf(scene), type: 'jwt' })).rejects.toThrow(/Only a service client can have the grant/)
      const login = await server.fixtures.client({ organizationId: scene.organization.id, type: 'jwt', resourceId: scene.api.id, scopes: gatewayScopes })
      await server.database.client.update({ where: { id: login.id }, data: { grants: [tokenExchangeGrant] } })
      expect(await within(2, async () => (await ask({}, login)).json['error_description'] === 'Only a client that stands for a resource may exchange tokens.')).toBe(true)
    })
  })

  describe('§2.2.2 a subject token that is not acceptable in any way is one invalid_request', () => {
    it('for another resource than the one that the caller stands for', async () => {
      const foreign = accessTokenOf(await requestToken(server, scene.partner, { scope: 'stats:read' }))
      await expectRefused(ask({}, scene.gateway, foreign), 'invalid_request', unacceptable)
    })

    it('of another environment', async () => {
      const common = { environment: 'test' } as const
      const [client, caller] = [await server.fixtures.client({ organizationId: scene.organization.id, scopes: ['tournaments:read'], ...common }), await server.fixtures.client({ ...gatewayOf(scene), ...common })]
      await known(server, caller)
      const token = await tokenOf(server, client)
      await expectRefused(ask({}, scene.gateway, token), 'invalid_request', unacceptable)
      await expectRefused(ask({}, caller, subject), 'invalid_request', unacceptable)
      const ours = await exchanged(server, caller, token)
      expect(decodeJwt(ours)).toMatchObject({ iss: `${server.issuer}/test`, env: 'test' })
      expect((await introspect(server, caller, ours)).json['active']).toBe(true)
    })

    it('garbage, in another spelling, or longer than 8 KiB', async () => {
      for (const token of ['x', 'a.b.c', `${subject}=`, `${subject} `, `${subject.slice(0, -1)}${subject.endsWith('A') ? 'B' : 'A'}`, 'a.'.repeat(4_500), `${'a'.repeat(8_200)}.b.c`]) {
        await expectRefused(ask({}, scene.gateway, token), 'invalid_request', unacceptable)
      }
    })

    it('tells the operator why, under the request id', async () => {
      const { headers } = await ask({}, scene.gateway, 'garbage')
      const line = server.logs.find(({ requestId }) => requestId === headers.get('X-Request-Id'))
      expect(line?.['cause']).toMatch(/^subject token: it is not a JWT/)
    })
  })

  describe('§4.1 act, delegation', () => {
    const acting = (token: string, actor: string, caller = scene.gateway): Promise<Answer> => ask({ actor_token: actor, actor_token_type: accessTokenType }, caller, token)

    it('names the actor, whose token was issued to the caller', async () => {
      const token = accessTokenOf(await acting(subject, ownToken))
      expect(decodeJwt(token)).toMatchObject({ sub: scene.partner.id, act: { sub: scene.gateway.id }, client_id: scene.gateway.id })
      expect(decodeJwt(token)['act']).toEqual({ sub: scene.gateway.id })
      expect((await introspect(server, scene.gateway, token)).json).toMatchObject({ active: true, act: { sub: scene.gateway.id } })
    })

    it('names the actor and its client, whose token is for the resource that the caller stands for', async () => {
      const support = await playerToken(server, scene.login, 'support-7')
      expect(decodeJwt(accessTokenOf(await acting(subject, support)))['act']).toEqual({ sub: `${scene.organization.id}:support-7`, client_id: scene.login.id })
    })

    it('is not there without an actor', async () => {
      expect(decodeJwt(accessTokenOf(await ask()))).not.toHaveProperty('act')
    })

    it('keeps who acted before: nested under a new actor, as it is without one', async () => {
      const first = accessTokenOf(await acting(subject, await playerToken(server, scene.login, 'support-7')))
      const before = { sub: `${scene.organization.id}:support-7`, client_id: scene.login.id }
      expect(decodeJwt(accessTokenOf(await acting(first, ownToken)))['act']).toEqual({ sub: scene.gateway.id, act: before })
      expect(decodeJwt(await exchanged(server, scene.gateway, first))['act']).toEqual(before)
    })

    it('is no deeper than four, and no token is exchanged more than four times in a row', async () => {
      let [acted, plain] = [subject, subject]
      for (let round = 0; round < 4; round += 1) {
        acted = accessTokenOf(await acting(acted, ownToken))
        plain = await exchanged(server, scene.gateway, plain)
      }
      for (const token of [acted, plain]) {
        expect((await introspect(server, scene.gateway, token)).json['active']).toBe(true)
        await expectRefused(ask({}, scene.gateway, token), 'invalid_request', /4 exchanges in a row/)
      }
      expect(JSON.stringify(decodeJwt(acted)['act']).split('"act"')).toHaveLength(4)
    })

    it('an actor token that is not acceptable in any way is one invalid_request: garbage, inactive, another\'s for another resource, of another environment, exchanged', async () => {
      const tester = await server.fixtures.client({ organizationId: scene.organization.id, environment: 'test', scopes: ['tournaments:read'] })
      await known(server, tester)
      const foreign = accessTokenOf(await requestToken(server, scene.partner, { scope: 'stats:read' }))
      for (const actor of ['garbage', `${ownToken}x`, foreign, await tokenOf(server, tester), await exchanged(server, scene.gateway, subject)]) {
        await expectRefused(acting(subject, actor), 'invalid_request', unacceptableActor)
      }
      expect((await acting(subject, accessTokenOf(await requestToken(server, scene.gateway, { scope: 'stats:read' })))).status).toBe(200)
    })
  })

  describe('what the new token may be for', () => {
    const targets = async (more: Readonly<Record<string, string>> | Pairs, caller = scene.gateway, token = subject): Promise<unknown> => {
      const answer = await ask(more, caller, token)
      return [decodeJwt(accessTokenOf(answer)).aud, answer.json['scope']]
    }
    let full: string

    beforeAll(async () => { full = await tokenOf(server, scene.partner, 'tournaments:read tournaments:write tournaments:delete') })

    it('without scope and resource: the resource that the caller stands for, with the scopes of the subject token that the caller has', async () => {
      expect(await targets({})).toEqual(['https://api.example.com', 'tournaments:read'])
      expect(await targets({}, scene.gateway, full)).toEqual(['https://api.example.com', 'tournaments:read tournaments:write'])
    })

    it('down-scoping: fewer of the subject token\'s scopes, never one that it does not have, though the caller has it', async () => {
      expect(await targets({ scope: 'tournaments:write' }, scene.gateway, full)).toEqual(['https://api.example.com', 'tournaments:write'])
      await expectRefused(ask({ scope: 'tournaments:write' }), 'invalid_scope', /does not allow these scopes: tournaments:write/)
      await expectRefused(ask({ scope: 'tournaments:read tournaments:write', resource: 'https://api.example.com' }), 'invalid_scope', /does not allow these scopes: tournaments:write/)
    })

    it('never one that the caller does not have, though the subject token has it', async () => {
      await expectRefused(ask({ scope: 'tournaments:delete' }, scene.gateway, full), 'invalid_scope', /not granted to this client: tournaments:delete/)
      await expectRefused(ask({ scope: 'stats:delete', resource: 'https://stats.example.com' }), 'invalid_scope', /not granted to this client: stats:delete/)
    })

    it.each([['resource', 'resource'], ['audience', 'audience']])('§2.1 %s names another resource, of which the caller gets its default scopes or those that it names', async (_, name) => {
      expect(await targets({ [name]: 'https://stats.example.com' })).toEqual(['https://stats.example.com', 'stats:read'])
      expect(await targets({ [name]: 'https://stats.example.com', scope: 'stats:write' })).toEqual(['https://stats.example.com', 'stats:write'])
      expect(await targets({ [name]: 'https://api.example.com' })).toEqual(['https://api.example.com', 'tournaments:read'])
    })

    it('a scope says the resource too', async () => {
      expect(await targets({ scope: 'stats:read' })).toEqual(['https://stats.example.com', 'stats:read'])
    })

    it('§2.2.2, S51 unknown, relative, with a fragment, disabled or outside the policy of the client: invalid_target', async () => {
      await server.fixtures.resource('https://elsewhere.example.com', { 'elsewhere:read': true })
      const careful = await server.fixtures.client({ ...gatewayOf(scene), scopes: [...gatewayScopes, 'elsewhere:read'] })
      await known(server, careful)
      for (const target of ['https://unknown.example.com', 'https://elsewhere.example.com']) {
        for (const name of ['resource', 'audience']) await expectRefused(ask({ [name]: target }, careful), 'invalid_target', /resource https:\/\/(unknown|elsewhere)/)
        await expectRefused(ask([['resource', 'https://stats.example.com'], ['audience', target]], careful), 'invalid_target', /resource https:\/\/(unknown|elsewhere)/)
      }
      await expectRefused(ask({ resource: 'stats' }), 'invalid_target', /absolute URI/)
      await expectRefused(ask({ resource: 'https://stats.example.com#x' }), 'invalid_target', /absolute URI/)
      await expectRefused(ask({ audience: 'stats' }), 'invalid_target', 'There is no resource stats.')
      await expectRefused(ask({ scope: 'elsewhere:read' }, careful), 'invalid_scope', /may not exchange tokens for the resource of these scopes: elsewhere:read/)
    })

    it('a client without a policy may only down-scope', async () => {
      const modest = await server.fixtures.client({ ...gatewayOf(scene), exchangeResources: [] })
      await known(server, modest)
      expect(await targets({}, modest)).toEqual(['https://api.example.com', 'tournaments:read'])
      await expectRefused(ask({ audience: 'https://stats.example.com' }, modest), 'invalid_target', 'This client may not exchange tokens for the resource https://stats.example.com.')
      await expectRefused(ask({ scope: 'stats:read' }, modest), 'invalid_scope', /stats:read/)
    })

    it('nothing in common with the subject token, and no default scopes: invalid_scope', async () => {
      const poor = await server.fixtures.client({ ...gatewayOf(scene), scopes: ['tournaments:write'] })
      await known(server, poor)
      await expectRefused(ask({}, poor), 'invalid_scope', /none of the scopes of the subject_token/)
      await expectRefused(ask({ resource: 'https://stats.example.com' }, poor), 'invalid_target', 'This client has no scopes of the resource https://stats.example.com.')
    })

    it('row 14: several resources only where each allows it and is named, by resource or audience', async () => {
      const both: Pairs = [['resource', 'https://api.example.com'], ['audience', 'https://stats.example.com'], ['scope', 'tournaments:read stats:read']]
      await expectRefused(ask(both), 'invalid_scope', /different resources/)
      await server.database.resource.updateMany({ data: { allowsMixing: true } })
      expect(await within(2, async () => (await ask(both)).status === 200)).toBe(true)
      const mixed = accessTokenOf(await ask(both))
      expect(decodeJwt(mixed).aud).toEqual(['https://api.example.com', 'https://stats.example.com'])
      await expectRefused(ask({ scope: 'tournaments:read stats:read' }), 'invalid_scope', /different resources/)
      // Of a subject token for both, what is for the other resource is bounded by its scopes, too.
      await expectRefused(ask({ scope: 'stats:write', resource: 'https://stats.example.com' }, scene.gateway, mixed), 'invalid_scope', /does not allow these scopes: stats:write/)
      expect((await ask({ scope: 'stats:write', resource: 'https://stats.example.com' })).status).toBe(200)
    })
  })

  it('the metadata lists the grant', async () => {
    expect((await send(`${server.issuer}/.well-known/oauth-authorization-server`)).json['grant_types_supported']).toContain(tokenExchangeGrant)
  })
})
