import { subscribe } from 'node:diagnostics_channel'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OpenApiDocument, ResponseObject, WireRequest } from '../../src/docs/openapi-types.ts'
import { tokenExchangeGrant } from '../../src/oauth/grant-types.ts'
import { samples } from '../../src/oauth/samples.ts'
import { partsOf } from '../support/forged-tokens.ts'
import { assertionFor } from '../support/assertions.ts'
import { createValidation, headerValue, operationsOf, resolve, type DocumentedOperation } from '../support/openapi.ts'
import { sendRaw } from '../support/raw-http.ts'
import { known, send, tokenOf, within, type Answer } from '../support/requests.ts'
import type { RegisteredClient, Scene } from '../support/fixtures.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listIdOf } from '../support/status.ts'

/** What the app registers, in this process's first server. */
const registered: string[] = []
subscribe('fastify.initialization', (message) => {
  const { fastify } = message as { fastify: FastifyInstance } // as Fastify publishes it
  fastify.addHook('onRoute', ({ method, url }) => { registered.push(...[method].flat().map((each) => `${each} ${url}`)) })
})

/** Not to be had in a test: time-outs are waited for in slow-clients.test.ts, and nothing is known that makes a 500. */
const unproduced = ['408', '500']
/** What differs from one answer to the next. */
const volatile = new Set(['access_token', 'exp', 'iat', 'idx', 'jti', 'kid', 'n', 'org', 'stalenessSeconds'])

