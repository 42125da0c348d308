/** `GET /docs/errors`: what each error means and what to change, the target of every answer's `error_uri`. */
import type { RouteHandlerMethod } from 'fastify'
import { errorTable } from '../oauth/errors.ts'

export const errorPagePath = '/docs/errors'

export function createErrorPage (): RouteHandlerMethod {
  const page = render()
  return (request, reply) => {
    request.outcome = 'error_page.served'
    reply.removeHeader('Pragma')
    return reply
      .headers({ 'Cache-Control': 'public, max-age=3600', 'Content-Security-Policy': 'default-src \'none\'; style-src \'unsafe-inline\'' })
      .type('text/html; charset=utf-8')
      .send(page)
  }
}

function render (): string {
  const sections = Object.entries(errorTable).map(([code, { status, source, meaning, cure }]) => `
  <section id="${code}">
    <h2><a href="#${code}">${code}</a></h2>
    <p class="facts">HTTP ${status} · ${source}</p>
    <p>${meaning}</p>
    <p><strong>What to do:</strong> ${cure}</p>
  </section>`)
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Errors of this authorization server</title>
  <style>
    :root { color-scheme: light dark }
    body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem }
    h1 { font-size: 1.5rem } h2 { font: 600 1.05rem ui-monospace, monospace; margin: 0 }
    h2 a { color: inherit; text-decoration: none }
    section { border-top: 1px solid #8886; padding: 1rem .75rem; margin: 0 -.75rem }
    section:target { background: #fd03; outline: 2px solid #c90 }
    p { margin: .35rem 0 } .facts { font-size: .875rem; opacity: .75 }
  </style>
</head>
<body>
  <h1>Errors</h1>
  <p>Every refusal is JSON with <code>error</code>, <code>error_description</code> and a link to here. The answer's
  <code>X-Request-Id</code> lets the operator find the cause in the log.</p>
${sections.join('\n')}
</body>
</html>
`
}
