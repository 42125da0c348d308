/** Answers on the page: which errors there are, and requests beside what is answered. */
import { STATUS_CODES } from 'node:http'
import { curlOf } from './curl.ts'
import { html, inline, json, nothing, type Html } from './markup.ts'
import type { HeaderObject, OpenApiDocument, Reference, ResponseObject, WireRequest } from './openapi-types.ts'

export interface Context {
  readonly document: OpenApiDocument
  readonly issuer: string
  /** Path of the page that explains errors. */
  readonly errorPage: string
}

export function errorRows (responses: readonly [status: string, ResponseObject][], { errorPage }: Context): Html {
  const rows = responses.flatMap(([status, response]) => (response['x-errors'] ?? []).map(({ code, when }) => html`<div>
    <dt>${statusMark(status)}<a href="${errorPage}#${code}"><code>${code}</code></a></dt><dd>${inline(when)}</dd>
  </div>`))
  return html`<dl>${rows}</dl>`
}

/** Each request with its answer, folded away. */
export function renderExchanges (responses: readonly [status: string, ResponseObject][], server: string, context: Context): Html {
  return html`${responses.flatMap(([status, response]) => Object.entries(response['x-requests'] ?? {}).map(([name, { summary, request }]) => html`
  <details><summary>${statusMark(status)} ${inline(summary)}</summary>${renderExchange({ name, request, status, response, server }, context)}</details>`))}`
}

interface ShownExchange {
  readonly name: string
  readonly request: WireRequest
  readonly status: string
  readonly response: ResponseObject
  readonly server: string
}

export function renderExchange ({ name, request, status, response, server }: ShownExchange, { document }: Context): Html {
  const contents = Object.entries(response.content ?? {})
  const [mediaType, content] = contents.find(([, { examples = {} }]) => Object.hasOwn(examples, name)) ?? contents[0] ?? []
  const example = content?.examples?.[name]
  const lines = Object.entries(response.headers).filter(([header]) => header !== 'X-Request-Id').map(([header, described]) => headerLine(header, resolveHeader(described, document)))
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...mediaType === undefined ? [] : [`Content-Type: ${mediaType}`], ...lines]
  return html`<div class="exchange"><pre class="curl">${withVariables(curlOf(request, server))}</pre><pre class="answer">${head.map((line) => html`<span class="soft">${line}</span>`)}${example === undefined ? nothing : html`\n\n${typeof example.value === 'string' ? example.value : json(example.value)}`}</pre></div>`
}

export function statusMark (status: string): Html {
  return html`<span class="status c${status.charAt(0)}">${status}</span>`
}

function headerLine (name: string, { schema }: HeaderObject): string {
  return `${name}: ${String(schema.const ?? '…')}`
}

function resolveHeader (described: HeaderObject | Reference, { components }: OpenApiDocument): HeaderObject {
  if (!('$ref' in described)) return described
  const header = components.headers[described.$ref.split('/').at(-1) ?? '']
  if (header === undefined) throw new Error(`the document has no ${described.$ref}`)
  return header
}

function withVariables (command: string): Html {
  return { html: html`${command}`.html.replace(/\$[a-z_]+/g, '<span class="variable">$&</span>') }
}
