/**
 * `GET /docs`, `/docs/errors` and `/docs/openapi.json`: the API as its routes describe themselves, rendered once. It
 * knows no endpoint, only descriptions.
 */
import type { RouteHandlerMethod } from 'fastify'
import { sendPublicDocument } from '../http/cacheable.ts'
import type { Route } from '../http/operation.ts'
import { renderApiPage } from './api-page.ts'
import { renderErrorPage } from './error-page.ts'
import { contentSecurityPolicy } from './layout.ts'
import { openApiOf, textOf } from './openapi.ts'
import { docsMaxAgeSeconds } from './operation.ts'

export interface DocsEndpoints {
  readonly apiPage: RouteHandlerMethod
  readonly errorPage: RouteHandlerMethod
  readonly openApi: RouteHandlerMethod
}

export function createDocsEndpoints (routes: readonly Route[], issuer: string): DocsEndpoints {
  const document = openApiOf(routes, issuer)
  const base = new URL(issuer).pathname.replace(/\/$/, '')
  const body = textOf(document)
  return {
    apiPage: servePage(renderApiPage(document, base), 'api_page.served'),
    errorPage: servePage(renderErrorPage(base), 'error_page.served'),
    openApi (request, reply) {
      request.outcome = 'openapi.served'
      return sendPublicDocument(request, reply, { body, mediaType: 'application/json', maxAgeSeconds: docsMaxAgeSeconds })
    }
  }
}

function servePage (page: string, outcome: string): RouteHandlerMethod {
  return (request, reply) => {
    request.outcome = outcome
    reply.removeHeader('Pragma')
    return reply
      .headers({ 'Cache-Control': `public, max-age=${docsMaxAgeSeconds}`, 'Content-Security-Policy': contentSecurityPolicy })
      .type('text/html; charset=utf-8')
      .send(page)
  }
}
