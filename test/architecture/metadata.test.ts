import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultFeatures, endpointPaths, metadataOf, metadataPaths } from '../../src/discovery/metadata.ts'
import { environments, issuerOf } from '../../src/environment.ts'
import { authenticationMethods, needsCertificate } from '../../src/oauth/authentication-methods.ts'
import { grantTypes } from '../../src/oauth/grant-types.ts'
import { send } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

describe('the metadata is made of the tables that the server acts on', () => {
  let server: TestServer

  beforeAll(async () => { server = await startTestServer() })
  afterAll(async () => { await server.stop() })

  it.each(environments)('names the grants and authentication methods of the tables, for %s', (environment) => {
    const metadata: Readonly<Record<string, unknown>> = metadataOf('https://auth.example.com', environment, defaultFeatures)
    expect(metadata['grant_types_supported']).toEqual(grantTypes)
    for (const name of ['token', 'introspection', 'revocation']) expect(metadata[`${name}_endpoint_auth_methods_supported`]).toEqual(authenticationMethods.filter((method) => !needsCertificate(method)))
    expect(metadata['issuer']).toBe(issuerOf('https://auth.example.com', environment))
  })

  it.each([{ methods: ['client_secret_basic'] }, { methods: ['private_key_jwt'] }, { methods: authenticationMethods }] as const)('RFC 8414 §3.2 has no member without elements but the one that §2 requires, with $methods', ({ methods }) => {
    for (const environment of environments) {
      const members = Object.entries(metadataOf('https://auth.example.com', environment, { ...defaultFeatures, authenticationMethods: methods }))
      expect(members.filter(([, value]) => Array.isArray(value) && value.length === 0).map(([name]) => name)).toEqual(['response_types_supported'])
      const signs = methods.some((method) => method.endsWith('_jwt'))
      expect(members.some(([name]) => name === 'token_endpoint_auth_signing_alg_values_supported')).toBe(signs)
      expect(JSON.stringify(members)).not.toMatch(/"none"/i)
    }
  })

  it('S47 every address that it names is one that the server answers, and the methods are the endpoint\'s own', async () => {
    for (const environment of environments) {
      const addresses = Object.entries(metadataOf(server.issuer, environment, server.config)).filter(([name]) => name.endsWith('_endpoint') || name.endsWith('_uri'))
      expect(addresses.map(([name]) => name).sort()).toEqual(['introspection_endpoint', 'jwks_uri', 'revocation_endpoint', 'status_list_aggregation_endpoint', 'token_endpoint'])
      for (const [name, address] of addresses) {
        const { status, headers } = await send(String(address), { method: 'DELETE' })
        expect({ status, allow: headers.get('Allow') }, name).toEqual({ status: 405, allow: ['jwks_uri', 'status_list_aggregation_endpoint'].includes(name) ? 'GET, HEAD' : 'POST' })
      }
    }
  })

  it('S47 every path of the tables is a route, and every route of the protocol is in the tables', async () => {
    for (const path of Object.values(endpointPaths)) expect((await send(server.origin + path, { method: 'DELETE' })).status, path).toBe(405)
    for (const environment of environments) {
      for (const path of metadataPaths(server.issuer, environment)) expect((await send(server.origin + path)).json['issuer'], path).toBe(issuerOf(server.issuer, environment))
    }
    const guesses = ['authorize', 'userinfo', 'register', 'par', 'device_authorization', 'logout', 'keys', 'certs', 'status-list', 'status-lists/x', 'ciba', 'tokeninfo', 'consent']
    for (const guess of guesses) {
      for (const prefix of ['/oauth/v2/', '/oauth/', '/', '/test/oauth/v2/']) expect((await send(server.origin + prefix + guess)).status, prefix + guess).toBe(404)
    }
  })
})

describe('RFC 8414 §3.1 where the metadata of an issuer is found', () => {
  const places: [string, 'live' | 'test', readonly string[]][] = [
    ['https://a.example', 'live', ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']],
    ['https://a.example', 'test', ['/.well-known/oauth-authorization-server/test', '/test/.well-known/oauth-authorization-server', '/.well-known/openid-configuration/test', '/test/.well-known/openid-configuration']],
    ['https://a.example/x/y', 'live', ['/.well-known/oauth-authorization-server/x/y', '/x/y/.well-known/oauth-authorization-server', '/.well-known/openid-configuration/x/y', '/x/y/.well-known/openid-configuration']]
  ]
  it.each(places)('for %s, %s', (issuer, environment, paths) => {
    expect(metadataPaths(issuer, environment)).toEqual(paths)
  })
})
