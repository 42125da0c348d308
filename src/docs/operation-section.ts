/** One operation on the page. */
import { errorRows, renderExchange, renderExchanges, statusMark, type Context } from './exchange-section.ts'
import { html, inline, nothing, paragraphs, type Html } from './markup.ts'
import type { JsonSchema, OperationObject, ResponseObject } from './openapi-types.ts'
import { rowsOf } from './schema-rows.ts'

export interface ShownOperation {
  readonly method: string
  readonly operation: OperationObject
  /** That its paths are below. */
  readonly server: string
  /** Whole URLs, the first of them the one that examples use. */
  readonly addresses: readonly string[]
}

export function renderOperation ({ method, operation, server, addresses }: ShownOperation, context: Context): Html {
  const { operationId, summary, description, externalDocs } = operation
  const responses = Object.entries(operation.responses).flatMap(([status, response]): [string, ResponseObject][] => '$ref' in response ? [] : [[status, response]])
  const common = Object.entries(operation.responses).flatMap(([status, response]) => '$ref' in response ? [status] : [])
  const successes = responses.filter(([, response]) => response['x-errors'] === undefined)
  const errors = responses.filter(([, response]) => response['x-errors'] !== undefined)
  return html`
  <article id="${operationId}">
    <h3><a href="#${operationId}">${summary}</a></h3>
    ${addresses.map((address) => html`<p class="path"><span class="method ${method}">${method}</span><span>${address}</span></p>`)}
    ${paragraphs(description)}
    ${externalDocs === undefined ? nothing : html`<p class="soft">Specified by <a href="${externalDocs.url}">${externalDocs.description}</a>.</p>`}
    ${exampleOf(successes, server, context)}
    ${parametersOf(operation, context)}
    ${successes.map(([status, response]) => answerOf(status, response, context))}
    <h4>Errors</h4>
    ${errors.length === 0 ? nothing : errorRows(errors, context)}
    <p class="soft">${errors.length === 0 ? 'Only' : 'Also'} those of <a href="#errors">any endpoint</a>: ${common.join(', ')}.</p>
    ${errors.length === 0 ? nothing : html`<h4>Examples of errors</h4>${renderExchanges(errors, server, context)}`}
  </article>`
}

function parametersOf ({ requestBody }: OperationObject, context: Context): Html {
  const [content] = Object.values(requestBody?.content ?? {})
  if (content === undefined) return nothing
  return html`<h4>Parameters</h4>${rowsOf(resolveSchema(content.schema, context), true)}`
}

/** The first one is open: it is what most readers came for. */
function exampleOf (successes: readonly [status: string, ResponseObject][], server: string, context: Context): Html {
  const [[status, response] = ['', undefined], ...others] = successes
  const [[name, first] = ['', undefined], ...more] = Object.entries(response?.['x-requests'] ?? {})
  if (response === undefined || first === undefined) return nothing
  const rest: ResponseObject = { ...response, 'x-requests': Object.fromEntries(more) }
  return html`<h4>Example</h4>${renderExchange({ name, request: first.request, status, response, server }, context)}
    ${renderExchanges([[status, rest], ...others], server, context)}`
}

function answerOf (status: string, response: ResponseObject, context: Context): Html {
  const schema = Object.values(response.content ?? {})[0]?.schema
  return html`<h4>Answer ${statusMark(status)}</h4>
    <p>${inline(response.description)}</p>
    ${schema === undefined ? nothing : rowsOf(resolveSchema(schema, context))}`
}

function resolveSchema (schema: JsonSchema, { document }: Context): JsonSchema {
  const name = schema.$ref?.split('/').at(-1)
  return name === undefined ? schema : document.components.schemas[name] ?? {}
}
