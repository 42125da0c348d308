/** The API: tournaments of the organization that a token stands for, kept in memory. */
import fastify from 'fastify'
import { createAccessTokens } from './access-tokens.js'
import { BearerError } from './bearer-error.js'
import { createTournaments } from './tournaments.js'

/** @param {Omit<ReturnType<typeof import('./options.js').readOptions>, 'host' | 'port'>} options */
export function createApi (options) {
  const { requireScope, requireApiKey, requireActive } = createAccessTokens(options)
  const tournaments = createTournaments()
  const api = fastify({ bodyLimit: 16_384, forceCloseConnections: 'idle' })

  api.get('/health', { logLevel: 'silent' }, () => ({ ok: true }))

  api.get('/tournaments', { onRequest: requireScope('tournaments:read') }, (request) => tournaments.listOf(request.accessToken.org))

  api.post('/tournaments', { onRequest: requireScope('tournaments:write'), schema: { body: newTournament } }, (request, reply) => {
    reply.code(201)
    return tournaments.add(request.accessToken.org, request.body.name)
  })

  // The header says which client calls, for statistics and support. It proves nothing: the token does.
  api.get('/usage', { onRequest: [requireScope('tournaments:read'), requireApiKey] }, (request) => ({
    client: request.accessToken.client_id, organization: request.accessToken.org, tournaments: tournaments.listOf(request.accessToken.org).length
  }))

  // What cannot be undone is worth a question: was the token revoked since it was issued?
  api.delete('/tournaments/:id', { onRequest: [requireScope('tournaments:write'), requireActive] }, (request, reply) => {
    const removed = tournaments.remove(request.accessToken.org, request.params.id)
    return reply.code(removed ? 204 : 404).send()
  })

  api.decorateRequest('accessToken', null)
  api.setErrorHandler((error, request, reply) => {
    if (error instanceof BearerError) return reply.code(error.status).headers(error.headers).send(error.body)
    const status = error.statusCode ?? 500
    if (status >= 500) console.error(error)
    return reply.code(status).send({ error: status >= 500 ? 'server_error' : 'invalid_request', error_description: status >= 500 ? 'The API made a mistake.' : error.message })
  })
  return api
}

const newTournament = {
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: { name: { type: 'string', minLength: 1, maxLength: 100 } }
}
