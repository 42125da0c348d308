import { connect } from 'node:net'
import { decodeJwt } from 'jose'
import * as openid from 'openid-client'
import { Agent, fetch as fetchWith } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCertificate, type Certificate } from '../support/certificates.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { createProof, createProofKeys } from '../support/proofs.ts'
import { postForm, requestToken, tokenOf, within, type Answer } from '../support/requests.ts'
import { refusalOf } from '../support/refusal.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const one = await createCertificate({ subject: '/CN=Partner backend' })
const other = await createCertificate({ subject: '/CN=Another backend' })

interface Registered { readonly scene: Scene, readonly bound: RegisteredClient }

async function register ({ fixtures }: TestServer): Promise<Registered> {
  const scene = await fixtures.scene()
  return { scene, bound: await fixtures.client({ organizationId: scene.organization.id, scopes: ['tournaments:read'], certificateBoundTokens: true }) }
}

function boundTo (answer: { readonly json: Readonly<Record<string, unknown>> }): unknown {
  return decodeJwt(String(answer.json['access_token']))['cnf']
}

/** A fetch that shows a certificate, as openid-client takes one. */
function fetchBy (dispatcher: Agent): openid.CustomFetch {
  return async (url, init) => {
    const answer = await fetchWith(url, { method: init.method, headers: init.headers, ...init.body instanceof URLSearchParams ? { body: init.body } : {}, dispatcher })
    return new Response(await answer.text(), { status: answer.status, headers: [...answer.headers] })
  }
}

describe('RFC 8705 §3 Certificate-bound tokens, where Signet ends TLS itself', () => {
  let server: TestServer
  let scene: Scene
  let bound: RegisteredClient
  let own: Certificate
  const agents: Agent[] = []

  beforeAll(async () => {
    own = await createCertificate({ subject: '/CN=127.0.0.1', names: ['IP:127.0.0.1'] })
    server = await startTestServer({ environment: { TLS_CERTIFICATE_FILE: own.certificateFile, TLS_KEY_FILE: own.keyFile } })
    ;({ scene, bound } = await register(server))
    if (!await within(3, async () => (await ask(undefined, bound)).status === 400)) throw new Error('the client stayed unknown')
  })
  afterAll(async () => {
    await Promise.all(agents.map((agent) => agent.close()))
    await server.stop()
  })

  function agentWith (certificate: Certificate | undefined): Agent {
    const agent = new Agent({ connect: { ca: own.certificate, ...certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key } } })
    agents.push(agent)
    return agent
  }

  async function ask (certificate: Certificate | undefined, client: RegisteredClient, headers: Readonly<Record<string, string>> = {}): Promise<Pick<Answer, 'status' | 'json'>> {
    const body = new URLSearchParams({ client_id: client.id, client_secret: client.secret, scope: 'tournaments:read' })
    const response = await fetchWith(`${server.issuer}/oauth/v2/token`, { method: 'POST', body, headers, dispatcher: agentWith(certificate) })
    return { status: response.status, json: await response.json() as Record<string, unknown> } // it says so itself
  }

  it('has an https issuer by default, and says that tokens can be bound', async () => {
    expect(server.issuer).toMatch(/^https:\/\/127\.0\.0\.1:/)
    const response = await fetchWith(`${server.issuer}/.well-known/oauth-authorization-server`, { dispatcher: agentWith(undefined) })
    expect(await response.json()).toMatchObject({ issuer: server.issuer, tls_client_certificate_bound_access_tokens: true })
  })

  it('§3.1 binds to the certificate of the connection: x5t#S256 is its SHA-256 thumbprint, and the type stays Bearer', async () => {
    for (const certificate of [one, other]) {
      const answer = await ask(certificate, bound)
      expect(answer).toMatchObject({ status: 200, json: { token_type: 'Bearer' } })
      expect(boundTo(answer)).toEqual({ 'x5t#S256': certificate.thumbprint })
    }
  })

  it('issues nothing to such a client without a certificate', async () => {
    expect(await ask(undefined, bound)).toMatchObject({ status: 400, json: { error: 'invalid_request' } })
  })

  it('binds no tokens of clients that do not want it, whatever certificate they have', async () => {
    expect(boundTo(await ask(one, scene.partner))).toBeUndefined()
  })

  it('a certificate does not authenticate a client that has a secret: a wrong secret stays wrong', async () => {
    expect(await ask(one, { ...bound, secret: 'wrong' })).toMatchObject({ status: 401, json: { error: 'invalid_client' } })
  })

  it('S50 a header with a certificate means nothing, for no proxy is trusted', async () => {
    for (const name of ['Client-Cert', 'X-Client-Cert', 'X-SSL-Cert', 'X-Forwarded-Client-Cert']) {
      expect((await ask(undefined, bound, { [name]: `:${one.der.toString('base64')}:` })).status, name).toBe(400)
      expect(boundTo(await ask(other, bound, { [name]: `:${one.der.toString('base64')}:` })), name).toEqual({ 'x5t#S256': other.thumbprint })
    }
  })

  it('binds to a DPoP key and to the certificate at once', async () => {
    const keys = createProofKeys()
    const answer = await ask(one, bound, { DPoP: createProof({ keys, htu: `${server.issuer}/oauth/v2/token` }) })
    expect(answer.json['token_type']).toBe('DPoP')
    expect(boundTo(answer)).toEqual({ jkt: keys.thumbprint, 'x5t#S256': one.thumbprint })
  })

  it('§3.2 openid-client gets a bound token, and introspection tells the certificate', async () => {
    const execute: ((configuration: openid.Configuration) => void)[] = []
    const configuration = await openid.discovery(new URL(server.issuer), bound.id, undefined, openid.ClientSecretPost(bound.secret), { algorithm: 'oauth2', execute, [openid.customFetch]: fetchBy(agentWith(one)) })
    const token = await openid.clientCredentialsGrant(configuration, { scope: 'tournaments:read' })
    const ofApi = await openid.discovery(new URL(server.issuer), scene.api.id, undefined, openid.ClientSecretPost(scene.api.secret), { algorithm: 'oauth2', execute, [openid.customFetch]: fetchBy(agentWith(undefined)) })
    expect(await openid.tokenIntrospection(ofApi, token.access_token)).toMatchObject({ active: true, token_type: 'Bearer', cnf: { 'x5t#S256': one.thumbprint } })
  })

  it('drops what speaks no TLS, and goes on', async () => {
    const socket = connect({ host: '127.0.0.1', port: server.config.port })
    socket.on('error', () => {}) // a reset is an end like any other
    socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n')
    await new Promise((resolve) => { socket.on('close', resolve) })
    expect((await ask(one, bound)).status).toBe(200)
  })

  it('refuses to start with files that are missing or do not belong together', async () => {
    const start = (environment: Readonly<Record<string, string>>): Promise<unknown> => startTestServer({ environment, databaseUrl: server.databaseUrl })
    expect(await refusalOf(start({ TLS_CERTIFICATE_FILE: own.certificateFile }))).toContain('Set both, or neither')
    expect(await refusalOf(start({ TLS_CERTIFICATE_FILE: own.certificateFile, TLS_KEY_FILE: one.keyFile, MASTER_KEY: server.config.masterKey ?? '' }))).toContain('do not hold a certificate in PEM and its private key')
    expect(await refusalOf(start({ TLS_CERTIFICATE_FILE: '/nowhere.pem', TLS_KEY_FILE: one.keyFile, MASTER_KEY: server.config.masterKey ?? '' }))).toContain('ENOENT')
    expect(await refusalOf(start({ CLIENT_CERTIFICATE_HEADER: 'Client-Cert' }))).toContain('needs TRUST_PROXY')
    expect(await refusalOf(start({ CLIENT_CERTIFICATE_HEADER: 'Client Cert', TRUST_PROXY: '127.0.0.1' }))).toContain('not the name of a header')
  })
})

