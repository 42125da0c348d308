/** What is read off a request before anything is decided: its id, its path, where it came from. */
import { randomUUID } from 'node:crypto'
import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { redact } from './redact.ts'

const saneRequestId = /^[\w.:-]{8,128}$/

/** The caller's own `X-Request-Id` when it is a sane one, else a new one. One that looks like a secret or a token is not. */
export function requestIdOf (inbound: string | string[] | undefined): string {
  return typeof inbound === 'string' && saneRequestId.test(inbound) && redact(inbound) === inbound ? inbound : randomUUID()
}

/** The path without its query. */
export function pathOf (url: string): string {
  const target = url.replace(/^https?:\/\/[^/]*/i, '') // absolute-form, RFC 9112 §3.2.2
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}

/** The caller's address: the socket's, or the one that a trusted proxy names, if that is an address at all. */
export function addressOf (request: FastifyRequest): string {
  return isIP(request.ip) === 0 ? (request.socket.remoteAddress ?? '') : request.ip
}
