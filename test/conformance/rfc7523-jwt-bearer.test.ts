import { randomBytes } from 'node:crypto'
import { decodeJwt, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jwtBearerGrant } from '../../src/oauth/grant-types.ts'
import { clientAssertionType } from '../../src/oauth/parameters.ts'
import { assertionBy, assertionClaims, macWith, newPair, withAssertion, type Pair } from '../support/assertions.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { compact, unsigned, type Part } from '../support/forged-tokens.ts'
import { replayRaces } from '../support/races.ts'
import { basic, introspect, known, postForm, within, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { importSecret } from '../support/stored-secrets.ts'

/** One body for every cause. */
const refused = { error: 'invalid_grant', error_description: 'The assertion is not acceptable: check its claims and its signature, and send it once.' }

describe('RFC 7523 §2.1 JWTs as authorization grants', () => {
  let server: TestServer
  let scene: Scene
  let login: RegisteredClient
  let tester: RegisteredClient
  let pair: Pair
  let now = 1_800_000_000_000

  beforeAll(async () => {
    server = await startTestServer({ clock: () => now })
    scene = await server.fixtures.scene()
    await server.fixtures.resource('https://chat.example.com', { 'chat:read': false })
    login = await server.fixtures.client({ organizationId: scene.organization.id, type: 'jwt', scopes: ['tournaments:read', 'tournaments:write', 'chat:read'] })
    tester = await server.fixtures.client({ organizationId: scene.organization.id, type: 'jwt', environment: 'test', scopes: ['tournaments:read'] })
    pair = newPair('ES256')
    await server.fixtures.addKey(login.id, pair.jwk)
    await known(server, tester)
  })
  afterAll(async () => { await server.stop() })

  /** What a well-behaved backend says, changed. */
  function claims (changed: Part = {}, client = login): Part {
    return { ...assertionClaims(server.issuer, client.id, now), sub: 'player-1001', ...changed }
  }

  function signed (changed: Part = {}, header: Part = {}, secret = login.secret): string {
    return compact({ alg: 'HS256', ...header }, claims(changed), macWith(secret))
  }

  function exchange (assertion: string, parameters: Readonly<Record<string, string>> = {}, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return postForm(`${server.issuer}/oauth/v2/token`, { grant_type: jwtBearerGrant, assertion, ...parameters }, headers)
  }

  async function expectRefused (assertion: string, parameters: Readonly<Record<string, string>> = {}): Promise<void> {
    const { status, json, headers } = await exchange(assertion, parameters)
    expect({ status, json }).toEqual({ status: 400, json: { ...refused, error_uri: json['error_uri'] } })
    expect(headers.get('www-authenticate')).toBeNull()
  }

  function lastCause (): string {
    return JSON.stringify(server.logs.filter((line) => JSON.stringify(line).includes('invalid_grant')).at(-1))
  }

  it('R11 a client that may show no secret signs with none, and its key is enough', async () => {
    const moved = await server.fixtures.client({ organizationId: scene.organization.id, type: 'jwt', scopes: ['tournaments:read'] })
    const key = newPair('ES256')
    await server.fixtures.addKey(moved.id, key.jwk)
    await known(server, moved)
    const bySecret = (): string => compact({ alg: 'HS256' }, claims({}, moved), macWith(moved.secret))
    expect((await exchange(bySecret())).status).toBe(200)
    await server.database.client.update({ where: { id: moved.id }, data: { authenticationMethods: ['private_key_jwt'] } })
    expect(await server.database.clientSecret.count({ where: { clientId: moved.id, sealedSecret: { not: null } } })).toBe(0)
    expect(await within(2, async () => (await exchange(bySecret())).status === 400)).toBe(true)
    await expectRefused(bySecret())
    expect((await exchange(assertionBy(key, claims({}, moved), { typ: 'JWT' }))).status).toBe(200)
  })

  it('the token is the player\'s, and the API learns so', async () => {
    const { status, json } = await exchange(signed({ scope: 'tournaments:write' }))
    expect({ status, json }).toMatchObject({ status: 200, json: { token_type: 'Bearer', expires_in: 90_000, scope: 'tournaments:write' } })
    const token = String(json['access_token'])
    expect(decodeJwt(token)).toMatchObject({ sub: `${scene.organization.id}:player-1001`, player_id: 'player-1001', client_id: login.id, org: scene.organization.id, scope: 'tournaments:write', iss: server.issuer })
    expect((await introspect(server, scene.api, token)).json).toMatchObject({ active: true, player_id: 'player-1001' })
  })

  it('a player may have 255 characters of four bytes, and the ones that JSON can say but a player cannot have are refused', async () => {
    expect((await exchange(signed({ sub: '😀'.repeat(255) }))).status).toBe(200)
    for (const sub of ['😀'.repeat(256), '', ' x', 'a\u0000b', 'a\nb', 'a\u202Eb', 7, null, undefined, ['player-1001']]) await expectRefused(signed({ sub }))
    await expectRefused(compact({ alg: 'HS256' }, JSON.stringify(claims()).replace('player-1001', 'a\\ud800'), macWith(login.secret)))
  })

  it.each([['HS256', 'sha256'], ['HS384', 'sha384'], ['HS512', 'sha512']])('may be signed %s with the secret', async (alg, hash) => {
    const assertion = compact({ alg, typ: 'JWT' }, claims(), macWith(login.secret, hash))
    expect((await exchange(assertion)).status).toBe(200)
  })

  it('may be signed with any usable secret, which kid may name, or with a registered key', async () => {
    const { secretId, secret } = await server.fixtures.addSecret(login.id)
    const [firstId = ''] = login.client.secrets.keys()
    expect(await within(1, async () => (await exchange(signed({}, {}, secret))).status === 200)).toBe(true)
    expect((await exchange(signed({}, { kid: secretId }, secret))).status).toBe(200)
    expect((await exchange(signed({}, { kid: firstId }))).status).toBe(200)
    await expectRefused(signed({}, { kid: firstId }, secret))
    await expectRefused(signed({}, { kid: '../../etc/passwd' }))
    expect((await exchange(assertionBy(pair, claims(), { typ: 'JWT' }))).status).toBe(200)
    await expectRefused(assertionBy(newPair('ES256', pair.kid), claims(), { typ: 'JWT' }))
    await server.database.$executeRaw`UPDATE client_secrets SET revoked_at = now() WHERE id = ${secretId}`
    expect(await within(1, async () => (await exchange(signed({}, {}, secret))).status === 400)).toBe(true)
    await expectRefused(signed({}, { kid: secretId }, secret))
    expect((await exchange(signed())).status).toBe(200)
  })

  it('every one of ten secrets signs, without a kid', async () => {
    const client = await server.fixtures.client({ organizationId: scene.organization.id, type: 'jwt', scopes: ['tournaments:read'] })
    const secrets = [client.secret]
    while (secrets.length < 10) secrets.push((await server.fixtures.addSecret(client.id)).secret)
    await within(2, async () => (await exchange(compact({ alg: 'HS256' }, claims({}, client), macWith(secrets.at(-1) ?? '')))).status === 200)
    for (const secret of secrets) expect((await exchange(compact({ alg: 'HS256' }, claims({}, client), macWith(secret)))).status).toBe(200)
  })

  it('a client whose secrets all are imported and too short for a key signs nothing with them', async () => {
    const client = await server.fixtures.client({ organizationId: scene.organization.id, type: 'jwt', scopes: ['tournaments:read'] })
    await importSecret(server, client.id, 'short-but-usable')
    await known(server, client)
    await expectRefused(compact({ alg: 'HS256' }, claims({}, client), macWith('short-but-usable')))
  })

  it('a library\'s assertion is accepted: jose, with an audience in an array and numeric dates', async () => {
    const assertion = await new SignJWT({ scope: 'tournaments:read' }).setProtectedHeader({ alg: 'HS256' }).setIssuer(login.id).setSubject('player-1001')
      .setAudience([server.issuer]).setIssuedAt(now / 1000).setExpirationTime(now / 1000 + 120).setJti(randomBytes(16).toString('hex')).sign(new TextEncoder().encode(login.secret))
    expect((await exchange(assertion)).status).toBe(200)
  })

  it('S27 aud may be the issuer of the client\'s environment or the token endpoint, and nothing besides', async () => {
    const endpoint = `${server.issuer}/oauth/v2/token`
    for (const aud of [server.issuer, endpoint, [server.issuer], [endpoint]]) expect((await exchange(signed({ aud }))).status).toBe(200)
    for (const aud of [`${server.issuer}/test`, `${server.issuer}/`, 'https://other.example', [server.issuer, 'https://other.example'], [server.issuer, endpoint], [], '', undefined, 7]) await expectRefused(signed({ aud }))
    for (const [aud, status] of [[`${server.issuer}/test`, 200], [endpoint, 200], [server.issuer, 400]] as const) {
      expect((await exchange(compact({ alg: 'HS256' }, claims({ aud }, tester), macWith(tester.secret)))).status).toBe(status)
    }
  })

  it.each(['iss', 'sub', 'aud', 'exp', 'jti'])('S28 an assertion without %s is refused', async (name) => {
    await expectRefused(signed({ [name]: undefined }))
  })

  it('S25 S30 exp, nbf and iat are numbers of now: 8 seconds of skew are accepted, 60 are refused, and exp is at most 5 minutes ahead', async () => {
    const seconds = now / 1000
    for (const times of [{ exp: seconds - 8 }, { exp: seconds + 300 }, { nbf: seconds + 8 }, { iat: seconds + 8 }, { exp: seconds + 308 }]) expect((await exchange(signed(times))).status).toBe(200)
    for (const times of [{ exp: seconds - 60 }, { exp: seconds + 360 }, { exp: seconds + 86_400 }, { nbf: seconds + 60 }, { iat: seconds + 60 }, { exp: String(seconds + 60) }, { exp: 1e300 }, { exp: null }, { exp: -1 }]) {
      await expectRefused(signed(times))
    }
  })

  it('each assertion works once, and shares its jti with the client assertions of its client', async () => {
    const assertion = signed()
    expect((await exchange(assertion)).status).toBe(200)
    await expectRefused(assertion)
    expect(lastCause()).toContain('its jti was used before')
    const jti = randomBytes(16).toString('hex')
    expect((await exchange(signed({ jti }))).status).toBe(200)
    await expectRefused(signed({ jti, sub: 'player-1002' }))
    now += 1_000_000
    await expectRefused(assertion)
    expect((await exchange(signed())).status).toBe(200)
  })

  it('S29 of 50 uses of one assertion at the same moment, by two servers on one database, one wins', { timeout: 20_000 * replayRaces }, async () => {
    const sibling = await server.startSibling()
    for (let race = 0; race < replayRaces; race += 1) {
      const assertion = signed()
      const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => postForm(`${index % 2 === 0 ? server.origin : sibling.origin}/oauth/v2/token`, { grant_type: jwtBearerGrant, assertion })))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(answers.filter(({ json }) => json['error'] === 'invalid_grant')).toHaveLength(49)
    }
  })

  it('S42 it is not accepted when its use cannot be stored: 503, and nothing is issued', async () => {
    await server.database.$executeRaw`ALTER TABLE used_identifiers RENAME TO used_identifiers_away`
    const { status, json } = await exchange(signed())
    await server.database.$executeRaw`ALTER TABLE used_identifiers_away RENAME TO used_identifiers`
    expect({ status, error: json['error'] }).toEqual({ status: 503, error: 'temporarily_unavailable' })
  })

  it('S18 S19 S21 S23 R33 nobody gets in with alg none, a public key as the secret, crit, JWE or a bomb', async () => {
    for (const alg of ['none', 'None', 'NONE', '']) for (const signer of [unsigned, macWith(login.secret)]) await expectRefused(compact({ alg }, claims(), signer))
    const publicForms = [pair.publicKey.export({ type: 'spki', format: 'pem' }), pair.publicKey.export({ type: 'spki', format: 'der' }), JSON.stringify(pair.jwk)]
    for (const form of publicForms) for (const kid of [undefined, pair.kid]) await expectRefused(compact({ alg: 'HS256', kid }, claims(), macWith(form)))
    for (const key of ['', '\0'.repeat(32), login.id]) await expectRefused(signed({}, {}, key))
    await expectRefused(signed({}, { crit: ['exp'] }))
    await expectRefused(signed({}, { alg: 'HS257' }))
    await expectRefused(signed({}, { alg: 'constructor' }))
    for (const text of ['x', 'a.b', 'a.b.c.d.e', `${signed()}=`, `${signed()}\u0020`, '.'.repeat(1_000), `${signed()}.`, signed({ padding: 'x'.repeat(9_000) })]) await expectRefused(text)
    await expectRefused(compact({ alg: 'HS256' }, `${'['.repeat(2_000)}${']'.repeat(2_000)}`, macWith(login.secret)))
  })

  it('S20 keys that the assertion brings are not looked at', async () => {
    const stranger = newPair('ES256')
    const brought = { jwk: stranger.jwk, jku: `${server.issuer}/jwks`, x5u: 'http://127.0.0.1:1/x', x5c: ['MIIB'], typ: 'JWT' }
    await expectRefused(assertionBy(stranger, claims(), brought))
    expect((await exchange(assertionBy(pair, claims(), { ...brought, jwk: stranger.jwk }))).status).toBe(200)
  })

  it('a client assertion is no grant, and a grant is no client assertion, whatever its typ', async () => {
    await expectRefused(assertionBy(pair, claims()))
    await expectRefused(assertionBy(pair, claims({ sub: login.id }), { typ: 'JWT' }))
    await server.database.$executeRaw`UPDATE clients SET authentication_methods = array_append(authentication_methods, 'private_key_jwt') WHERE id = ${login.id}`
    const own = (changed: Part): string => assertionBy(pair, claims({ sub: login.id, ...changed }), { typ: 'JWT' })
    expect(await within(1, async () => (await withAssertion(server, own({}), { player_id: '1' })).status === 200)).toBe(true)
    expect((await withAssertion(server, own({ sub: 'player-1001' }), { player_id: '1' })).status).toBe(401)
    expect((await withAssertion(server, own({}), { grant_type: jwtBearerGrant, player_id: '1' })).json).toMatchObject({ error: 'invalid_request', error_description: expect.stringMatching(/^assertion is missing/) as string })
  })

  it('S4 S32 whatever is wrong the body is the same: no such client, another\'s secret, a disabled client, an expired secret', async () => {
    const organizationId = scene.organization.id
    const [disabled, other] = await Promise.all([1, 2].map(() => server.fixtures.client({ organizationId, type: 'jwt', scopes: ['tournaments:read'] })))
    if (disabled === undefined || other === undefined) throw new Error('no client')
    await server.database.client.update({ where: { id: disabled.id }, data: { disabledAt: new Date() } })
    const expired = await server.fixtures.addSecret(other.id, new Date(now - 1))
    await known(server, other)
    const by = (client: RegisteredClient, secret: string): string => compact({ alg: 'HS256' }, claims({}, client), macWith(secret))
    await expectRefused(by({ ...other, id: 'cl_live_nobody' }, other.secret))
    await expectRefused(by({ ...other, id: 'x'.repeat(200) }, other.secret))
    await expectRefused(by(login, other.secret))
    await expectRefused(by(disabled, disabled.secret))
    await expectRefused(by(other, expired.secret))
    await expectRefused(by(scene.partner, scene.partner.secret))
    expect((await exchange(by(other, other.secret))).status).toBe(200)
  })

  it('a service client may not do this: unauthorized_client for what it signs with its key, whatever the database says it may', async () => {
    const own = newPair('EdDSA')
    const { id } = await server.fixtures.signingClient({ organizationId: scene.organization.id, keys: [own], scopes: ['tournaments:read'] })
    const ask = (): Promise<Answer> => exchange(assertionBy(own, { ...claims(), iss: id }, { typ: 'JWT' }))
    expect(await within(1, async () => (await ask()).json['error'] === 'unauthorized_client')).toBe(true)
    await server.database.client.update({ where: { id }, data: { grants: ['client_credentials', jwtBearerGrant] } })
    expect(await within(1, async () => String((await ask()).json['error_description']).startsWith('Only a JWT client may use'))).toBe(true)
    expect((await ask()).json).toMatchObject({ error: 'unauthorized_client' })
  })

  it('a JWT client that was not given the grant may not use it', async () => {
    const client = await server.fixtures.client({ organizationId: scene.organization.id, type: 'jwt', grants: ['client_credentials'], scopes: ['tournaments:read'] })
    await known(server, client)
    const { status, json } = await exchange(compact({ alg: 'HS256' }, claims({}, client), macWith(client.secret)))
    expect({ status, error: json['error'] }).toEqual({ status: 400, error: 'unauthorized_client' })
  })

  it('S5 any other client authentication beside it is a second kind', async () => {
    const twice = 'Authenticate the client in one way only: several were sent at once.'
    const both = { client_id: login.id, client_secret: login.secret }
    expect((await exchange(signed(), both)).json).toMatchObject({ error: 'invalid_request', error_description: twice })
    expect((await exchange(signed(), {}, basic(login.id, login.secret))).json).toMatchObject({ error: 'invalid_request', error_description: twice })
    expect((await exchange(signed(), { client_assertion: signed(), client_assertion_type: clientAssertionType })).json).toMatchObject({ error: 'invalid_request', error_description: twice })
    expect((await exchange('no assertion at all', both)).json).toMatchObject({ error_description: twice })
  })

  it('client_id beside it names the same client', async () => {
    expect((await exchange(signed(), { client_id: login.id })).status).toBe(200)
    expect((await exchange(signed(), { client_id: tester.id })).json).toMatchObject({ error: 'invalid_request', error_description: 'The client_id in the body is not the one in the assertion.' })
  })

  it('without an assertion: nobody is authenticated, and a client that is by its secret is told what is missing', async () => {
    expect((await postForm(`${server.issuer}/oauth/v2/token`, { grant_type: jwtBearerGrant })).status).toBe(401)
    expect((await exchange('', { client_id: login.id, client_secret: login.secret })).json).toMatchObject({ error: 'invalid_request', error_description: expect.stringMatching(/^assertion is missing/) as string })
    expect((await postForm(`${server.issuer}/oauth/v2/token`, { assertion: signed() })).json).toMatchObject({ error: 'invalid_request', error_description: expect.stringMatching(/^grant_type is missing/) as string })
  })

  it('player_id beside it is refused, for the assertion names the player', async () => {
    expect((await exchange(signed(), { player_id: 'player-1001' })).json).toMatchObject({ error: 'invalid_request', error_description: 'The player is the sub of the assertion: leave player_id out.' })
  })

  it('its scope limits what is asked for, and is what is asked for where the request has none; scopes never exceed the client\'s', async () => {
    const scopeOf = async (scope: unknown, parameters: Readonly<Record<string, string>> = {}): Promise<unknown> => {
      const { json } = await exchange(signed({ scope }), parameters)
      return json['scope'] ?? json['error']
    }
    expect(await scopeOf(undefined)).toBe('tournaments:read')
    expect(await scopeOf('tournaments:write tournaments:read')).toBe('tournaments:write tournaments:read')
    expect(await scopeOf('tournaments:write tournaments:read', { scope: 'tournaments:write' })).toBe('tournaments:write')
    expect(await scopeOf(undefined, { scope: 'tournaments:write' })).toBe('tournaments:write')
    expect(await scopeOf('tournaments:read', { scope: 'tournaments:write' })).toBe('invalid_scope')
    expect(await scopeOf('tournaments:read unknown:scope')).toBe('invalid_scope')
    for (const malformed of ['', ' ', 'tournaments:read ', 'a  b']) expect(await scopeOf(malformed)).toBe('invalid_scope')
    for (const wrong of [7, null, ['tournaments:read'], {}]) expect(await scopeOf(wrong)).toBe('invalid_grant')
    expect(await scopeOf('tournaments:read chat:read')).toBe('invalid_scope')
    expect(await scopeOf('chat:read', { resource: 'https://chat.example.com' })).toBe('chat:read')
    expect(await scopeOf('chat:read', { resource: 'https://nowhere.example' })).toBe('invalid_target')
  })

  it('in the URL it is refused, for URLs end up in logs', async () => {
    const { json } = await postForm(`${server.issuer}/oauth/v2/token?assertion=${signed()}`, { grant_type: jwtBearerGrant })
    expect(json).toMatchObject({ error: 'invalid_request', error_description: 'Send assertion in the body, never in the URL.' })
  })

  it('R5 a sealed secret whose row was altered is as good as none: refused, and the operator is told', async () => {
    const client = await server.fixtures.client({ organizationId: scene.organization.id, type: 'jwt', scopes: ['tournaments:read'] })
    await server.database.$executeRaw`UPDATE client_secrets SET sealed_secret = left(sealed_secret, -8) || 'AAAAAAAA' WHERE client_id = ${client.id}`
    await known(server, client)
    await expectRefused(compact({ alg: 'HS256' }, claims({}, client), macWith(client.secret)))
    expect(server.logs.some((line) => line['clientId'] === client.id && String(line['msg']).startsWith('secret.'))).toBe(true)
  })
})
