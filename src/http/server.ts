/**
 * The HTTP server without any OAuth decision: limits, request ids, error answers, caching defaults, 404 and 405.
 * Every limit is stated here; Fastify's and Node's defaults are not leaned on.
 */
import type { ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { invalidRequest, OAuthError, serverError } from '../oauth/errors.ts'
import { wrongMediaType } from './body.ts'
import { createReadCertificate } from './certificate.ts'
import { errorBodyOf } from './error-body.ts'
import { pathOf, requestIdOf } from './request.ts'
import { logRequest } from './request-log.ts'

export const httpLimits = {
  bodyBytes: 16 * 1024,
  headerBytes: 16 * 1024,
  headersTimeoutMillis: 10_000,
  /** How often the two time-outs are looked at: the most by which a slow request outlives them. */
  timeoutCheckMillis: 1_000,
  /** From the first byte of a request to its last. */
  requestTimeoutMillis: 15_000,
  keepAliveTimeoutMillis: 72_000,
  /** Nothing sent or received, such as an answer that nobody reads. */
  inactivityTimeoutMillis: 30_000,
  /** What is not finished so long after close() began is cut off. */
  closePatienceMillis: 5_000,
  connections: 10_000,
  /** Of a path that leads nowhere: past it the answer is 414 instead of 404. */
  unknownPathLength: 2_048
} as const

interface HttpServerOptions {
  readonly config: Pick<Config, 'issuer' | 'trustProxy' | 'clientCertificateHeader'>
  /** Undefined: TLS ends elsewhere. */
  readonly tls: ServerOptions | undefined
  readonly logger: Logger
  readonly isDraining: () => boolean
}

/**
 * @see [RFC 9110 §9.3.2](https://www.rfc-editor.org/rfc/rfc9110.html#section-9.3.2) (HEAD)
 * @see [RFC 9110 §15.5.6](https://www.rfc-editor.org/rfc/rfc9110.html#section-15.5.6) (405)
 */
export function createHttpServer ({ config, tls, logger, isDraining }: HttpServerOptions): FastifyInstance {
  const connections = { maxHeaderSize: httpLimits.headerBytes, headersTimeout: httpLimits.headersTimeoutMillis, connectionsCheckingInterval: httpLimits.timeoutCheckMillis, insecureHTTPParser: false, requireHostHeader: false }
  // No more than an object: Fastify's types take a server over TLS for another kind, and nothing here depends on that.
  const overTls: object = tls === undefined ? {} : { https: { ...connections, ...tls, handshakeTimeout: httpLimits.headersTimeoutMillis } }
  const server = fastify({
    logger: false,
    genReqId: (request) => requestIdOf(request.headers['x-request-id']),
    requestIdHeader: false,
    trustProxy: config.trustProxy.length === 0 ? false : [...config.trustProxy],
    bodyLimit: httpLimits.bodyBytes,
    requestTimeout: httpLimits.requestTimeoutMillis,
    keepAliveTimeout: httpLimits.keepAliveTimeoutMillis,
    connectionTimeout: httpLimits.inactivityTimeoutMillis,
    http: connections,
    ...overTls,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: true,
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, ignoreDuplicateSlashes: false, maxParamLength: 128 },
    clientErrorHandler: answerUnreadableRequest,
    // Fastify runs no hooks for these, such as an unreadable path.
    frameworkErrors (error, request, reply) {
      reply.raw.once('finish', () => { logRequest(logger, request, reply) })
      answerError(error, request, reply)
    }
  })
  server.server.maxConnections = httpLimits.connections
  server.server.maxHeadersCount = 0 // their bytes are limited; a number would drop the rest silently
  server.decorateRequest('clientId', undefined)
  server.decorateRequest('outcome', undefined)
  server.decorateRequest('cause', undefined)
  server.decorateRequest('certificate', undefined)

  // Bodies arrive as bytes whatever their media type: each endpoint decides what it accepts, and says so itself.
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => { done(null, body) })

  // An expectation that is not 100-continue may be ignored (RFC 9110 §10.1.1); Node would answer it with an empty 417.
  server.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => { server.server.emit('request', request, response) })

  const readCertificate = createReadCertificate(config)
  const methodsByPath = new Map<string, Set<string>>()
  server.addHook('onRoute', ({ url, method }) => {
    const methods = methodsByPath.get(url) ?? new Set()
    for (const each of [method].flat()) methods.add(each)
    methodsByPath.set(url, methods)
  })

  server.addHook('onRequest', (request, reply, done) => {
    setDefaultHeaders(request, reply)
    requireOneReading(request)
    request.certificate = readCertificate(request)
    done()
  })
  // Looked at as late as possible: a request that began before the draining closes its connection too.
  server.addHook('onSend', (_request, reply, _payload, done) => {
    if (isDraining()) reply.header('Connection', 'close')
    done()
  })
  server.addHook('onResponse', (request, reply, done) => {
    logRequest(logger, request, reply)
    done()
  })
  server.setErrorHandler(answerError)
  server.setNotFoundHandler((request) => {
    if (request.url.length > httpLimits.unknownPathLength) throw invalidRequest('The URL is too long.', { status: 414 })
    const allowed = methodsAt(pathOf(request.url))
    if (allowed === undefined) throw invalidRequest('There is nothing at this path. Paths match exactly: check case and trailing slash.', { status: 404 })
    const methods = [...allowed].sort().join(', ')
    throw invalidRequest(`This path takes ${methods} only.`, { status: 405, headers: { Allow: methods } })
  })

  /** Of the route at a path, a part of which may be a parameter. */
  function methodsAt (path: string): ReadonlySet<string> | undefined {
    const above = path.slice(0, path.lastIndexOf('/'))
    return methodsByPath.get(path) ?? [...methodsByPath].find(([url]) => url.includes(':') && url.slice(0, url.indexOf('/:')) === above)?.[1]
  }

  function setDefaultHeaders (request: FastifyRequest, reply: FastifyReply): void {
    reply.header('X-Request-Id', request.id)
    reply.header('X-Content-Type-Options', 'nosniff')
    reply.header('Cache-Control', 'no-store')
    reply.header('Pragma', 'no-cache')
  }

  function answerError (error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const refusal = error instanceof OAuthError ? error : asRefusal(error, request)
    request.outcome = refusal.code
    request.cause = refusal.cause
    setDefaultHeaders(request, reply)
    void reply.code(refusal.status).headers(refusal.headers).type('application/json').send(bodyOf(refusal))
  }

  function bodyOf (refusal: OAuthError): string {
    return JSON.stringify(errorBodyOf(refusal.code, refusal.message, config.issuer))
  }

  /** What Node's parser could not read never becomes a request: answer on the bare socket, and close it. */
  function answerUnreadableRequest (error: Error & { code?: string }, socket: Socket): void {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ''] ?? 400
    refuseUnread(socket, status, status === 408 ? 'The request took too long to arrive.' : 'The request is not readable as HTTP.', error.code)
  }

  function refuseUnread (socket: Socket, status: number, description: string, cause?: string): void {
    const requestId = requestIdOf(undefined)
    const body = bodyOf(invalidRequest(description))
    logger.info({ requestId, status, outcome: 'invalid_request', cause, address: socket.remoteAddress }, 'request.unreadable')
    socket.end([
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, 'Connection: close', 'Content-Type: application/json',
      'Cache-Control: no-store', 'Pragma: no-cache', `X-Request-Id: ${requestId}`, `Content-Length: ${Buffer.byteLength(body)}`, '', body
    ].join('\r\n'))
  }

  return server
}

