import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createVerifyAccessToken } from '../../src/access-tokens/verify.ts'
import type { Client } from '../../src/clients/client.ts'
import { createSecretFormat } from '../../src/clients/secret-format.ts'
import { createSecretVerification } from '../../src/clients/secret-verification.ts'
import { createSecretHasher } from '../../src/clients/secrets.ts'
import { parseForm } from '../../src/http/form.ts'
import { OAuthError } from '../../src/oauth/errors.ts'
import { decide } from '../../src/token/decide.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { introspect, known, requestToken } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

setFlagsFromString('--expose-gc')
// A context that was made with the flag on has the collector as a global.
const collect = runInNewContext('gc') as () => void

function heapBytes (): number {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

const random = (): string => randomBytes(12).toString('hex')
const megabyte = 1024 * 1024

describe('R15 memory does not grow with what callers make up', () => {
  let server: TestServer
  let scene: Scene

  beforeAll(async () => {
    server = await startTestServer()
    scene = await server.fixtures.scene()
    await known(server, scene.api)
  })
  afterAll(async () => { await server.stop() })

  it('over HTTP: client ids, secrets, scopes, resources, parameter names, kids and paths, each request with new ones', async () => {
    const header = (): string => Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid: random() })).toString('base64url')
    const made = (id: string): RegisteredClient => ({ ...scene.partner, id, secret: `sgs_live_${random().slice(0, 16)}_${random()}` })
    async function batch (requests: number): Promise<void> {
      for (let sent = 0; sent < requests; sent += 5) {
        await Promise.all([
          requestToken(server, made(`cl_live_${random()}`), { [random()]: random() }),
          requestToken(server, { ...scene.partner, secret: random() }),
          requestToken(server, scene.partner, { scope: random() }),
          requestToken(server, scene.partner, { resource: `https://${random()}.example` }),
          introspect(server, scene.api, `${header()}.${random()}.${random()}`),
          fetch(`${server.origin}/${random()}`).then(async (response) => response.text())
        ])
      }
      server.forgetLogs()
    }
    await batch(2_000)
    const before = heapBytes()
    await batch(2_000)
    expect((heapBytes() - before) / megabyte).toBeLessThan(2)
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
        await secrets.verify({ kind: 'secret', method: 'client_secret_post', clientId: text, secret: `sgs_live_${text.slice(0, 16)}_${text}${text.slice(0, 19)}_${text.slice(0, 22)}` }, undefined, 0)
        await verify(`${Buffer.from(`{"kid":"${text}"}`).toString('base64url')}.AAAA.AAAA`)
      }
    }
    await round(10_000)
    const before = heapBytes()
    await round(60_000)
    expect((heapBytes() - before) / megabyte).toBeLessThan(0.7)
  })
})
