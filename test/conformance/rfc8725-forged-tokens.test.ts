import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { deflateRawSync } from 'node:zlib'
import { CompactEncrypt, type JWK } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SigningKey } from '../../src/keys/signing-key.ts'
import { compact, partsOf, rs256, signingKeyOf, unsigned, type Part, type Signer } from '../support/forged-tokens.ts'
import type { Scene } from '../support/fixtures.ts'
import { introspect, known, revoke, tokenOf, within } from '../support/requests.ts'
import { freePort, startTestServer, type TestServer } from '../support/server.ts'

const inactive = '{"active":false}'

/** What introspection and revocation make of tokens that this server never issued. */
describe('RFC 8725 JWT best current practices, at introspection and revocation', () => {
  let server: TestServer
  let scene: Scene
  let key: SigningKey
  let header: Part
  let claims: Part
  let attacker: ReturnType<typeof generateKeyPairSync>
  /** Where a token's jku and x5u point: nobody may come. */
  let trap: Server
  let trapUrl: string
  let visits = 0

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    await known(server, scene.api)
    key = await signingKeyOf(server)
    const parts = partsOf(await tokenOf(server, scene.partner))
    header = parts.header
    claims = parts.claims
    attacker = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const port = await freePort()
    trap = createServer((_, response) => { visits += 1; response.end(JSON.stringify({ keys: [attackerJwk()] })) }).listen(port, '127.0.0.1')
    await once(trap, 'listening')
    trapUrl = `http://127.0.0.1:${port}/jwks`
  })
  afterAll(async () => {
    trap.close()
    await server.stop()
  })

  function attackerJwk (): JWK {
    return { ...attacker.publicKey.export({ format: 'jwk' }) as JWK, kid: 'attacker', alg: 'RS256', use: 'sig' } // node's own JWK type is looser
  }

  const ours: Signer = (input) => rs256(key)(input)
  const attackers: Signer = (input) => sign('sha256', Buffer.from(input), attacker.privateKey)

  async function expectRefused (token: string): Promise<void> {
    const jti = String(claims['jti'])
    expect((await introspect(server, scene.api, token)).text).toBe(inactive)
    const revocation = await revoke(server, scene.partner, token)
    expect({ status: revocation.status, text: revocation.text }).toEqual({ status: 200, text: '' })
    expect(await server.database.revokedToken.count({ where: { jti } })).toBe(0)
  }

  it('takes the token that it is all derived from', async () => {
    const again = compact(header, claims, ours)
    expect((await introspect(server, scene.api, again)).json['active']).toBe(true)
  })

  it.each(['none', 'None', 'NONE', 'nOnE', ''])('S18 refuses alg %j', async (alg) => {
    await expectRefused(`${compact({ ...header, alg }, claims, unsigned)}AA`)
    await expectRefused(compact({ ...header, alg }, claims, unsigned))
    await expectRefused(compact({ ...header, alg }, claims, ours))
  })

  const publicForms: [string, () => Buffer | string][] = [
    ['PEM', () => key.publicKey.export({ type: 'spki', format: 'pem' })],
    ['PEM without its last newline', () => key.publicKey.export({ type: 'spki', format: 'pem' }).toString().trim()],
    ['PKCS #1 PEM', () => key.publicKey.export({ type: 'pkcs1', format: 'pem' })],
    ['DER', () => key.publicKey.export({ type: 'spki', format: 'der' })],
    ['JWK', () => JSON.stringify(key.publicJwk)],
    ['modulus', () => Buffer.from('n' in key.publicJwk ? key.publicJwk.n : '', 'base64url')]
  ]
  it.each(publicForms)('S19 refuses HS256 keyed with our public key as %s', async (_, secret) => {
    await expectRefused(compact({ ...header, alg: 'HS256' }, claims, (input) => createHmac('sha256', secret()).update(input).digest()))
  })

  it.each(['RS384', 'RS512', 'PS256', 'ES256', 'EdDSA', 'RSA1_5', 'rs256'])('S19 refuses alg %s, though our own key signed it', async (alg) => {
    const digest = alg.endsWith('512') ? 'sha512' : alg.endsWith('384') ? 'sha384' : 'sha256'
    await expectRefused(compact({ ...header, alg }, claims, (input) => sign(digest, Buffer.from(input), key.privateKey)))
  })

  it('S20 ignores a key that the token brings along, and fetches nothing', async () => {
    for (const kid of [key.kid, 'attacker', undefined]) {
      const base = { ...header, kid }
      for (const extra of [{ jwk: attackerJwk() }, { jku: trapUrl }, { x5u: trapUrl }, { x5c: ['MIIB'] }, { jwk: attackerJwk(), jku: trapUrl, x5u: trapUrl, x5c: ['MIIB'] }]) {
        await expectRefused(compact({ ...base, ...extra }, claims, attackers))
      }
    }
    expect(await within(0.2, async () => visits > 0)).toBe(false)
  })

  it('refuses another key under our kid, our key under another kid, and no kid', async () => {
    await expectRefused(compact(header, claims, attackers))
    for (const kid of ['attacker', undefined, null, 7, '', '../../keys', '__proto__', { a: 1 }]) await expectRefused(compact({ ...header, kid }, claims, ours))
  })

  const criticals: [string, Part][] = [
    ['an unknown extension', { crit: ['urn:example:x'], 'urn:example:x': true }], ['an absent one', { crit: ['absent'] }], ['exp', { crit: ['exp'], exp: 1 }],
    ['nothing', { crit: [] }], ['a text', { crit: 'exp' }], ['b64', { crit: ['b64'], b64: false }]
  ]
  it.each(criticals)('S21 refuses a token with crit naming %s', async (_, extra) => {
    await expectRefused(compact({ ...header, ...extra }, claims, ours))
  })

  it('S23 R33 refuses JWE, zip and p2c in under 5 ms', async () => {
    const bomb = deflateRawSync(Buffer.alloc(5_000_000, 0x20)).toString('base64url').slice(0, 7_000)
    const jwe = await new CompactEncrypt(Buffer.from(JSON.stringify(claims))).setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: key.kid }).encrypt(key.publicKey)
    const slow = Buffer.from(JSON.stringify({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 2_147_483_647, p2s: 'AAAA', kid: key.kid })).toString('base64url')
    const tokens = [
      jwe, `${slow}.AAAA.AAAA.AAAA.AAAA`, compact({ ...header, alg: 'PBES2-HS256+A128KW', p2c: 2_147_483_647, p2s: 'AAAA' }, claims, ours),
      compact({ ...header, zip: 'DEF', enc: 'A256GCM' }, bomb, unsigned), `${Buffer.from(JSON.stringify({ ...header, zip: 'DEF' })).toString('base64url')}.${bomb}.AAAA`
    ]
    for (const token of tokens) {
      const durations: number[] = []
      for (let round = 0; round < 20; round += 1) {
        const startedAt = performance.now()
        expect((await introspect(server, scene.api, token)).text).toBe(inactive)
        durations.push(performance.now() - startedAt)
      }
      expect(Math.min(...durations), token.slice(0, 60)).toBeLessThan(5)
    }
  })

  it.each(['JWT', 'statuslist+jwt', 'token-introspection+jwt', 'dpop+jwt', 'at+jwtx', '', undefined, null, 7])('S24 refuses typ %j', async (typ) => {
    await expectRefused(compact({ ...header, typ }, claims, ours))
  })

  const now = Math.floor(Date.now() / 1000)
  const claimSets: [string, Part][] = [
    ['exp missing', { exp: undefined }], ['exp a text', { exp: String(now + 3_600) }], ['exp null', { exp: null }], ['exp negative', { exp: -1 }], ['exp a fraction', { exp: now + 3_600.5 }],
    ['exp in the year 30000', { exp: 900_000_000_000 }], ['exp beyond all numbers', { exp: 1e300 }], ['exp in the past', { exp: now - 1, iat: now - 100 }],
    ['exp now', { exp: now, iat: now - 100 }], ['exp before iat', { exp: now + 100, iat: now + 200 }], ['a life of 31 days', { iat: now, exp: now + 31 * 86_400 }],
    ['iat missing', { iat: undefined }], ['iat a text', { iat: String(now) }], ['nbf in the future', { nbf: now + 3_600 }], ['nbf a text', { nbf: 'x' }],
    ['jti missing', { jti: undefined }], ['jti empty', { jti: '' }], ['iss missing', { iss: undefined }], ['iss of another server', { iss: 'https://elsewhere.example' }],
    ['iss an array', { iss: ['http://127.0.0.1'] }], ['aud missing', { aud: undefined }], ['aud empty', { aud: [] }],
    ['aud an object', { aud: { a: 1 } }], ['client_id missing', { client_id: undefined }], ['client_id unknown', { client_id: 'cl_live_unknown' }], ['env test', { env: 'test' }], ['env missing', { env: undefined }],
    ['org another', { org: 'org_x' }], ['scope missing', { scope: undefined }]
  ]
  it.each(claimSets)('S25 S38 refuses a token that our key signed with %s', async (_, changed) => {
    const token = compact(header, { ...claims, ...changed }, ours)
    expect((await introspect(server, scene.api, token)).text).toBe(inactive)
  })

  it.each(['[]', '"text"', '7', 'null', '{', ''])('S25 refuses the payload %j though our key signed it', async (payload) => {
    await expectRefused(compact(header, payload, ours))
  })

  it('refuses any token with one bit of its signature changed', async () => {
    const token = compact(header, claims, ours)
    const [head, body, signature = ''] = token.split('.')
    const bytes = Buffer.from(signature, 'base64url')
    for (const position of [0, 17, 255]) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(position) ^ 1, position)
      await expectRefused(`${head}.${body}.${changed.toString('base64url')}`)
    }
  })
})