const hostGrammar = /^([\w.~!$&'()*+,;=%-]+|\[[\dA-Fa-f:.]+\])?(:\d*)?$/

/**
 * Refuses what two readers could understand differently and Node lets through.
 * @see [RFC 9112 §3.2](https://www.rfc-editor.org/rfc/rfc9112.html#section-3.2)
 */
function requireOneReading ({ raw, url }: FastifyRequest): void {
  const hosts = raw.headersDistinct['host'] ?? []
  if (hosts.length > 1 || (hosts.length === 0 && raw.httpVersion === '1.1') || !hosts.every((host) => hostGrammar.test(host))) {
    throw invalidRequest('A request must have one Host header, and that a valid one.')
  }
  if (url.includes('#')) throw invalidRequest('The target of a request must have no fragment.')
}

function asRefusal (error: unknown, request: FastifyRequest): OAuthError {
  const status = error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500
  const announced = Number(request.headers['content-length'] ?? 0)
  if (status === 413 || (status === 415 && announced > httpLimits.bodyBytes)) return invalidRequest(`The body is larger than ${httpLimits.bodyBytes} bytes.`, { status: 413, cause: error })
  if (status === 415) return wrongMediaType(request.headers['content-type'] ?? '')
  if (status >= 400 && status < 500) return invalidRequest('The request could not be read.', { status: 400, cause: error })
  return serverError(error)
}
