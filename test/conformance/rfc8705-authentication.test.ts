import { X509Certificate } from 'node:crypto'
import { TLSSocket } from 'node:tls'
import type { FastifyRequest } from 'fastify'
import { decodeJwt } from 'jose'
import * as openid from 'openid-client'
import { Agent, fetch as fetchWith } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isSubject, matchesSubject } from '../../src/clients/certificate-subject.ts'
import { certificateCredential } from '../../src/clients/client-certificate.ts'
import type { RegistrationInput } from '../../src/clients/registration.ts'
import { createReadCertificate } from '../../src/http/certificate.ts'
import { createCertificate, type Certificate } from '../support/certificates.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { basic, postForm, send, within } from '../support/requests.ts'
import { refusalOf } from '../support/refusal.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const authority = await createCertificate({ subject: '/O=Partner Authority', isAuthority: true })
const stranger = await createCertificate({ subject: '/O=Partner Authority', isAuthority: true })
const name = 'backend.partner.example'
const issued = await createCertificate({ subject: '/C=DE/O=Partner, Ltd/CN=backend', names: [`DNS:${name}`, 'URI:spiffe://partner/backend', 'IP:192.0.2.7', 'email:ops@partner.example'], issuer: authority, purpose: 'clientAuth' })
const sibling = await createCertificate({ subject: '/CN=other', names: ['DNS:other.partner.example'], issuer: authority })
const forged = await createCertificate({ subject: '/C=DE/O=Partner, Ltd/CN=backend', names: [`DNS:${name}`], issuer: stranger })
const forServers = await createCertificate({ subject: '/CN=server', names: [`DNS:${name}`], issuer: authority, purpose: 'serverAuth' })
const selfSigned = await createCertificate({ subject: '/CN=self' })
const own = await createCertificate({ subject: '/CN=127.0.0.1', names: ['IP:127.0.0.1'] })
const another = await createCertificate({ subject: '/CN=self' })
const dn = 'CN=backend,O=Partner\\, Ltd,C=DE'

interface Reply { readonly status: number, readonly json: Readonly<Record<string, unknown>>, readonly headers: { get (name: string): string | null } }

/** A fetch that shows a certificate, as openid-client takes one. */
function fetchBy (dispatcher: Agent): openid.CustomFetch {
  return async (url, init) => {
    const answer = await fetchWith(url, { method: init.method, headers: init.headers, ...init.body instanceof URLSearchParams ? { body: init.body } : {}, dispatcher })
    return new Response(await answer.text(), { status: answer.status, headers: [...answer.headers] })
  }
}

