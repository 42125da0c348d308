/** One line a request: who, what came of it, how long. Never a body, a query, a header, a secret or a token. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { redact } from './redact.ts'
import { addressOf, pathOf } from './request.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The authenticated client, once it is. */
    clientId: string | undefined
    /** A past-tense fact such as `token.issued`, or the error code of a refusal. */
    outcome: string | undefined
    /** Why it was refused: for the log only. */
    cause: unknown
  }
}

export function logRequest (logger: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const path = request.routeOptions.url ?? redact(pathOf(request.url)).slice(0, 200)
  const line = {
    requestId: request.id,
    method: request.method,
    path,
    status: reply.statusCode,
    clientId: request.clientId,
    outcome: request.outcome ?? 'answered',
    cause: typeof request.cause === 'string' ? request.cause : undefined,
    err: request.cause instanceof Error ? request.cause : undefined,
    durationMillis: Math.round(reply.elapsedTime * 1000) / 1000,
    address: addressOf(request)
  }
  if (reply.statusCode >= 500) logger.error(line, 'request.completed')
  else if (path.startsWith('/health/')) logger.debug(line, 'request.completed')
  else logger.info(line, 'request.completed')
}
