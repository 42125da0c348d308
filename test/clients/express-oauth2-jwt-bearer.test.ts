import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import express from 'express'
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureFirstKeys } from '../../src/keys/first-keys.ts'
import { createSigningKeyStore } from '../../src/keys/store.ts'
import { send, tokenOf, within, type Answer } from '../support/requests.ts'
import { freePort } from '../support/server.ts'
import { audience, startWithPartners, type Partners } from './partners.ts'

describe('express-oauth2-jwt-bearer 1 in an Express 5 API', () => {
  let partners: Partners
  let now = Date.now()
  const apis: Server[] = []

  beforeAll(async () => { partners = await startWithPartners({ clock: () => now }) })
  afterAll(async () => {
    for (const api of apis) api.close()
    await partners.server.stop()
  })

  /** An API of its own that trusts one issuer and knows nothing of it but its URL. */
  async function startApi (issuer: string): Promise<string> {
    const app = express()
    const bearer = auth({ issuerBaseURL: issuer, audience, strict: true, tokenSigningAlg: 'RS256' })
    app.get('/tournaments', bearer, (request, response) => { response.json(request.auth?.payload) })
    app.get('/tournaments/write', bearer, requiredScopes('tournaments:write'), (_request, response) => { response.json({ written: true }) })
    const port = await freePort()
    const api = createServer(app).listen(port, '127.0.0.1')
    await once(api, 'listening')
    apis.push(api)
    return `http://127.0.0.1:${port}`
  }

  function call (api: string, token: string | undefined, path = '/tournaments'): Promise<Answer> {
    return send(api + path, token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } })
  }

  for (const environment of ['live', 'test'] as const) {
    it(`answers 200 with a good token of the ${environment} issuer`, async () => {
      const { issuer, partner } = partners[environment]
      const { status, json } = await call(await startApi(issuer), await tokenOf(partners.server, partner))
      expect(status).toBe(200)
      expect(json).toMatchObject({ iss: issuer, aud: audience, client_id: partner.id, env: environment, scope: 'tournaments:read' })
    })
  }

  it('answers 403 insufficient_scope without the scope that a route requires, and 200 with it', async () => {
    const { server, live: { issuer, partner } } = partners
    const api = await startApi(issuer)
    const refused = await call(api, await tokenOf(server, partner, 'tournaments:read'), '/tournaments/write')
    expect(refused.status).toBe(403)
    expect(refused.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
    expect((await call(api, await tokenOf(server, partner, 'tournaments:read tournaments:write'), '/tournaments/write')).status).toBe(200)
  })

  it('answers 401 without a token, with garbage, and with one whose 25 hours are over', async () => {
    const { server, live: { issuer, partner } } = partners
    const api = await startApi(issuer)
    now -= 90_100_000
    const expired = await tokenOf(server, partner)
    now += 90_100_000
    expect((await call(api, undefined)).status).toBe(401)
    for (const bad of ['garbage', expired]) {
      const { status, headers } = await call(api, bad)
      expect(status).toBe(401)
      expect(headers.get('www-authenticate')).toContain('error="invalid_token"')
    }
  })

  it('answers 401 to a test token where the live issuer is expected', async () => {
    const { server, live, test } = partners
    const api = await startApi(live.issuer)
    expect((await call(api, await tokenOf(server, test.partner))).status).toBe(401)
    expect((await call(api, await tokenOf(server, live.partner))).status).toBe(200)
  })

  it('answers 401 to a token of a key that was withdrawn, and 200 to one of the key that follows it', async () => {
    const { server, live: { issuer, partner } } = partners
    const old = await tokenOf(server, partner)
    expect((await call(await startApi(issuer), old)).status).toBe(200)

    await server.database.signingKey.updateMany({ where: { environment: 'live' }, data: { withdrawnAt: new Date(now) } })
    await ensureFirstKeys({ store: createSigningKeyStore(server.database), sealer: server.prepared.sealer, clock: () => now, isNew: false, progress: () => {}, algorithms: ['RS256'], rsaModulusBits: 2_048, addsAlgorithms: true })
    const kidOf = (token: string): string => token.slice(0, token.indexOf('.'))
    expect(await within(2, async () => kidOf(await tokenOf(server, partner).catch(() => old)) !== kidOf(old))).toBe(true)

    const api = await startApi(issuer)
    expect((await call(api, old)).status).toBe(401)
    expect((await call(api, await tokenOf(server, partner))).status).toBe(200)
  })
})