describe('RFC 8705 §2 Mutual TLS client authentication, over TLS that Signet ends', () => {
  let server: TestServer
  let scene: Scene
  let byAuthority: RegisteredClient
  let bySelf: RegisteredClient
  let now = Date.now()
  const agents = new Map<Certificate | undefined, Agent>()

  beforeAll(async () => {
    server = await startTestServer({ clock: () => now, environment: { TLS_CERTIFICATE_FILE: own.certificateFile, TLS_KEY_FILE: own.keyFile, TLS_CLIENT_CA_FILE: authority.certificateFile } })
    scene = await server.fixtures.scene()
    byAuthority = await register('tls_client_auth', { certificateSubject: `san_dns:${name}`, certificateBoundTokens: true })
    bySelf = await register('self_signed_tls_client_auth', { certificateThumbprints: [selfSigned.thumbprint, 'A'.repeat(43)] })
    if (!await within(3, async () => (await ask(selfSigned, bySelf.id)).status === 200)) throw new Error('the clients stayed unknown')
  })
  afterAll(async () => {
    await Promise.all([...agents.values()].map((agent) => agent.close()))
    await server.stop()
  })

  async function register (method: string, input: Partial<RegistrationInput>): Promise<RegisteredClient> {
    const client = await server.fixtures.client({ organizationId: scene.organization.id, scopes: ['tournaments:read'], ...input })
    await server.database.client.update({ where: { id: client.id }, data: { authenticationMethods: [method] } })
    return client
  }

  function agentWith (certificate: Certificate | undefined): Agent {
    const agent = agents.get(certificate) ?? new Agent({ connect: { ca: own.certificate, ...certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key } } })
    agents.set(certificate, agent)
    return agent
  }

  async function ask (certificate: Certificate | undefined, clientId: string, more: Readonly<Record<string, string>> = {}, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, ...more })
    const response = await fetchWith(`${server.issuer}/oauth/v2/token`, { method: 'POST', body, headers, dispatcher: agentWith(certificate) })
    return { status: response.status, json: await response.json() as Record<string, unknown>, headers: response.headers } // it says so itself
  }

  async function expectRefused (certificate: Certificate | undefined, clientId: string, cause: string): Promise<void> {
    const { status, json, headers } = await ask(certificate, clientId)
    expect({ status, error: json['error'] }).toEqual({ status: 401, error: 'invalid_client' })
    expect(headers.get('WWW-Authenticate')).toContain('Basic')
    expect(String(server.logs.find(({ requestId }) => requestId === headers.get('X-Request-Id'))?.['cause'])).toContain(cause)
  }

  it('§2.1 takes a certificate of a believed authority for the registered subject, and binds the token if wanted', async () => {
    const { status, json } = await ask(issued, byAuthority.id)
    expect(status).toBe(200)
    expect(decodeJwt(String(json['access_token']))).toMatchObject({ client_id: byAuthority.id, cnf: { 'x5t#S256': issued.thumbprint } })
  })

  it('§2.1.2 takes each kind of subject, for exactly the name that is registered', async () => {
    const kinds: Readonly<Record<string, readonly [right: string, ...wrong: string[]]>> = {
      subject_dn: [dn, 'CN=backend', 'CN=backend,O=Partner,C=DE', 'C=DE,O=Partner\\, Ltd,CN=backend', 'CN=Backend,O=Partner\\, Ltd,C=DE', 'CN=backend,O=Partner,Ltd,C=DE', ''],
      san_dns: [name, 'partner.example', `x.${name}`, 'backend', '*.partner.example', `${name}.evil.example`],
      san_uri: ['spiffe://partner/backend', 'spiffe://partner', 'spiffe://partner/backend/', 'spiffe://PARTNER/backend'],
      san_ip: ['192.0.2.7', '192.0.2.70', '192.0.2', '::ffff:192.0.2.8'],
      san_email: ['ops@partner.example', 'ops@other.example', 'partner.example']
    }
    const certificate = new X509Certificate(issued.certificate)
    for (const [kind, [right, ...wrong]] of Object.entries(kinds)) {
      expect(matchesSubject(certificate, `${kind}:${right}`), kind).toBe(true)
      for (const each of wrong) expect(matchesSubject(certificate, `${kind}:${each}`), `${kind}:${each}`).toBe(false)
    }
    for (const registered of ['', name, `dns:${name}`, `SAN_DNS:${name}`, `constructor:${name}`]) expect(matchesSubject(certificate, registered), registered).toBe(false)
    expect(matchesSubject(certificate, 'subject_dn:cn = backend, o=Partner\\, Ltd , C=DE')).toBe(true)
  })

  it('matches nothing where no subject is registered, not even the names that stand in for it so that the time is the same', async () => {
    const nobodys = await createCertificate({ subject: '/O=Nobody/CN=nobody', names: ['DNS:nobody.invalid', 'URI:https://nobody.invalid', 'IP:192.0.2.0', 'email:nobody@nobody.invalid'] })
    const certificate = new X509Certificate(nobodys.certificate)
    for (const registered of [null, '', 'subject_dn:CN=other', 'san_dns:other.example', 'san_ip:192.0.2.9']) expect(matchesSubject(certificate, registered), String(registered)).toBe(false)
  })

  it('takes a certificate that signed itself for such, also one that may sign no others', async () => {
    const careful = await createCertificate({ subject: '/CN=self', purpose: 'clientAuth' })
    for (const { certificate } of [selfSigned, careful]) expect(certificateCredential('cl_live_x', new X509Certificate(certificate)).method).toBe('self_signed_tls_client_auth')
    for (const { certificate } of [issued, forged]) expect(certificateCredential('cl_live_x', new X509Certificate(certificate)).method).toBe('tls_client_auth')
  })

  it('§2.1.2 registers no name that is several names, or nobody\'s', () => {
    for (const subject of ['san_dns:backend.example', 'san_dns:a_b', 'san_ip:192.0.2.7', 'san_ip:2001:db8::1', 'san_uri:spiffe://partner/backend', 'san_email:ops@partner.example', 'subject_dn:CN=x,O=y']) expect(isSubject(subject), subject).toBe(true)
    for (const subject of ['san_dns:.example', 'san_dns:*.example', 'san_dns:', 'san_dns:a..b', 'san_ip:nonsense', 'san_uri:backend', 'san_uri:a:b c', 'san_email:ops', 'subject_dn:x', 'dns:x', 'subject_dn:CN=x\n', `san_dns:${'a'.repeat(300)}`]) expect(isSubject(subject), subject).toBe(false)
  })

  it('S50 the certificate of a trusted proxy is never the caller\'s, be there a header or not', () => {
    const socket: TLSSocket = Object.create(TLSSocket.prototype) as TLSSocket // nothing of it but what is asked
    Object.defineProperty(socket, 'remoteAddress', { value: '10.0.0.1' })
    socket.getPeerX509Certificate = () => new X509Certificate(selfSigned.certificate)
    const request = { raw: { socket, headersDistinct: {} } } as unknown as FastifyRequest // likewise
    for (const clientCertificateHeader of [undefined, 'client-cert']) {
      expect(createReadCertificate({ clientCertificateHeader, trustProxy: ['10.0.0.0/8'] })(request)).toBeUndefined()
      expect(createReadCertificate({ clientCertificateHeader, trustProxy: ['192.0.2.0/24'] })(request)).toBeDefined()
    }
  })

  it('CVE-2021-44532 a name in a certificate that looks like several names is none of them', async () => {
    const tricky = await createCertificate({ subject: '/CN=x, DNS:y', names: ['URI:http://evil/?, URI:spiffe://partner/backend, x'] })
    const certificate = new X509Certificate(tricky.certificate)
    expect(matchesSubject(certificate, 'san_uri:spiffe://partner/backend')).toBe(false)
    expect(matchesSubject(certificate, 'subject_dn:CN=x')).toBe(false)
  })

  it('§2.1 refuses another subject, another authority of the same name, another purpose and another method', async () => {
    await expectRefused(sibling, byAuthority.id, 'another subject')
    await expectRefused(forged, byAuthority.id, 'no authority')
    await expectRefused(forServers, byAuthority.id, 'not for the authentication of clients')
    await expectRefused(selfSigned, byAuthority.id, 'not registered')
    await expectRefused(authority, byAuthority.id, 'not registered')
    await expectRefused(issued, bySelf.id, 'not registered')
    await expectRefused(issued, scene.partner.id, 'not registered')
    await expectRefused(issued, 'cl_live_nobody', 'unknown client')
    await expectRefused(undefined, byAuthority.id, 'no client authentication')
  })

  it('RFC 5280 §4.1.2.6 takes a certificate without a subject by its alternative names, and refuses it by a subject', async () => {
    const nameless = await createCertificate({ subject: '', names: [`DNS:${name}`, 'URI:spiffe://partner/nameless'], issuer: authority, purpose: 'clientAuth' })
    expect((await ask(nameless, byAuthority.id)).status).toBe(200)
    await expectRefused(nameless, 'cl_live_nobody', 'unknown client')
    const certificate = new X509Certificate(nameless.certificate)
    expect(matchesSubject(certificate, 'san_uri:spiffe://partner/nameless')).toBe(true)
    for (const registered of [null, 'subject_dn:CN=backend', 'subject_dn:=', 'subject_dn: = ']) expect(matchesSubject(certificate, registered), String(registered)).toBe(false)
  })

  it('§2.2 takes a self-signed certificate that is registered, and no other of the same name', async () => {
    expect((await ask(selfSigned, bySelf.id)).status).toBe(200)
    await expectRefused(another, bySelf.id, 'not registered')
  })

  it('refuses both before and after the certificates\' time', async () => {
    const before = now
    for (const [time, clientId, certificate] of [[before + 3 * 86_400_000, byAuthority.id, issued], [before - 86_400_000, byAuthority.id, issued], [before + 3 * 86_400_000, bySelf.id, selfSigned]] as const) {
      now = time
      await expectRefused(certificate, clientId, 'not valid at this time')
    }
    now = before
  })

  it('row 7: a certificate beside another method is no second kind, and authenticates nobody', async () => {
    expect((await ask(issued, scene.partner.id, { client_secret: scene.partner.secret })).status).toBe(200)
    expect((await ask(issued, byAuthority.id, { client_secret: byAuthority.secret })).json['error']).toBe('invalid_client')
    expect((await ask(issued, byAuthority.id, {}, basic(byAuthority.id, byAuthority.secret))).json['error']).toBe('invalid_client')
    expect((await ask(issued, byAuthority.id, { client_secret: 'wrong' })).json['error']).toBe('invalid_client')
  })

  it('row 7: a certificate without client_id names no client', async () => {
    const response = await fetchWith(`${server.issuer}/oauth/v2/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials' }), dispatcher: agentWith(issued) })
    expect(response.status).toBe(401)
  })

  it('R21 a client that is disabled is refused with the best of certificates', async () => {
    const client = await register('self_signed_tls_client_auth', { certificateThumbprints: [selfSigned.thumbprint] })
    expect(await within(3, async () => (await ask(selfSigned, client.id)).status === 200)).toBe(true)
    await server.database.client.update({ where: { id: client.id }, data: { disabledAt: new Date() } })
    expect(await within(2, async () => (await ask(selfSigned, client.id)).status === 401)).toBe(true)
  })

  it('openid-client finds the methods in the metadata, and gets, introspects and revokes tokens with a certificate', async () => {
    const api = await register('self_signed_tls_client_auth', { certificateThumbprints: [another.thumbprint], resourceId: scene.resource.id })
    const configure = (clientId: string, certificate: Certificate): Promise<openid.Configuration> =>
      openid.discovery(new URL(server.issuer), clientId, undefined, openid.TlsClientAuth(), { algorithm: 'oauth2', [openid.customFetch]: fetchBy(agentWith(certificate)) })
    const ofPartner = await configure(byAuthority.id, issued)
    expect(ofPartner.serverMetadata()).toMatchObject({ token_endpoint_auth_methods_supported: expect.arrayContaining(['tls_client_auth', 'self_signed_tls_client_auth']) as string[] })
    const { access_token: token } = await openid.clientCredentialsGrant(ofPartner, { scope: 'tournaments:read' })
    const ofApi = await configure(api.id, another)
    if (!await within(3, async () => (await ask(another, api.id)).status !== 401)) throw new Error('the API stayed unknown')
    expect(await openid.tokenIntrospection(ofApi, token)).toMatchObject({ active: true, client_id: byAuthority.id, cnf: { 'x5t#S256': issued.thumbprint } })
    await openid.tokenRevocation(ofPartner, token)
    expect(await openid.tokenIntrospection(ofApi, token)).toEqual({ active: false })
  })
})

describe('RFC 8705 §2 behind a proxy, and without certificates', () => {
  it('S50 authenticates by the header of a trusted proxy, and by nobody else\'s', async () => {
    const server = await startTestServer({ environment: { TRUST_PROXY: '127.0.0.1', CLIENT_CERTIFICATE_HEADER: 'X-SSL-Client-Cert', TLS_CLIENT_CA_FILE: authority.certificateFile } })
    const { organization: { id: organizationId } } = await server.fixtures.scene()
    const client = await server.fixtures.client({ organizationId, certificateSubject: `subject_dn:${dn}` })
    await server.database.client.update({ where: { id: client.id }, data: { authenticationMethods: ['tls_client_auth'] } })
    const untrusting = await server.startSibling({ TRUST_PROXY: '192.0.2.0/24' })
    const ask = async (origin: string, certificate: Certificate): Promise<number> => (await postForm(`${origin}/oauth/v2/token`, { grant_type: 'client_credentials', client_id: client.id }, { 'X-SSL-Client-Cert': encodeURIComponent(certificate.certificate) })).status
    expect(await within(3, async () => await ask(server.origin, issued) === 200)).toBe(true)
    expect(await ask(server.origin, forged)).toBe(401)
    expect(await ask(untrusting.origin, issued)).toBe(401)
    await server.stop()
  })

  it('S47 offers no method that needs a certificate where none reaches the server', async () => {
    const server = await startTestServer()
    const { json } = await send(`${server.issuer}/.well-known/oauth-authorization-server`)
    expect(JSON.stringify(json)).not.toContain('tls_client_auth')
    const proxied = await server.startSibling({ TRUST_PROXY: '192.0.2.1', CLIENT_CERTIFICATE_HEADER: 'Client-Cert' })
    const methods = (await send(`${proxied.origin}/.well-known/oauth-authorization-server`)).json['token_endpoint_auth_methods_supported']
    expect(methods).toContain('self_signed_tls_client_auth')
    expect(methods).not.toContain('tls_client_auth')
    const start = (environment: Readonly<Record<string, string>>): Promise<unknown> => server.startSibling(environment)
    expect(await refusalOf(start({ TLS_CLIENT_CA_FILE: authority.certificateFile }))).toContain('needs certificates of clients')
    expect(await refusalOf(start({ AUTHENTICATION_METHODS: 'tls_client_auth' }))).toContain('It takes some of these')
    expect(await refusalOf(start({ TRUST_PROXY: '192.0.2.1', CLIENT_CERTIFICATE_HEADER: 'Client-Cert', TLS_CLIENT_CA_FILE: selfSigned.keyFile }))).toContain('holds no certificates of authorities')
    await server.stop()
  })
})
