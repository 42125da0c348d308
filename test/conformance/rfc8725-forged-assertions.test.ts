import { createServer } from 'node:http'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../../src/clients/client.ts'
import { assertionBy, assertionClaims, macWith, newPair, signerOf, withAssertion } from '../support/assertions.ts'
import { compact, rs256, signingKeyOf, unsigned, type Part } from '../support/forged-tokens.ts'
import type { Scene } from '../support/fixtures.ts'
import { tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

describe('RFC 8725 §3 forged client assertions', () => {
  let server: TestServer
  let scene: Scene
  let partner: Client
  let other: Client
  const rsa = newPair('RS256', 'rsa')
  const ec = newPair('ES256', 'ec')
  const ofOther = newPair('ES256', 'others')

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    const { id: organizationId } = scene.organization
    partner = await server.fixtures.signingClient({ organizationId, keys: [rsa, ec] })
    other = await server.fixtures.signingClient({ organizationId, keys: [ofOther] })
    if (!await within(2, async () => await statusOf(assertionBy(ofOther, good(other))) === 200)) throw new Error('the clients stayed unknown')
    expect(await statusOf(assertionBy(ec, good()))).toBe(200)
  })
  afterAll(async () => { await server.stop() })

  const good = (client = partner): Part => assertionClaims(server.issuer, client.id, Date.now())

  async function statusOf (assertion: string): Promise<number> {
    return (await withAssertion(server, assertion)).status
  }

  it('S18 refuses alg none, however it is spelled, with and without a signature', async () => {
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', undefined, null, 0, ['RS256'], 'rs256', 'RS1', 'HS1', 'toString', '__proto__']) {
      for (const signer of [unsigned, () => Buffer.from('x'), signerOf(rsa)]) {
        expect(await statusOf(compact({ alg, kid: rsa.kid }, good(), signer)), String(alg)).toBe(401)
      }
    }
  })

  it('S19 refuses HS256 keyed with the client\'s public key as PEM, DER, JWK or modulus, and with the server\'s', async () => {
    const signingKey = await signingKeyOf(server)
    for (const { publicKey, kid } of [rsa, ec, { publicKey: signingKey.publicKey, kid: signingKey.kid }]) {
      const jwk = publicKey.export({ format: 'jwk' })
      const secrets = [
        publicKey.export({ type: 'spki', format: 'pem' }), publicKey.export({ type: 'spki', format: 'pem' }).toString().trim(), publicKey.export({ type: 'spki', format: 'der' }),
        JSON.stringify(jwk), JSON.stringify({ ...jwk, kid }), String(jwk.n), Buffer.from(String(jwk.n), 'base64url'), ''
      ]
      for (const secret of secrets) {
        for (const id of [kid, undefined]) expect(await statusOf(compact({ alg: 'HS256', kid: id }, good(), macWith(secret)))).toBe(401)
      }
    }
  })

  it('RFC 8725 §3.1 refuses another algorithm of the same key than the registered one', async () => {
    expect(await statusOf(assertionBy({ ...rsa, algorithm: 'PS256' }, good()))).toBe(401)
    expect(await statusOf(assertionBy(rsa, good(), { alg: 'PS256' }))).toBe(401)
    for (const alg of ['RS384', 'RS512', 'ES384', 'ES256K', 'RSA-OAEP', 'dir']) expect(await statusOf(assertionBy(rsa, good(), { alg })), alg).toBe(401)
  })

  it('RFC 8017 §5.2.2 refuses a number that is not below the modulus, though it is the signature and the modulus more', async () => {
    const modulus = BigInt(`0x${Buffer.from(String(rsa.jwk.n), 'base64url').toString('hex')}`)
    const added = (input: string): Buffer => Buffer.from((BigInt(`0x${signerOf(rsa)(input).toString('hex')}`) + modulus).toString(16).padStart(512, '0'), 'hex')
    // The sum is too long for most, so: one of many.
    let fitting: string
    do fitting = compact({ alg: 'RS256', kid: rsa.kid }, good(), added)
    while (Buffer.from(fitting.split('.')[2] ?? '', 'base64url').length > 256)
    expect(await statusOf(fitting)).toBe(401)
    expect(await statusOf(compact({ alg: 'RS256', kid: rsa.kid }, good(), () => Buffer.alloc(256, 0xff)))).toBe(401)
  })

  it('S20 ignores jwk, jku, x5u and x5c, and opens no connection for them', async () => {
    const connections: string[] = []
    const listener = createServer((request, response) => {
      connections.push(request.url ?? '')
      response.end(JSON.stringify({ keys: [forger.jwk] }))
    }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const address = listener.address()
    const forger = newPair('ES256', ec.kid)
    const uri = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}/keys` : ''
    for (const header of [{ jwk: forger.jwk }, { jku: uri }, { x5u: uri }, { x5c: ['MIIB'] }, { jwk: forger.jwk, jku: uri, x5u: uri, x5c: [] }]) {
      for (const kid of [ec.kid, undefined, 'new', uri]) expect(await statusOf(assertionBy(forger, good(), { ...header, kid }))).toBe(401)
    }
    expect(await statusOf(assertionBy(ec, good(), { jku: uri, x5u: uri, jwk: forger.jwk }))).toBe(200)
    expect(connections).toEqual([])
    listener.close()
  })

  it('S21 refuses any crit', async () => {
    for (const crit of [['exp'], ['b64'], ['x'], [], 'b64', null]) expect(await statusOf(assertionBy(ec, good(), { crit, b64: false, x: 1 })), JSON.stringify(crit)).toBe(401)
  })

  it('S23 refuses a JWE, a compressed and a password-based token, and dots and letters without end, under 5 ms', async () => {
    const bombs = [
      'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA',
      assertionBy(ec, good(), { alg: 'PBES2-HS256+A128KW', p2c: 2_147_483_647, p2s: 'AAAA' }),
      assertionBy(ec, good(), { alg: 'RSA-OAEP', enc: 'A256GCM', zip: 'DEF' }),
      '.'.repeat(8_000), 'a'.repeat(8_000), `${'a'.repeat(4_000)}.${'b'.repeat(4_000)}.c`
    ]
    for (const bomb of bombs) {
      await statusOf(bomb) // warm
      const millis: number[] = []
      for (let round = 0; round < 10; round++) {
        const start = performance.now()
        expect(await statusOf(bomb)).toBe(401)
        millis.push(performance.now() - start)
      }
      expect(Math.min(...millis), bomb.slice(0, 40)).toBeLessThan(5) // the way there and back included
    }
  })

  it('refuses deep nesting and oversize at once', async () => {
    const deep = (depth: number): string => `{"iss":${'['.repeat(depth)}${']'.repeat(depth)}}`
    expect(await statusOf(compact({ alg: 'ES256', kid: ec.kid }, deep(2_500), signerOf(ec)))).toBe(401)
    expect(await statusOf(assertionBy(ec, { ...good(), padding: 'x'.repeat(9_000) }))).toBe(401)
    expect(await statusOf(assertionBy(ec, { ...good(), padding: 'x'.repeat(4_000) }))).toBe(200)
    expect((await withAssertion(server, assertionBy(ec, { ...good(), padding: 'x'.repeat(16_000) }))).status).toBe(413)
  })

  it('S24 refuses an access token as an assertion, whoever it was issued to', async () => {
    expect(await statusOf(await tokenOf(server, scene.partner))).toBe(401)
    const signingKey = await signingKeyOf(server)
    expect(await statusOf(compact({ alg: 'RS256', kid: signingKey.kid }, good(), rs256(signingKey)))).toBe(401)
  })

  it('S32 refuses another client\'s key, under its own kid, under a kid of the client, and under none', async () => {
    for (const kid of [ofOther.kid, ec.kid, undefined]) expect(await statusOf(assertionBy(ofOther, good(), { kid })), kid).toBe(401)
    expect(await statusOf(assertionBy(ec, good(other)))).toBe(401)
  })

  it('refuses a kid that is none of the client\'s, whatever it is', async () => {
    for (const kid of ['', '../../../dev/null', '\' OR 1=1 --', '__proto__', 'constructor', 'EC', 'x'.repeat(4_000), null, 1, {}, ['ec']]) {
      expect(await statusOf(assertionBy(ec, good(), { kid })), JSON.stringify(kid).slice(0, 20)).toBe(401)
    }
  })

  it('needs no kid of a client with one or two keys of the algorithm', async () => {
    expect(await statusOf(assertionBy(ec, good(), { kid: undefined }))).toBe(200)
    const newer = newPair('ES256')
    await server.fixtures.addKey(partner.id, newer.jwk)
    expect(await within(2, async () => await statusOf(assertionBy(newer, good(), { kid: undefined })) === 200)).toBe(true)
    expect(await statusOf(assertionBy(ec, good(), { kid: undefined }))).toBe(200)
    expect(await statusOf(assertionBy(newPair(), good(), { kid: undefined }))).toBe(401)
  })

  it('refuses every other spelling of a good assertion', async () => {
    const assertion = (): string => assertionBy(ec, good())
    const [header = '', claims = '', signature = ''] = assertion().split('.')
    const last = signature.at(-1) ?? ''
    const spelled = [
      `${header}.${claims}.${signature}=`, `${header}.${claims}.${signature}==`, ` ${header}.${claims}.${signature}`, `${header}.${claims}. ${signature}`,
      `${header}.${claims}.${signature}.`, `${header}=.${claims}.${signature}`, `${header}.${claims}.${signature.slice(0, -1)}${String.fromCharCode(last.charCodeAt(0) + 1)}`,
      `${header}.${claims}.${signature.slice(0, -4)}`, `${header}.${claims}.`, `${header}.${claims}`
    ]
    for (const text of spelled) expect(await statusOf(text)).toBe(401)
  })

  it('refuses an ECDSA signature in DER, of zeroes, and with either half missing (CVE-2022-21449)', async () => {
    for (const octets of [Buffer.alloc(64), Buffer.alloc(64, 0xff), Buffer.concat([Buffer.alloc(32, 1), Buffer.alloc(32)]), Buffer.alloc(70, 0x30), Buffer.alloc(1)]) {
      expect(await statusOf(compact({ alg: 'ES256', kid: ec.kid }, good(), () => octets))).toBe(401)
    }
  })

  it('refuses an expired and a revoked key within a second, and a disabled client', async () => {
    const [kept, revoked, expiring] = [newPair('EdDSA'), newPair('EdDSA'), newPair('EdDSA')]
    const client = await server.fixtures.signingClient({ organizationId: scene.organization.id, keys: [kept, revoked] })
    await server.fixtures.addKey(client.id, expiring.jwk, new Date(Date.now() + 800))
    expect(await within(2, async () => await statusOf(assertionBy(revoked, good(client))) === 200)).toBe(true)
    const where = { clientId_kid: { clientId: client.id, kid: revoked.kid } }
    await server.database.clientKey.update({ where, data: { revokedAt: new Date() } })
    expect(await within(1, async () => await statusOf(assertionBy(revoked, good(client))) === 401)).toBe(true)
    expect(await within(2, async () => await statusOf(assertionBy(expiring, good(client))) === 401)).toBe(true)
    await server.database.clientKey.update({ where, data: { revokedAt: null } }) // a trigger keeps it
    await server.fixtures.addKey(client.id, newPair().jwk)
    expect((await server.database.clientKey.findUniqueOrThrow({ where })).revokedAt).not.toBeNull()
    // A request that is under way while the client changes is answered 503.
    expect(await within(1, async () => await statusOf(assertionBy(kept, good(client))) === 200)).toBe(true)
    await server.database.client.update({ where: { id: client.id }, data: { disabledAt: new Date() } })
    expect(await within(1, async () => await statusOf(assertionBy(kept, good(client))) === 401)).toBe(true)
  })
})
