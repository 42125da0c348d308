import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { CompactEncrypt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SigningKey } from '../../src/keys/signing-key.ts'
import { accessTokenType, exchange, exchangeScene, type ExchangeScene } from '../support/exchange.ts'
import { compact, partsOf, rs256, signingKeyOf, unsigned, type Part } from '../support/forged-tokens.ts'
import { tokenOf } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/** Tokens that this server never issued, as subject tokens and as actor tokens. */
describe('RFC 8725 JWT best current practices, at the token exchange', () => {
  let server: TestServer
  let scene: ExchangeScene
  let key: SigningKey
  let subject: string
  let header: Part
  let claims: Part
  const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ours = (input: string): Buffer => rs256(key)(input)
  const attackers = (input: string): Buffer => sign('sha256', Buffer.from(input), attacker.privateKey)

  beforeAll(async () => {
    server = await startTestServer()
    scene = await exchangeScene(server)
    key = await signingKeyOf(server)
    subject = await tokenOf(server, scene.partner)
    ;({ header, claims } = partsOf(subject))
  })
  afterAll(async () => { await server.stop() })

  async function expectRefused (token: string): Promise<void> {
    const [asSubject, asActor] = [await exchange(server, scene.gateway, token), await exchange(server, scene.gateway, subject, { actor_token: token, actor_token_type: accessTokenType })]
    for (const [what, { status, json }] of [['subject', asSubject], ['actor', asActor]] as const) {
      expect({ status, error: json['error'] }, token).toEqual({ status: 400, error: 'invalid_request' })
      expect(json['error_description']).toMatch(new RegExp(`^The ${what}_token is not acceptable`))
    }
  }

  it('takes the token that it is all derived from', async () => {
    expect((await exchange(server, scene.gateway, compact(header, claims, ours))).status).toBe(200)
  })

  it('S18 refuses alg none, in any spelling', async () => {
    for (const alg of ['none', 'None', 'NONE', '']) {
      for (const signer of [unsigned, ours]) await expectRefused(compact({ ...header, alg }, claims, signer))
      await expectRefused(`${compact({ ...header, alg }, claims, unsigned)}AA`)
    }
  })

  it('S19 refuses HS256 keyed with our public key', async () => {
    for (const secret of [key.publicKey.export({ type: 'spki', format: 'pem' }), key.publicKey.export({ type: 'spki', format: 'der' }), JSON.stringify(key.publicJwk)]) {
      await expectRefused(compact({ ...header, alg: 'HS256' }, claims, (input) => createHmac('sha256', secret).update(input).digest()))
    }
  })

  it('S20, S21 refuses another\'s key, whatever the header brings along, and unknown crit', async () => {
    const jwk = attacker.publicKey.export({ format: 'jwk' })
    for (const extra of [{}, { jwk }, { jku: server.issuer }, { x5u: server.issuer }, { x5c: ['MIIB'] }, { kid: 'attacker', jwk }, { kid: '../../keys' }, { kid: undefined }]) await expectRefused(compact({ ...header, ...extra }, claims, attackers))
    await expectRefused(compact({ ...header, crit: ['urn:example:x'], 'urn:example:x': true }, claims, ours))
  })

  it('S23 refuses JWE and compressed tokens', async () => {
    await expectRefused(await new CompactEncrypt(Buffer.from(JSON.stringify(claims))).setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: key.kid }).encrypt(key.publicKey))
    await expectRefused(compact({ ...header, zip: 'DEF', enc: 'A256GCM' }, claims, unsigned))
  })

  it('S24 refuses other kinds of JWT that we sign', async () => {
    for (const typ of ['JWT', 'token-introspection+jwt', 'dpop+jwt', 'statuslist+jwt', undefined]) await expectRefused(compact({ ...header, typ }, claims, ours))
  })

  it('S25 refuses missing, textual, absurd and past times', async () => {
    const now = Math.floor(Date.now() / 1000)
    for (const change of [{ exp: undefined }, { exp: String(now + 60) }, { exp: 1e300 }, { exp: now - 1, iat: now - 100 }, { iat: undefined }, { iat: now, exp: now + 31 * 86_400 }]) await expectRefused(compact(header, { ...claims, ...change }, ours))
  })

  it('S38 refuses claims that stored facts contradict, though truly signed', async () => {
    for (const change of [{ org: scene.platform.id }, { env: 'test' }, { client_id: scene.gateway.id }, { client_id: scene.login.id }, { player_id: 'player-1001' }, { sub: 'somebody' }, { act: { sub: scene.gateway.id } }, { iss: 'https://elsewhere.example' }, { aud: 'https://stats.example.com', client_id: scene.partner.id }]) {
      await expectRefused(compact(header, { ...claims, ...change }, ours))
    }
  })

  it('R33, R36 refuses deeply nested and oversized tokens at once', async () => {
    await expectRefused(compact(header, `{"act":${'{"act":'.repeat(900)}{}${'}'.repeat(900)}}`, ours))
    for (const token of ['.'.repeat(9_000), `${'a.'.repeat(2_000)}a`, `${subject}.${'a'.repeat(4_500)}`]) await expectRefused(token)
  })
})
