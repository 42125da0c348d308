/** The page `/docs`, rendered from the OpenAPI document and nothing else. */
import { errorPagePath } from '../http/error-body.ts'
import { pageOf } from './layout.ts'
import { html, inline, nothing, paragraphs, type Html } from './markup.ts'
import type { JsonSchema, OpenApiDocument, PathItem, ResponseObject } from './openapi-types.ts'
import { errorRows, renderExchanges, type Context } from './exchange-section.ts'
import { renderOperation, type ShownOperation } from './operation-section.ts'
import { rowsOf } from './schema-rows.ts'

export function renderApiPage (document: OpenApiDocument, base: string): string {
  const issuer = Object.values(document.servers[0]?.variables ?? {})[0]?.default ?? ''
  const context: Context = { document, issuer, errorPage: base + errorPagePath }
  const operations = operationsOf(document, issuer)
  const groups = document.tags.map(({ name, description }) => ({ name, description, operations: operations.filter(({ operation }) => operation.tags.includes(name)) }))
  const navigation = html`
    ${contentsOf('Start', [['start', 'Before you paste']])}
    ${groups.map((group) => contentsOf(group.name, group.operations.map(({ operation }): [string, string] => [operation.operationId, operation.summary])))}
    ${contentsOf('Reference', [['access-token', 'The access token'], ['headers', 'Headers'], ['errors', 'Errors'], ['elsewhere', 'Other paths and methods']])}`
  const content = html`
  <h1>${document.info.title} API</h1>
  <div class="intro">${paragraphs(document.info.description)}</div>
  <p>This server is <code>${issuer}</code>. The same for tools: <a href="${base}/docs/openapi.json">openapi.json</a>.</p>
  ${startSection()}
  ${groups.map((group) => html`
  <h2>${group.name}</h2>
  ${paragraphs(group.description)}
  ${group.operations.map((shown) => renderOperation(shown, context))}`)}
  ${tokenSection(document)}
  ${headersSection(document)}
  ${errorsSection(document, context)}
  ${elsewhereSection(document, context)}`
  return pageOf({ title: `${document.info.title} API`, base, navigation, content })
}

/** An operation that is at several paths is shown once. */
function operationsOf ({ paths }: OpenApiDocument, issuer: string): ShownOperation[] {
  const all = Object.entries(paths).flatMap(([path, item]) => (['get', 'post'] as const).flatMap((method) => {
    const operation = item[method]
    return operation === undefined ? [] : [{ method: method.toUpperCase(), operation, path, server: serverOf(item, issuer) }]
  }))
  return all.filter(({ operation }) => operation['x-same-as'] === undefined).map(({ method, operation, path, server }) => {
    const others = all.filter((each) => each.operation['x-same-as'] === operation.operationId)
    return { method, operation, server, addresses: [server + path, ...others.map((each) => each.server + each.path)] }
  })
}

function serverOf ({ servers }: PathItem, issuer: string): string {
  return Object.values(servers?.[0]?.variables ?? {})[0]?.default ?? issuer
}

function contentsOf (title: string, links: readonly [id: string, text: string][]): Html {
  return html`<div><strong>${title}</strong><ul>${links.map(([id, text]) => html`<li><a href="#${id}">${text}</a></li>`)}</ul></div>`
}

function startSection (): Html {
  return html`
  <h2 id="start"><a href="#start">Before you paste</a></h2>
  <p>Every command below can be pasted into a shell as it is, once your credentials are in variables. This asks for them, and keeps the secret off the screen and out of the history:</p>
  <pre>read -r client_id
read -rs client_secret</pre>
  <p>A client that stands for a resource goes into <code>api_id</code> and <code>api_secret</code>, a JWT client into <code>login_id</code> and <code>login_secret</code>, what it signs into <code>assertion</code>, and an access token into <code>token</code>, in the same way. Other users of the machine can see the arguments of a command: in earnest, give <code>curl</code> a secret in a file.</p>`
}

function tokenSection ({ components }: OpenApiDocument): Html {
  const [header, claims] = components.schemas['TokenResponse']?.properties?.['access_token']?.contentSchema?.prefixItems ?? []
  const part = (title: string, schema: JsonSchema = {}): Html => html`<h4>${title}</h4>${rowsOf(schema)}`
  return html`
  <h2 id="access-token"><a href="#access-token">The access token</a></h2>
  <p>A JWT as <a href="https://www.rfc-editor.org/rfc/rfc9068.html">RFC 9068</a> describes it. An API checks the signature with the key that <code>kid</code> names, that <code>typ</code> and <code>alg</code> are those below, that <code>iss</code> is the issuer and <code>aud</code> its own identifier, and that <code>exp</code> is in the future. Then it looks at <code>scope</code>.</p>
  ${part('Header', header)}
  ${part('Claims', claims)}`
}

function headersSection ({ components }: OpenApiDocument): Html {
  const row = (name: string, description: string, schema: JsonSchema): Html => html`<div><dt><code>${name}</code></dt><dd><p>${inline(description)}</p>${schema.const === undefined ? nothing : html`<p class="example"><code>${String(schema.const)}</code></p>`}</dd></div>`
  return html`
  <h2 id="headers"><a href="#headers">Headers</a></h2>
  <h4>Of requests</h4>
  <dl>${Object.values(components.parameters).map(({ name, description, schema }) => row(name, description, schema))}</dl>
  <h4>Of answers</h4>
  <dl>${Object.entries(components.headers).map(([name, { description, schema }]) => row(name, description, schema))}</dl>`
}

function errorsSection ({ components }: OpenApiDocument, context: Context): Html {
  return html`
  <h2 id="errors"><a href="#errors">Errors</a></h2>
  <p>Every refusal has the same members, whatever the endpoint.</p>
  ${rowsOf(components.schemas['Error'] ?? {})}
  <h4>Of any endpoint</h4>
  <p>Each endpoint says which of these it has.</p>
  ${errorRows(Object.values(components.responses).map((response) => [response['x-status'] ?? '', response]), context)}`
}

function elsewhereSection (document: OpenApiDocument, context: Context): Html {
  const responses: [string, ResponseObject][] = Object.entries(document['x-elsewhere'])
  return html`
  <h2 id="elsewhere"><a href="#elsewhere">Other paths and methods</a></h2>
  <p>What is answered when there is nothing at the path, or nothing for the method.</p>
  ${errorRows(responses, context)}
  ${renderExchanges(responses, context.issuer, context)}`
}
