import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../../src/clients/client.ts'
import { jwtBearerGrant, tokenExchangeGrant } from '../../src/oauth/grant-types.ts'
import { clientAssertionType } from '../../src/oauth/parameters.ts'
import { assertionClaims, macWith, newPair, signerOf, type Pair } from '../support/assertions.ts'
import { accessTokenType, exchangeScene, jwtType, playerToken, type ExchangeScene } from '../support/exchange.ts'
import { compact, type Signer } from '../support/forged-tokens.ts'
import { heapBytes, megabyte } from '../support/heap.ts'
import { createProof, createProofKeys } from '../support/proofs.ts'
import { basic, tokenOf, within } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { expectOwnAnswer, fieldValue, octets, randomTimes, request } from './own-answer.ts'

const formPaths = ['/oauth/v2/token', '/oauth/v2/introspect', '/oauth/v2/revoke'] as const
type Pairs = readonly (readonly [string, string])[]

/** What a request shows of its client, beside the form or in it. */
interface Shown { readonly headers: readonly string[], readonly pairs: Pairs }

/** Any value of JSON: what a signature does not keep from being said. */
const anyMember = fc.jsonValue({ maxDepth: 3 })
const seconds = (): number => Math.floor(Date.now() / 1000)
const moment = fc.integer({ min: -400, max: 400 }).map((ahead) => seconds() + ahead)
const member = (...good: readonly unknown[]): fc.Arbitrary<unknown> => fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: fc.oneof(fc.constant(undefined), anyMember) })

