import { randomBytes } from 'node:crypto'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createVerifyAccessToken } from '../../src/access-tokens/verify.ts'
import type { Client } from '../../src/clients/client.ts'
import { maxAssertionLifetimeSeconds, usableUntil } from '../../src/clients/client-assertion.ts'
import { createKeySets } from '../../src/clients/key-sets.ts'
import { nobody } from '../../src/clients/nobody.ts'
import { createPrivateKeyJwt } from '../../src/clients/private-key-jwt.ts'
import { createSecretFormat } from '../../src/clients/secret-format.ts'
import { createSecretVerification } from '../../src/clients/secret-verification.ts'
import { createSecretHasher } from '../../src/clients/secrets.ts'
import { createDatabase, type Database } from '../../src/db.ts'
import { parseForm } from '../../src/http/form.ts'
import { OAuthError } from '../../src/oauth/errors.ts'
import { createReplayGuard } from '../../src/replay/guard.ts'
import { createUsedIdentifierStore } from '../../src/replay/store.ts'
import { decide } from '../../src/token/decide.ts'
import { assertionBy, assertionClaims, newPair, withAssertion } from '../support/assertions.ts'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import type { Part } from '../support/forged-tokens.ts'
import { heapBytes, megabyte } from '../support/heap.ts'
import { createProof, createProofKeys } from '../support/proofs.ts'
import { basic, introspect, known, postForm, requestToken, type Answer } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const random = (): string => randomBytes(12).toString('hex')

describe('R15 memory does not grow with what callers make up', { timeout: 60_000 }, () => {
  let server: TestServer
  let scene: Scene
  let signing: Client
  const pair = newPair()

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    signing = await server.fixtures.signingClient({ organizationId: scene.organization.id, keys: [pair] })
    await known(server, await server.fixtures.client({ organizationId: scene.organization.id, resourceId: scene.resource.id }))
  })
  afterAll(async () => { await server.stop() })

  it('over HTTP: client ids, secrets, scopes, resources, parameter names, kids, paths, assertions and keys of proofs, each request with new ones', async () => {
    const header = (): string => Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid: random() })).toString('base64url')
    const made = (id: string): RegisteredClient => ({ ...scene.partner, id, secret: `sgs_live_${random().slice(0, 16)}_${random()}` })
    const assertion = (header: Part = {}, claims: Part = {}): string => assertionBy(pair, { ...assertionClaims(server.issuer, signing.id, Date.now()), ...claims }, header)
    const htu = `${server.issuer}/oauth/v2/token`
    const statuses = new Set<string>()
    const note = (what: string, answer: Promise<Answer>): Promise<unknown> => answer.then(({ status }) => statuses.add(`${what} ${status}`))
    async function batch (requests: number): Promise<void> {
      for (let sent = 0; sent < requests; sent += 10) {
        await Promise.all([
          requestToken(server, made(`cl_live_${random()}`), { [random()]: random() }),
          requestToken(server, { ...scene.partner, secret: random() }),
          requestToken(server, scene.partner, { scope: random() }),
          requestToken(server, scene.partner, { resource: `https://${random()}.example` }),
          introspect(server, scene.api, `${header()}.${random()}.${random()}`),
          fetch(`${server.origin}/${random()}`).then(async (response) => response.text()),
          note('a jti', withAssertion(server, assertion())),
          note('a kid', withAssertion(server, assertion({ kid: random() }))),
          note('an iss', withAssertion(server, assertion({}, { iss: random(), sub: random() }))),
          note('a key', postForm(htu, { grant_type: 'client_credentials' }, { ...basic(scene.partner.id, scene.partner.secret), DPoP: createProof({ keys: createProofKeys(), htu }) }))
        ])
      }
      server.forgetLogs()
    }
    await batch(2_500)
    const before = heapBytes()
    await batch(2_500)
    expect((heapBytes() - before) / megabyte).toBeLessThan(2)
    expect([...statuses].sort()).toEqual(['a jti 200', 'a key 200', 'a kid 401', 'an iss 401'])
  })

  it('in each part that looks something up by a caller\'s own text, 60000 times', async () => {
    const secrets = createSecretVerification({
      format: createSecretFormat(randomBytes(32)),
      hasher: createSecretHasher(),
      verifierKey: randomBytes(32),
      hasImportedSecrets: () => false,
      store: { storeVerifier: async () => {}, replaceHash: async () => {} },
      logger: pino({ level: 'silent' })
    })
    const verify = createVerifyAccessToken({ issuer: server.issuer, keys: { find: () => undefined }, clock: Date.now })
    const resources = { byIdentifier: () => undefined, scope: () => undefined }
    const keySets = createKeySets(async () => ({ keys: [pair.jwk] }), pino({ level: 'silent' }))
    const isSigned = createPrivateKeyJwt(keySets)
    const publishing: Client = { ...scene.partner.client, jwksUri: 'https://partner.example/jwks' }
    const client: Client = scene.partner.client
    async function round (times: number): Promise<void> {
      for (let count = 0; count < times; count += 1) {
        const text = random()
        parseForm(Buffer.from(`${text}=${text}`), new Set())
        try {
          decide(client, { scope: text, resources: [] }, resources)
        } catch (error) {
          if (!(error instanceof OAuthError)) throw error
        }
        await secrets.verify({ kind: 'secret', method: 'client_secret_post', clientId: text, secret: `sgs_live_${text.slice(0, 16)}_${text}${text.slice(0, 19)}_${text.slice(0, 22)}` }, nobody, 0)
        const assertion = { algorithm: 'RS256', keyId: text, claims: { iss: text, sub: text, aud: text, exp: 0, jti: text }, signingInput: text, signature: Buffer.alloc(256 + Math.floor(count / 10) % 256) }
        if (count % 10 === 0) await isSigned(assertion, count % 20 === 0 ? publishing : nobody, count) // an RSA verification each
        await verify(`${Buffer.from(`{"kid":"${text}"}`).toString('base64url')}.AAAA.AAAA`)
      }
    }
    await round(10_000)
    const before = heapBytes()
    await round(60_000)
    expect((heapBytes() - before) / megabyte).toBeLessThan(0.7)
  })
})

