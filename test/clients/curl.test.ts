import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { audience, startWithPartners, type Partners } from './partners.ts'

const run = promisify(execFile)
const hasCurl = await once(execFile('curl', ['--version']), 'exit').then(([code]) => code === 0, () => false)

describe.skipIf(!hasCurl)('curl', () => {
  let partners: Partners

  beforeAll(async () => { partners = await startWithPartners() })
  afterAll(async () => { await partners.server.stop() })

  /** The body, and the status as the last line. */
  async function curl (...args: readonly string[]): Promise<{ status: number, json: Record<string, unknown> }> {
    const { stdout } = await run('curl', ['--silent', '--show-error', '--noproxy', '*', '--write-out', '\n%{http_code}', ...args])
    const end = stdout.lastIndexOf('\n')
    return { status: Number(stdout.slice(end + 1)), json: JSON.parse(stdout.slice(0, end)) as Record<string, unknown> } // what is not JSON throws
  }

  it('gets a token with three -d fields and nothing else: client_id, client_secret, scope', async () => {
    const { server, live: { issuer, partner } } = partners
    const { status, json } = await curl('-d', `client_id=${partner.id}`, '-d', `client_secret=${partner.secret}`, '-d', 'scope=tournaments:read', `${server.issuer}/oauth/v2/token`)
    expect(status).toBe(200)
    expect(json).toMatchObject({ token_type: 'Bearer', expires_in: 90_000, scope: 'tournaments:read' })
    const keys = createRemoteJWKSet(new URL(`${issuer}/oauth/v2/jwks`))
    const { payload } = await jwtVerify(String(json['access_token']), keys, { issuer, audience, typ: 'at+jwt', algorithms: ['RS256'] })
    expect(payload).toMatchObject({ sub: partner.id, scope: 'tournaments:read' })
  })

  it('gets a token with -u and grant_type, and with two scopes separated by a plus sign', async () => {
    const { server, test: { partner } } = partners
    const { status, json } = await curl('-u', `${partner.id}:${partner.secret}`, '-d', 'grant_type=client_credentials&scope=tournaments:read+tournaments:write', `${server.issuer}/oauth/v2/token`)
    expect(status).toBe(200)
    expect(json).toMatchObject({ scope: 'tournaments:read tournaments:write' })
  })

  it('is told in JSON what to fix when it sends JSON, a wrong secret, or the wrong method', async () => {
    const { server, live: { partner } } = partners
    const endpoint = `${server.issuer}/oauth/v2/token`
    expect(await curl('-H', 'Content-Type: application/json', '-d', '{}', endpoint)).toMatchObject({
      status: 400, json: { error: 'invalid_request', error_description: 'Send the parameters as application/x-www-form-urlencoded, not as application/json.' }
    })
    expect(await curl('-d', `client_id=${partner.id}`, '-d', 'client_secret=wrong', endpoint)).toMatchObject({ status: 401, json: { error: 'invalid_client' } })
    expect(await curl('-H', 'Accept: text/html', endpoint)).toMatchObject({ status: 405, json: { error_description: 'This path takes POST only.' } })
  })
})
