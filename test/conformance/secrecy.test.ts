import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jwtBearerGrant } from '../../src/oauth/grant-types.ts'
import { assertionFor } from '../support/assertions.ts'
import { superuserUrl } from '../support/embedded.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { signingKeyOf } from '../support/forged-tokens.ts'
import { basic, introspect, known, postForm, requestToken, revoke, send, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { importSecret, storedSecrets } from '../support/stored-secrets.ts'

const imported = 'an imported secret of the operator 7f3a'
const wrong = 'a wrong guess that somebody may have made elsewhere 9c1d'

describe('R5 nothing readable is left behind', () => {
  let server: TestServer
  let scene: Scene
  let tester: RegisteredClient
  let login: RegisteredClient
  /** By what it is: every text that must be found nowhere. */
  const confidential = new Map<string, string>()

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    tester = await server.fixtures.client({ organizationId: scene.organization.id, environment: 'test' })
    await importSecret(server, scene.partner.id, imported)
    const added = await server.fixtures.addSecret(scene.partner.id)
    login = await server.fixtures.client({ organizationId: scene.organization.id, type: 'jwt' })
    await known(server, login)
    await useEverything(added.secret)
    for (const client of [scene.partner, scene.api, tester, login]) note('client secret', client.secret)
    note('added secret', added.secret)
    confidential.set('imported secret', imported).set('wrong secret', wrong)
    for (const environment of ['live', 'test'] as const) {
      const { privateKey } = await signingKeyOf(server, environment)
      const jwk = privateKey.export({ format: 'jwk' })
      confidential.set(`${environment} d`, String(jwk.d)).set(`${environment} p`, String(jwk.p))
      const der = privateKey.export({ type: 'pkcs8', format: 'der' })
      confidential.set(`${environment} PKCS #8 base64`, der.toString('base64').slice(40, 400)).set(`${environment} PKCS #8 hex`, der.toString('hex').slice(60, 400))
    }
    const { masterKey, serverKeys } = server.prepared
    for (const [name, bytes] of Object.entries({ 'master key': masterKey.bytes, 'tag key': serverKeys.secretTag, 'verifier key': serverKeys.secretVerifier })) {
      for (const encoding of ['hex', 'base64', 'base64url'] as const) confidential.set(`${name} ${encoding}`, bytes.toString(encoding))
    }
  })
  afterAll(async () => { await server.stop() })

  function note (name: string, secret: string): void {
    confidential.set(`${name} ${confidential.size}`, secret)
    confidential.set(`${name}'s random part ${confidential.size}`, secret.split('_')[3] ?? secret)
  }

  async function useEverything (addedSecret: string): Promise<void> {
    const token = `${server.issuer}/oauth/v2/token`
    const { id, secret } = scene.partner
    await within(2, async () => (await requestToken(server, { ...scene.partner, secret: imported })).status === 200)
    for (const client of [scene.partner, tester]) {
      const accessToken = await tokenOf(server, client)
      confidential.set(`token's signature ${confidential.size}`, String(accessToken.split('.')[2]))
      await introspect(server, scene.api, accessToken)
      await revoke(server, client, accessToken)
      await revoke(server, scene.api, accessToken)
      await send(`${server.issuer}/oauth/v2/introspect?token=${accessToken}`, { method: 'POST' })
      await send(`${server.origin}/${accessToken}`)
      await introspect(server, scene.api, `${accessToken} `)
    }
    const assertion = assertionFor('player-1001', login, server.issuer, Date.now())
    confidential.set("assertion's signature", String(assertion.split('.')[2]))
    for (const query of ['', '', `?assertion=${assertion}`]) await postForm(`${token}${query}`, { grant_type: jwtBearerGrant, assertion })
    await requestToken(server, login, { player_id: 'player-1001' })
    await requestToken(server, { ...scene.partner, secret: addedSecret })
    await postForm(token, { grant_type: 'client_credentials' }, basic(id, secret))
    await requestToken(server, { ...scene.partner, secret: wrong })
    await requestToken(server, { ...scene.partner, id: wrong })
    await postForm(`${token}?client_secret=${secret}`, {})
    await postForm(token, { client_id: secret, client_secret: secret, scope: secret, grant_type: secret, resource: secret, [secret]: secret })
    await postForm(token, [['grant_type', 'x'], [secret, '1'], [secret, '2']])
    await postForm(token, {}, { Authorization: `Bearer ${secret}` })
    await send(`${server.origin}/docs/${secret}`)
    await send(`${server.origin}/%zz${secret}`)
    await within(1, async () => (await storedSecrets(server, id)).some(({ verifier }) => verifier !== null))
  }

  function found (where: string): string[] {
    return [...confidential].filter(([, text]) => where.includes(text)).map(([name]) => name)
  }

  it('in the database: every table, as text', async () => {
    const tables = await server.database.$queryRaw<{ name: string }[]>`SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`
    let dump = ''
    for (const { name } of tables) {
      const rows = await server.database.$queryRawUnsafe<{ text: string }[]>(`SELECT row_to_json(t)::text AS text FROM "${name}" t`)
      dump += rows.map(({ text }) => text).join('\n')
    }
    expect(tables.length).toBeGreaterThan(9)
    expect(dump).toContain(scene.partner.id)
    expect(dump).toContain('$argon2id$')
    expect(found(dump)).toEqual([])
  })

  it('in the write-ahead log of the database', async () => {
    const superuser = new pg.Client({ connectionString: superuserUrl(server.databaseUrl) })
    await superuser.connect()
    const holding = async (text: string): Promise<number> => {
      const { rows: [row] } = await superuser.query<{ segments: number }>(`
        SELECT count(*)::int AS segments FROM pg_ls_waldir() AS segment
        WHERE modification > now() - interval '5 minutes' AND position(convert_to($1, 'UTF8') IN pg_read_binary_file('pg_wal/' || segment.name, 0, 16777216, true)) > 0`, [text])
      return row?.segments ?? 0
    }
    expect(await holding(scene.partner.id), 'what is public is there: the search works').toBeGreaterThan(0)
    for (const [name, text] of [...confidential].filter(([each]) => /secret|signature|master/.test(each))) expect(await holding(text), name).toBe(0)
    await superuser.end()
  })

  it('in the log', () => {
    const log = server.logs.map((line) => JSON.stringify(line)).join('\n')
    expect(log).toContain(scene.partner.id)
    expect(log).toContain('"outcome":"token.issued"')
    const holding = server.logs.filter((line) => found(JSON.stringify(line)).length > 0)
    expect(holding.map(({ requestId, path, msg }) => ({ requestId, path, msg }))).toEqual([])
  })

  it('in the log, when a caller makes a secret the id of its request', async () => {
    const { headers } = await send(`${server.origin}/health/live`, { headers: { 'X-Request-Id': tester.secret } })
    expect(headers.get('X-Request-Id')).not.toBe(tester.secret)
    expect(await within(0.2, async () => found(JSON.stringify(server.logs)).length > 0)).toBe(false)
  })

  it('R12 in the answer to any GET', async () => {
    const paths = [
      '/oauth/v2/jwks', '/.well-known/jwks.json', '/test/oauth/v2/jwks', '/.well-known/oauth-authorization-server', '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server/test', '/test/.well-known/openid-configuration', '/health/live', '/health/ready', '/docs', '/docs/errors', '/docs/openapi.json', '/oauth/v2/token', '/oauth/v2/introspect', '/oauth/v2/revoke', '/nowhere'
    ]
    const hashes = (await storedSecrets(server, scene.partner.id)).flatMap(({ hash, verifier }) => verifier === null ? [hash] : [hash, verifier])
    for (const path of paths) {
      const { text, headers } = await send(server.origin + path, { headers: { ...basic(scene.partner.id, scene.partner.secret) } })
      const everything = text + JSON.stringify([...headers])
      expect(found(everything), path).toEqual([])
      expect(hashes.filter((hash) => everything.includes(hash)), path).toEqual([])
      expect(everything, path).not.toMatch(/argon2|v1\.[\w-]{12}\.|\bat .*\.ts:\d+|node_modules|postgres|prisma/i)
    }
  })

  it('in an error answer: no secret and no token that the caller sent, no path, no SQL, no version', async () => {
    const { secret } = scene.partner
    const answers = await Promise.all([
      requestToken(server, { ...scene.partner, secret: wrong }), postForm(`${server.issuer}/oauth/v2/token?client_secret=${secret}`, {}),
      requestToken(server, scene.api), send(`${server.origin}/%zz`), send(`${server.origin}/nowhere`)
    ])
    for (const { text, headers } of answers) {
      expect(found(text + JSON.stringify([...headers]))).toEqual([])
      expect(text).not.toMatch(/\bat .*\.ts:\d+|node_modules|postgres|prisma|fastify|\/work|select |insert /i)
    }
  })
})