describe('random credentials: assertions, tokens, proofs and headers that are nearly right', () => {
  let server: TestServer
  let scene: ExchangeScene
  let signing: Client
  let tokens: readonly string[]
  const pair: Pair = newPair()
  const stranger: Pair = newPair('RS256')
  const proofKeys = createProofKeys()

  beforeAll(async () => {
    server = await startTestServer()
    scene = await exchangeScene(server)
    signing = await server.fixtures.signingClient({ organizationId: scene.organization.id, scopes: ['tournaments:read'], keys: [pair] })
    tokens = [await tokenOf(server, scene.partner), await tokenOf(server, scene.gateway), await playerToken(server, scene.login)]
    const [claims] = [assertionClaims(server.issuer, signing.id, Date.now())]
    expect(await within(3, async () => (await send('/oauth/v2/token', { headers: [], pairs: assertionPairs(compact({ alg: 'ES256' }, claims, signerOf(pair))) })) !== 401)).toBe(true)
  })
  afterAll(async () => { await server.stop() })

  const assertionPairs = (assertion: string): Pairs => [['grant_type', 'client_credentials'], ['client_assertion_type', clientAssertionType], ['client_assertion', assertion]]

  async function send (path: string, { headers, pairs }: Shown): Promise<number> {
    const body = new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value])).toString()
    return (await expectOwnAnswer(server.origin, request(`POST ${path}`, ['Content-Type: application/x-www-form-urlencoded', ...headers], body), path)).status
  }

  /** JWTs of which each part is right, mostly, and signed with the key of somebody, mostly the right one. */
  function jwts (): fc.Arbitrary<string> {
    const { login } = scene
    const clients = [
      { alg: 'HS256', kid: undefined, iss: login.id, subjects: ['player-7'], rightly: macWith(login.secret) },
      { alg: 'ES256', kid: pair.kid, iss: signing.id, subjects: [signing.id], rightly: signerOf(pair) }
    ]
    return fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...clients).chain(jwtOf) }, { weight: 1, arbitrary: anyText() })
  }

  interface Signing { readonly alg: string, readonly kid: string | undefined, readonly iss: string, readonly subjects: readonly string[], readonly rightly: Signer }

  function jwtOf ({ alg, kid, iss, subjects, rightly }: Signing): fc.Arbitrary<string> {
    const header = fc.record({ alg: member(alg), kid: member(undefined, kid), typ: member(undefined, 'JWT'), crit: member(undefined), jwk: member(undefined, pair.jwk) })
    const claims = fc.record({
      iss: member(iss),
      sub: member(...subjects),
      aud: member(server.issuer),
      scope: member(undefined, 'tournaments:read'),
      nbf: member(undefined),
      iat: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.oneof(moment, anyMember) }),
      exp: fc.oneof({ weight: 9, arbitrary: fc.constant(0).map(() => seconds() + 60) }, { weight: 1, arbitrary: fc.oneof(moment, anyMember) }),
      jti: fc.oneof({ weight: 9, arbitrary: fc.uuid() }, { weight: 1, arbitrary: anyMember })
    })
    const signer = fc.oneof({ weight: 8, arbitrary: fc.constant(rightly) }, { weight: 1, arbitrary: fc.constantFrom(signerOf(stranger), macWith('x'), macWith(JSON.stringify(pair.jwk))) }, { weight: 1, arbitrary: octets.map((bytes): Signer => () => bytes) })
    const whole = fc.tuple(header, fc.oneof({ weight: 9, arbitrary: claims }, { weight: 1, arbitrary: fc.string({ unit: 'binary' }) }), signer).map((parts) => compact(...parts))
    return fc.oneof({ weight: 9, arbitrary: whole }, { weight: 1, arbitrary: whole.chain((text) => fc.nat(text.length).map((at) => `${text.slice(0, at)}!${text.slice(at)}`)) })
  }

  function anyText (): fc.Arbitrary<string> {
    return fc.oneof(fc.constantFrom(...tokens, '', '.', '..', `${'A'.repeat(500)}.${'B'.repeat(500)}.`), fc.string({ unit: 'binary', maxLength: 60 }), octets.map((bytes) => bytes.toString('base64url')), fc.base64String())
  }

  function authentications (): fc.Arbitrary<Shown> {
    const { gateway, login, partner, statistics } = scene
    const some = fc.constantFrom(gateway, login, partner, partner, statistics)
    return fc.oneof(
      some.map(({ id, secret }): Shown => ({ headers: [`Authorization: ${basic(id, secret).Authorization}`], pairs: [] })),
      some.map(({ id, secret }): Shown => ({ headers: [], pairs: [['client_id', id], ['client_secret', secret]] })),
      jwts().map((jwt): Shown => ({ headers: [], pairs: [['client_assertion_type', clientAssertionType], ['client_assertion', jwt]] })),
      jwts().map((jwt): Shown => ({ headers: [], pairs: [['grant_type', jwtBearerGrant], ['assertion', jwt]] })),
      fc.constantFrom('Basic', 'Bearer', 'DPoP', 'Digest').chain((scheme) => anyText().map((text): Shown => ({ headers: [`Authorization: ${scheme} ${Buffer.from(text).toString('base64')}`], pairs: [] }))),
      fieldValue.map((value): Shown => ({ headers: [`Authorization: ${value}`], pairs: [] }))
    )
  }

  /** What an endpoint asks for, right or wrong. */
  function parameters (path: string): fc.Arbitrary<Pairs> {
    const types = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(accessTokenType, jwtType) }, { weight: 1, arbitrary: anyText() })
    const token = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...tokens) }, { weight: 1, arbitrary: jwts() })
    const value: Readonly<Record<string, fc.Arbitrary<string>>> = {
      scope: fc.constantFrom('tournaments:read', 'stats:read', 'tournaments:read stats:read', ' '),
      resource: fc.oneof(fc.constantFrom(scene.api.identifier, scene.stats.identifier), fc.webUrl()),
      audience: anyText(),
      player_id: fc.oneof(fc.constant('player-1'), fc.string({ unit: 'binary', maxLength: 300 })),
      client_id: fc.constantFrom(signing.id, scene.partner.id, 'nobody'),
      actor_token: token,
      actor_token_type: types,
      requested_token_type: types,
      token_type_hint: anyText()
    }
    const optional = fc.subarray(Object.entries(value)).chain((chosen) => fc.tuple(...chosen.map(([name, values]) => values.map((text): [string, string] => [name, text]))))
    const inspected = token.map((text): Pairs => [['token', text]])
    const exchanged = fc.tuple(token, types).map(([subject, type]): Pairs => [['grant_type', tokenExchangeGrant], ['subject_token', subject], ['subject_token_type', type]])
    const grant = fc.oneof({ weight: 2, arbitrary: fc.constant<Pairs>([['grant_type', 'client_credentials']]) }, { weight: 1, arbitrary: exchanged })
    const usual = fc.oneof({ weight: 9, arbitrary: path.endsWith('/token') ? grant : inspected }, { weight: 1, arbitrary: path.endsWith('/token') ? inspected : grant })
    return fc.tuple(usual, fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: optional })).map((lists) => lists.flat())
  }

  function headers (): fc.Arbitrary<readonly string[]> {
    const htu = `${server.issuer}/oauth/v2/token`
    const proof = fc.oneof(
      fc.record({ typ: member('dpop+jwt'), alg: member('ES256'), jwk: member(proofKeys.jwk) }).chain((header) => fc.record({ htm: member('POST'), htu: member(htu), iat: fc.oneof({ weight: 5, arbitrary: fc.constant(0).map(seconds) }, { weight: 1, arbitrary: anyMember }), nonce: member(undefined) })
        .map((claims) => createProof({ keys: proofKeys, htu, header, claims }))),
      jwts()
    )
    const lines = proof.map((text) => `DPoP: ${text.replace(/[^\x20-\x7e]/g, '?')}`)
    return fc.oneof(
      { weight: 6, arbitrary: fc.constant([]) }, { weight: 3, arbitrary: lines.map((line) => [line]) }, { weight: 1, arbitrary: fc.array(lines, { maxLength: 2 }) },
      { weight: 1, arbitrary: fieldValue.map((text) => [`DPoP: ${text}`, 'Client-Cert: :AAAA:', `X-Forwarded-For: ${text}`]) }, { weight: 1, arbitrary: fc.constant(['Accept: application/token-introspection+jwt']) }
    )
  }

  it('are answered at every endpoint by what the protocol says, below 500 and in JSON, whatever they are', async () => {
    const reached = new Set<string>()
    await fc.assert(fc.asyncProperty(fc.constantFrom(...formPaths).chain((path) => fc.tuple(fc.constant(path), parameters(path))), authentications(), headers(), async ([path, pairs], shown, more) => {
      const both = [...shown.pairs, ...pairs.filter(([name]) => !shown.pairs.some(([other]) => other === name))]
      const status = await send(path, { headers: [...shown.headers, ...more], pairs: both })
      reached.add(`${path} ${String(shown.pairs.find(([name]) => name.endsWith('assertion'))?.[0])} ${status}`)
    }), { numRuns: 4_000 * randomTimes })
    // What is nearly right is right at times, so that all that comes after authentication is reached too.
    const answers = [...reached]
    expect(answers).toEqual(expect.arrayContaining(['undefined', 'client_assertion', 'assertion'].flatMap((shown) => [200, 400].map((status) => `/oauth/v2/token ${shown} ${status}`))))
    for (const path of formPaths) for (const status of [200, 400, 401]) expect(answers.some((each) => each.startsWith(path) && each.endsWith(` ${status}`)), `${path} ${status}`).toBe(true)
  }, 120_000 * randomTimes)

  it('leave no memory behind, and no server error in the log', async () => {
    const batch = (numRuns: number): Promise<void> => fc.assert(fc.asyncProperty(fc.constantFrom(...formPaths), authentications(), headers(), async (path, shown, more) => {
      await send(path, { headers: [...shown.headers, ...more], pairs: shown.pairs })
    }), { numRuns })
    const errors = (): readonly unknown[] => server.logs.filter(({ status, level }) => Number(status) >= 500 || Number(level) >= 50)
    await batch(300)
    expect(errors()).toEqual([])
    server.forgetLogs()
    const before = heapBytes()
    await batch(600 * randomTimes)
    expect(errors()).toEqual([])
    server.forgetLogs()
    expect((heapBytes() - before) / megabyte).toBeLessThan(2)
  }, 120_000 * randomTimes)
})
