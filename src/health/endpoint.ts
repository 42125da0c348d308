/** Liveness, which never looks at the database, and readiness: may this process be sent requests? */
import type { RouteHandlerMethod } from 'fastify'
import type { Liveness } from './operation.ts'
import type { Readiness } from './readiness.ts'

const live: Liveness = { live: true }

export function createLivenessEndpoint (): RouteHandlerMethod {
  return (_request, reply) => reply.type('application/json').send(JSON.stringify(live))
}

export function createReadinessEndpoint (readiness: () => Readiness): RouteHandlerMethod {
  return (_request, reply) => {
    const state = readiness()
    if (!state.ready) reply.code(503).header('Retry-After', '2')
    return reply.type('application/json').send(JSON.stringify(state))
  }
}
