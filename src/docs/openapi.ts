/** The OpenAPI document, made of what the routes say of themselves. */
import type { Described, Operation, Route } from '../http/operation.ts'
import { errorBody } from '../http/error-body.ts'
import { maxParameters } from '../http/form.ts'
import { issuerPlaceholder } from '../oauth/samples.ts'
import { commonErrors, elsewhere } from './common-errors.ts'
import { clientAuthentication, headers, parameters, securitySchemes } from './components.ts'
import type { JsonSchema, MediaType, OpenApiDocument, OperationObject, PathItem, ResponseObject, Server } from './openapi-types.ts'
import { commonResponse, responsesOf, wireRequest } from './responses.ts'

const formMediaType = 'application/x-www-form-urlencoded'

const description = `An OAuth 2.0 authorization server for machine-to-machine access. A partner's backend shows its client id and its client secret and gets an access token; the API verifies the token on its own, with the published keys, or asks about it.

Requests have their parameters in the body, form-encoded: at most ${maxParameters}, each once unless it says that it may repeat. A secret or a token in the URL is refused. Answers are JSON. Every answer has an \`X-Request-Id\`. A refusal says what to change, and links to the page that explains it.

\`HEAD\` works wherever \`GET\` does. Paths match exactly: no trailing slash, no other case.`

const tags: Readonly<Record<Operation['tag'], string>> = {
  Tokens: 'Get a token, ask about it, revoke it. A client authenticates with its id and secret, in the `Authorization` header or in the body, not both. These endpoints are for backends: no browser may call them from a page, and nothing that they answer is to be cached.',
  'Keys and metadata': 'What an API needs to verify tokens, for the live and for the test environment. They are two issuers: a client of one never gets a token of the other. These documents may be cached, and pages of any origin may read them.',
  Health: 'For load balancers and whatever else watches the server. These paths never change, and are not below the issuer.',
  Documentation: 'What you are reading, as a page and for tools.'
}

export function openApiOf (routes: readonly Route[], issuer: string): OpenApiDocument {
  const { origin } = new URL(issuer)
  const paths = new Map<string, PathItem>()
  for (const route of routes) {
    const path = documentedPath(route, issuer)
    const item: PathItem = { [route.operation.method.toLowerCase()]: operationOf(route, path) }
    paths.set(path, route.isBelowIssuer ? item : { servers: [serverOf('origin', origin, 'Scheme, host and port of the issuer.')], ...item })
  }
  const document: OpenApiDocument = {
    openapi: '3.1.0',
    // The version that the paths bear. That of the program never leaves the server.
    info: { title: 'Signet', version: 'v2', summary: 'Access tokens for backends', description, license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' } },
    servers: [serverOf('issuer', issuer, 'The issuer: the public URL of the server, without a trailing slash.')],
    tags: Object.entries(tags).map(([name, text]) => ({ name, description: text })),
    paths: Object.fromEntries(paths),
    components: {
      schemas: schemasOf(routes),
      parameters,
      headers,
      responses: Object.fromEntries(commonErrors.map((error) => [error.name, { ...commonResponse(error), 'x-status': String(error.status) }])),
      securitySchemes
    },
    'x-elsewhere': elsewhereResponses()
  }
  return JSON.parse(JSON.stringify(document).replaceAll(issuerPlaceholder, issuer)) as OpenApiDocument // the same document, without the schemas' symbols
}

/** As it is served and as it is in the repository. */
export function textOf (document: OpenApiDocument): string {
  return `${JSON.stringify(document, null, 2)}\n`
}

/** Below the server that the document names for it. */
function documentedPath ({ path, isBelowIssuer }: Route, issuer: string): string {
  const documented = path.replace(/:(\w+)/, '{$1}')
  return isBelowIssuer ? documented.slice(new URL(issuer).pathname.replace(/\/$/, '').length) : documented
}

function serverOf (variable: string, value: string, text: string): Server {
  return { url: `{${variable}}`, description: 'This server.', variables: { [variable]: { default: value, description: text } } }
}

function operationOf ({ id, name, operation }: Route, path: string): OperationObject {
  const { tag, summary, specification, form, pathParameter, requestHeaders = [] } = operation
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: operation.description,
    ...specification === undefined ? {} : { externalDocs: specification },
    security: form === undefined ? [] : clientAuthentication,
    parameters: [...pathParameter === undefined ? [] : [pathParameter], 'X-Request-Id', ...requestHeaders].map((header) => ({ $ref: `#/components/parameters/${header}` })),
    ...form === undefined ? {} : { requestBody: { required: true, content: { [formMediaType]: formOf(form, operation) } } },
    responses: responsesOf(operation, path),
    ...id === name ? {} : { 'x-same-as': name }
  }
}

/** Only requests that succeed are examples of the body; the others are beside their answers. */
function formOf ({ name, schema }: NonNullable<Operation['form']>, { exchanges }: Operation): MediaType {
  const examples = exchanges.flatMap(({ name: example, summary, request, answer }) =>
    request?.form !== undefined && request.query === undefined && !('error' in answer) ? [[example, { summary, value: request.form }] as const] : [])
  const lists = Object.entries(schema.properties).filter(([, { type }]) => type === 'array').map(([property]) => [property, { style: 'form', explode: true }] as const)
  return {
    schema: { $ref: `#/components/schemas/${name}` },
    examples: Object.fromEntries(examples),
    ...lists.length === 0 ? {} : { encoding: Object.fromEntries(lists) }
  }
}

function schemasOf (routes: readonly Route[]): Record<string, JsonSchema> {
  const described = routes.flatMap(({ operation: { form, answers } }): Described[] => [
    ...form === undefined ? [] : [form],
    ...answers.flatMap(({ content, alternative }) => [content, alternative].flatMap((each) => each === undefined ? [] : [each.body]))
  ])
  return Object.fromEntries([...described, { name: 'Error', schema: errorBody }].map(({ name, schema }) => [name, schema]))
}

function elsewhereResponses (): Record<string, ResponseObject> {
  return Object.fromEntries(elsewhere.map((error) => {
    const { name, status, when, request } = error
    return [status, commonResponse(error, request === undefined ? {} : { [name]: { summary: when, request: wireRequest('GET', request.path, request) } })]
  }))
}
