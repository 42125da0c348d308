import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import express, { type Application } from 'express'
import fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AccessToken, VerificationError } from '../../../packages/verifier/src/index.ts'
import { requireToken as expressToken } from '../../../packages/verifier/src/express.ts'
import { requireToken as fastifyToken } from '../../../packages/verifier/src/fastify.ts'
import { send } from '../../support/requests.ts'
import { createProof, createProofKeys } from '../../support/proofs.ts'
import { answer, startIssuer, type TestIssuer } from './issuer.ts'
import { causesOf } from './refused.ts'

type Framework = 'Fastify' | 'Express'

let issuer: TestIssuer
let fastifyApi: FastifyInstance
let expressApi: Server
const origins: Partial<Record<Framework, string>> = {}
const refusals: VerificationError[] = []
const url = 'https://api.example.com'

beforeAll(async () => {
  issuer = await startIssuer()
  fastifyApi = startFastify()
  origins.Fastify = await fastifyApi.listen({ host: '127.0.0.1', port: 0 })
  expressApi = createServer(startExpress()).listen(0, '127.0.0.1')
  await once(expressApi, 'listening')
  const address = expressApi.address()
  origins.Express = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
})
afterAll(async () => {
  await fastifyApi.close()
  expressApi.closeAllConnections()
  expressApi.close()
  await issuer.stop()
})

const options = { scope: 'tournaments:read', onRefused: (error: VerificationError) => { refusals.push(error) } } as const

function startFastify (): FastifyInstance {
  const verifier = issuer.verifier({ dpop: { url } })
  const api = fastify()
  api.decorateRequest('accessToken', null)
  api.get('/tournaments', { onRequest: fastifyToken(verifier, options) }, (request) => tokenIn(request).client_id)
  api.get('/broken', { onRequest: fastifyToken(verifier, { certificate: () => { throw new Error('a mistake of the API') } }) }, () => 'not reached')
  return api
}

function startExpress (): Application {
  const verifier = issuer.verifier({ dpop: { url } })
  const api = express()
  api.get('/tournaments', expressToken(verifier, options), (request, response) => { response.end(tokenIn(request).client_id) })
  api.get('/broken', expressToken(verifier, { certificate: () => { throw new Error('a mistake of the API') } }), (_, response) => { response.end('not reached') })
  return api
}

/** In an API of TypeScript, a declaration of its own says that it is there. */
function tokenIn (request: object): AccessToken {
  if ('accessToken' in request) return request.accessToken as AccessToken // the adapter put it there
  throw new Error('no token')
}

describe.each<Framework>(['Fastify', 'Express'])('the adapter for %s', (framework) => {
  async function call (headers: Readonly<Record<string, string>>, path = '/tournaments'): ReturnType<typeof send> {
    return await send(`${origins[framework] ?? ''}${path}`, { headers })
  }

  it('serves a request with a good token, and gives its claims as request.accessToken', async () => {
    expect(await call({ authorization: `Bearer ${await issuer.token()}` })).toMatchObject({ status: 200, text: 'cl_live_partner' })
  })

  it('answers without a token with the bare challenge', async () => {
    const { status, headers, json } = await call({})
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="https:\/\/api\.example\.com", DPoP /)
    expect(json['error']).toBe('invalid_token')
  })

  it('answers 401, 403, 400 and 503 as RFC 6750 §3.1 says, in JSON, with the challenge, and tells onRefused why', async () => {
    refusals.length = 0
    const poor = await issuer.token(0, { claims: { scope: 'other' } })
    const good = await issuer.token()
    const lost = await issuer.token(0, { claims: { status: { status_list: { idx: 0, uri: issuer.uri('lost') } } } })
    issuer.serve(issuer.listPath.replace(/a$/, 'lost'), answer(404))
    const answers = [await call({ authorization: 'Bearer garbage' }), await call({ authorization: `Bearer ${poor}` }), await call({ authorization: 'Bearer a b' }), await call({ authorization: `Bearer ${good}` }, `/tournaments?access_token=${good}`), await call({ authorization: `Bearer ${lost}` })]
    expect(answers.map(({ status, json }) => `${status} ${String(json['error'])}`)).toEqual(['401 invalid_token', '403 insufficient_scope', '400 invalid_request', '400 invalid_request', '503 temporarily_unavailable'])
    expect(answers.map(({ headers }) => /error="(\w+)"/.exec(headers.get('www-authenticate') ?? '')?.[1] ?? headers.get('retry-after'))).toEqual(['invalid_token', 'insufficient_scope', 'invalid_request', 'invalid_request', '2'])
    for (const { headers } of answers) expect(headers.get('content-type')).toMatch(/^application\/json/)
    expect(refusals.map(({ code }) => code)).toEqual(['invalid_token', 'insufficient_scope', 'invalid_request', 'invalid_request', 'temporarily_unavailable'])
    expect(refusals.map(causesOf).at(-1)).toContain('answered 404')
  })

  it('takes bound tokens with the whole URL of the request', async () => {
    const keys = createProofKeys()
    const token = await issuer.token(0, { claims: { cnf: { jkt: keys.thumbprint } } })
    const proof = (path: string): string => createProof({ keys, htu: url + path, now: issuer.clock.now, claims: { htm: 'GET', ath: createHash('sha256').update(token).digest('base64url') } })
    expect((await call({ authorization: `DPoP ${token}`, dpop: proof('/tournaments') }, '/tournaments?page=1')).status).toBe(200)
    expect((await call({ authorization: `DPoP ${token}`, dpop: proof('/other') })).json['error']).toBe('invalid_dpop_proof')
  })

  it('leaves a mistake of the API to the API: that is no refusal', async () => {
    const { status, headers } = await call({ authorization: `Bearer ${await issuer.token()}` }, '/broken')
    expect(status).toBe(500)
    expect(headers.get('www-authenticate')).toBeNull()
  })
})