describe('the server answers what its OpenAPI document says', () => {
  let server: TestServer
  let scene: Scene
  let other: RegisteredClient
  let jwt: RegisteredClient
  let service: RegisteredClient
  /** A token whose status is in each. */
  let lists: Readonly<Record<'live' | 'test', string>>
  let document: OpenApiDocument
  let validatorOf: ReturnType<typeof createValidation>

  beforeAll(async () => {
    server = await startTestServer({ environment: { STALE_LIMIT_SECONDS: '5' } })
    scene = await server.fixtures.scene()
    other = await server.fixtures.client({ organizationId: (await server.fixtures.organization()).id })
    jwt = await server.fixtures.client({ organizationId: scene.organization.id, type: 'jwt', scopes: ['tournaments:read'] })
    const stats = await server.fixtures.resource(samples.backResource, { [samples.backScope]: true })
    service = await server.fixtures.client({
      organizationId: scene.organization.id, resourceId: scene.resource.id, scopes: [samples.backScope], grants: ['client_credentials', tokenExchangeGrant], exchangeResources: [stats.id], accessTokenTtlSeconds: 3_600
    })
    await known(server, service)
    await known(server, scene.api)
    await known(server, other)
    await known(server, jwt)
    const tester = await server.fixtures.client({ organizationId: scene.organization.id, environment: 'test', scopes: ['tournaments:read'] })
    await known(server, tester)
    lists = { live: await tokenOf(server, scene.partner), test: await tokenOf(server, tester) }
    const { json } = await send(`${server.issuer}/docs/openapi.json`)
    document = json as unknown as OpenApiDocument // that it is one, the tests show
    validatorOf = createValidation(document)
  })
  afterAll(async () => { await server.stop() })

  it('has every route that the server has, and no other; HEAD wherever GET is', () => {
    const paths = operationsOf(document).map(({ method, path, server: base }) => `${method} ${new URL(base + path.replace('{id}', ':id')).pathname}`)
    expect(paths.sort()).toEqual(registered.filter((route) => !route.startsWith('HEAD ')).sort())
    expect(registered.filter((route) => route.startsWith('HEAD ')).map((route) => route.replace('HEAD', 'GET')).sort()).toEqual(paths.filter((path) => path.startsWith('GET ')).sort())
  })

  it('every request that it shows is answered as it shows', async () => {
    let count = 0
    for (const { operation, server: base, responses } of [...operationsOf(document), elsewhere()]) {
      for (const [status, response] of responses) {
        for (const [name, { request }] of Object.entries(response['x-requests'] ?? {})) {
          count += 1
          const answer = await ask(base, request)
          const where = `${name} of ${operation.operationId}`
          expect(answer.status, `${where}: ${answer.text}`).toBe(Number(status))
          expectDocumented(answer, response, where)
          const [mediaType, content] = Object.entries(response.content ?? {}).find(([, { examples = {} }]) => Object.hasOwn(examples, name)) ?? []
          const example = content?.examples?.[name]
          if (example !== undefined) expect(answer.headers.get('Content-Type')?.split(';')[0], where).toBe(mediaType)
          if (typeof example?.value === 'string') expect(partsOf(answer.text).header['typ'], where).toBe(partsOf(example.value).header['typ'])
          else if (example !== undefined) expect(stable(toSamples(answer.json)), where).toEqual(stable(example.value))
        }
      }
    }
    expect(count).toBeGreaterThan(40)
  })

  it('a token has the header and the claims that it says', async () => {
    const [header = '', claims = ''] = (await tokenOf(server, scene.partner)).split('.')
    const parts = document.components.schemas['TokenResponse']?.properties?.['access_token']?.contentSchema?.prefixItems ?? []
    expect(parts).toHaveLength(2)
    for (const [index, part] of [header, claims].entries()) {
      const validate = validatorOf(parts[index] ?? {}, true)
      validate(JSON.parse(Buffer.from(part, 'base64url').toString()))
      expect(validate.errors).toBeNull()
    }
  })

  it('every other status that it promises is answered, with the promised headers and body', async () => {
    const sibling = await server.startSibling()
    sibling.startDraining()
    for (const { method, path, operation, server: base, responses } of [...operationsOf(document), elsewhere()]) {
      for (const [status, response] of responses) {
        if (response['x-requests'] !== undefined || unproduced.includes(status) || status === '503') continue
        const answer = await produce(status, method, base + path)
        expect(answer.status, `${status} of ${operation.operationId}`).toBe(Number(status))
        expectDocumented(answer, response, `${status} of ${operation.operationId}`)
      }
    }
    const ready = operationsOf(document).find(({ operation }) => operation.operationId === 'ready')
    const draining = await send(`${sibling.origin}/health/ready`)
    expectDocumented(draining, ready?.responses.find(([status]) => status === String(draining.status))?.[1] ?? { description: '', headers: {} }, 'draining')
    expect(draining.status).toBe(503)
  })

  it('503 is answered by all that promise it, and by no other, when the database is away for too long', async () => {
    await server.database.$executeRaw`ALTER TABLE changes RENAME TO changes_away`
    expect(await within(9, async () => (await send(`${server.origin}/health/ready`)).status === 503)).toBe(true)
    for (const { method, path, operation, server: base, responses } of operationsOf(document)) {
      const answer = await send(base + path, { method })
      const promised = responses.find(([status]) => status === '503')
      expect(answer.status === 503, operation.operationId).toBe(promised !== undefined)
      if (promised !== undefined) expectDocumented(answer, promised[1], `503 of ${operation.operationId}`)
    }
  }, 30_000)

  /** What is answered where there is no operation, as if there were one. */
  function elsewhere (): DocumentedOperation {
    const operation = { operationId: 'elsewhere', tags: [], summary: '', description: '', security: [], parameters: [], responses: {} }
    return { method: 'GET', path: `/${'a'.repeat(3_000)}`, server: server.issuer, operation, responses: Object.entries(document['x-elsewhere']) }
  }

  async function ask (base: string, { method, path, headers, body }: WireRequest): Promise<Answer> {
    const token = `${body ?? ''}${path}`.includes(samples.token) ? await tokenOf(server, scene.partner) : ''
    const serviceToken = (body ?? '').includes(samples.serviceToken) ? await tokenOf(server, service, samples.backScope) : ''
    const assertion = assertionFor(samples.playerId, jwt, server.issuer, Date.now())
    const fill = (text: string): string => [...replacements(), [samples.token, token] as const, [samples.serviceToken, serviceToken] as const, [samples.assertion, assertion] as const].reduce((filled, [sample, real]) => filled.replaceAll(sample, real), text)
    const { Authorization: authorization, ...others } = headers
    const credentials = authorization === undefined ? {} : { Authorization: `Basic ${Buffer.from(fill(Buffer.from(authorization.slice('Basic '.length), 'base64').toString())).toString('base64')}` }
    return await send(fill(base + path), { method, headers: { ...others, ...credentials }, ...body === undefined ? {} : { body: fill(body) } })
  }

  function replacements (): (readonly [sample: string, real: string])[] {
    const { partner, api } = scene
    return [
      [samples.clientId, partner.id], [samples.clientSecret, partner.secret], [samples.apiId, api.id], [samples.apiSecret, api.secret],
      [samples.otherId, other.id], [samples.otherSecret, other.secret],
      [samples.jwtClientId, jwt.id], [samples.jwtClientSecret, jwt.secret],
      [samples.serviceId, service.id], [samples.serviceSecret, service.secret],
      [samples.testStatusListId, listIdOf(lists.test)], [samples.statusListId, listIdOf(lists.live)]
    ]
  }

  function toSamples (value: unknown): unknown {
    return JSON.parse(replacements().reduce((text, [sample, real]) => text.replaceAll(real, sample), JSON.stringify(value)))
  }

  /** A request that leads to a status which no example shows. */
  async function produce (status: string, method: string, url: string): Promise<Answer> {
    if (status === '413') return await send(url, { method, body: 'a'.repeat(20_000), headers: { 'Content-Type': 'application/x-www-form-urlencoded' } })
    if (status === '431') return await send(url, { method, headers: { 'X-Padding': 'a'.repeat(20_000) } })
    if (status === '414') return await send(url, { method })
    if (status !== '400') throw new Error(`no request is known that leads to ${status}`)
    const { body, header, status: answered } = await sendRaw(server.origin, [`${method} ${new URL(url).pathname} HTTP/1.1`, 'Connection: close'])
    const headers = new Headers(['X-Request-Id', 'Cache-Control', 'Content-Type'].map((name): [string, string] => [name, header(name) ?? '']))
    return { status: answered, headers, text: body, json: JSON.parse(body) as Record<string, unknown> } // what is none fails the schema
  }

  function expectDocumented ({ headers, text, json }: Answer, response: ResponseObject, where: string): void {
    for (const [name, header] of Object.entries(response.headers)) {
      const described = resolve(header, document)
      const validate = validatorOf(described.schema)
      expect(validate(headerValue(headers.get(name), described)), `${name}: ${headers.get(name) ?? ''}, ${where}`).toBe(true)
    }
    const answered = headers.get('Content-Type')?.split(';')[0] ?? ''
    const contents = Object.entries(response.content ?? {})
    const [mediaType, content] = contents.find(([each]) => each === answered) ?? contents[0] ?? []
    if (content === undefined || mediaType === undefined) {
      expect(text, where).toBe('')
      return
    }
    expect(answered, where).toBe(mediaType)
    const validate = validatorOf(content.schema, mediaType === 'application/json' && content.schema.$ref !== '#/components/schemas/OpenApi')
    validate(mediaType === 'application/json' ? json : text)
    expect(validate.errors, where).toBeNull()
  }
})

/** An answer without what differs each time. */
function stable (value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (name, member: unknown) => volatile.has(name) ? '…' : member))
}