/** What is used in a minute, and how much there is altogether: `DISTINCT_IDENTIFIERS=2000000 npm test -- -t R14` for a longer run. */
const [inAMinute, identifiers] = [250, Number(process.env['DISTINCT_IDENTIFIERS'] ?? 5_000)]

describe('R14 (CVE-2025-2559) what may be used once is remembered for minutes', () => {
  let database: TestDatabase
  let session: Database
  beforeAll(async () => {
    database = await createTestDatabase()
    session = createDatabase({ url: database.url, applicationName: 'signet test', poolSize: 4 })
  })
  afterAll(async () => {
    await session.$disconnect()
    await database.drop()
  })

  it(`of ${identifiers} distinct identifiers the table holds those of the last minutes, and the memory none`, { timeout: 60_000 + identifiers * 2 }, async () => {
    const minutes = identifiers / inAMinute
    let now = Date.now() - (minutes + 60) * 60_000 // by the database's own clock all of it is over too
    const guard = createReplayGuard(createUsedIdentifierStore(session), () => now)
    const nobodys = { iss: 'x', sub: 'x', aud: 'x', jti: 'x' }
    const [most, before] = [{ rows: 0 }, { heap: 0 }]
    for (let minute = 0; minute < minutes; minute += 1) {
      if (minute === 5) before.heap = heapBytes()
      const expiresAt = usableUntil({ ...nobodys, exp: now / 1000 + maxAssertionLifetimeSeconds })
      const uses = Array.from({ length: inAMinute }, (_, index) => guard.use(`owner-${index % 10}`, index % 2 === 0 ? 'assertion' : 'proof', random(), expiresAt))
      expect((await Promise.all(uses)).every((isFirst) => isFirst)).toBe(true)
      most.rows = Math.max(most.rows, await session.usedIdentifier.count())
      now += 60_000
      await guard.purgeExpired()
    }
    expect(most.rows).toBeLessThanOrEqual(8 * inAMinute) // 5 minutes, 10 s of skew, and a minute of grace
    expect((heapBytes() - before.heap) / megabyte).toBeLessThan(1)
  })
})