describe('RFC 9440 the certificate that a trusted proxy hands on', () => {
  let server: TestServer
  let untrusting: TestServer
  let scene: Scene
  let bound: RegisteredClient

  beforeAll(async () => {
    server = await startTestServer({ environment: { TRUST_PROXY: '127.0.0.1/32,::1', CLIENT_CERTIFICATE_HEADER: 'Client-Cert' } })
    ;({ scene, bound } = await register(server))
    untrusting = await server.startSibling({ TRUST_PROXY: '10.0.0.0/8' })
    for (const each of [server, { ...untrusting, issuer: untrusting.origin }]) if (!await within(3, async () => (await requestToken(each, bound)).status === 400)) throw new Error('the client stayed unknown')
  })
  afterAll(async () => { await server.stop() })

  function ask (header: string, at = server.origin, name = 'Client-Cert'): Promise<Answer> {
    return postForm(`${at}/oauth/v2/token`, { client_id: bound.id, client_secret: bound.secret }, { [name]: header })
  }
  const rfc9440 = ({ der }: Certificate): string => `:${der.toString('base64')}:`
  const escapedPem = ({ certificate }: Certificate): string => encodeURIComponent(certificate)

  it('§2.2 is taken as a byte sequence, and as percent-encoded PEM', async () => {
    for (const header of [rfc9440(one), escapedPem(one), escapedPem(one).replace(/%0A$/, '')]) {
      const answer = await ask(header)
      expect({ status: answer.status, cnf: boundTo(answer) }).toEqual({ status: 200, cnf: { 'x5t#S256': one.thumbprint } })
    }
  })

  it('S50 is ignored from whoever is no trusted proxy', async () => {
    for (const header of [rfc9440(one), escapedPem(one)]) expect((await ask(header, untrusting.origin)).json['error']).toBe('invalid_request')
  })

  it('S50 another header, a second one or one that is no certificate is none', async () => {
    const garbage = ['', ':', '::', ':AAAA:', one.der.toString('base64'), `${rfc9440(one)}, ${rfc9440(other)}`, `${rfc9440(one)};a=1`, '%', '%00', encodeURIComponent(one.key), encodeURIComponent(`${one.certificate}${other.certificate}`), `:${'A'.repeat(8_000)}:`]
    for (const header of garbage) expect((await ask(header)).json['error'], header.slice(0, 40)).toBe('invalid_request')
    expect((await ask(rfc9440(one), server.origin, 'X-SSL-Client-Cert')).json['error']).toBe('invalid_request')
  })

  it('says in the metadata that tokens can be bound, which a server without TLS and header does not', async () => {
    const metadata = async (at: string): Promise<unknown> => (await (await fetch(`${at}/.well-known/oauth-authorization-server`)).json() as Record<string, unknown>)['tls_client_certificate_bound_access_tokens']
    expect(await metadata(server.origin)).toBe(true)
    expect(await metadata((await server.startSibling({ CLIENT_CERTIFICATE_HEADER: '' })).origin)).toBe(false)
    expect(decodeJwt(await tokenOf(server, scene.partner))).not.toHaveProperty('cnf')
  })
})
