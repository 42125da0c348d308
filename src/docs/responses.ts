/** The responses of the OpenAPI document: answers and errors of an operation, by status, with their examples. */
import { errorBodyOf } from '../http/error-body.ts'
import type { Answer, Content, ExampleRequest, Exchange, HeaderName, Operation, OperationError } from '../http/operation.ts'
import { errorTable, type ErrorCode } from '../oauth/errors.ts'
import { issuerPlaceholder } from '../oauth/samples.ts'
import { commonErrorsOf, type CommonError } from './common-errors.ts'
import type { ExampleObject, HeaderObject, MediaType, Reference, ResponseObject, WireRequest } from './openapi-types.ts'

type Responses = Record<string, ResponseObject | Reference>

/** @param path below the server that the document names for it */
export function responsesOf (operation: Operation, path: string): Responses {
  const responses: Responses = {}
  for (const answer of operation.answers) responses[answer.status] = responseOf(answer, operation, path)
  const common = commonErrorsOf(operation)
  for (const status of new Set(operation.errors.map(statusOf))) {
    const errors = [...operation.errors.filter((error) => statusOf(error) === status), ...common.filter((error) => error.status === status)]
    responses[status] = errorResponse(errors, status, exchangesAt(status, operation), operation, path)
  }
  for (const error of common.filter(({ status }) => !Object.hasOwn(responses, status))) responses[error.status] = { $ref: `#/components/responses/${error.name}` }
  return responses
}

export function commonResponse (error: CommonError, requests: ResponseObject['x-requests'] = {}): ResponseObject {
  const { code, status, when, example, name } = error
  const examples = { [Object.keys(requests)[0] ?? name]: { summary: when.replaceAll('`', ''), value: errorBodyOf(code, example, issuerPlaceholder) } }
  return { ...bareErrorResponse([{ code, when }], status, examples), ...(Object.keys(requests).length === 0 ? {} : { 'x-requests': requests }) }
}

function responseOf ({ status, description, content, alternative, maxAgeSeconds, headers = [] }: Answer, operation: Operation, path: string): ResponseObject {
  const exchanges = exchangesAt(status, operation)
  const contents = [content, alternative].filter((each) => each !== undefined).map((each) => [each.mediaType, mediaTypeOf(each, exchanges, each === content)] as const)
  const caching = maxAgeSeconds === undefined ? reference('Cache-Control') : publicFor(maxAgeSeconds)
  return {
    description,
    headers: { 'X-Request-Id': reference('X-Request-Id'), 'Cache-Control': caching, ...referencesTo(headers) },
    ...contents.length === 0 ? {} : { content: Object.fromEntries(contents) },
    ...requestsOf(exchanges, operation, path)
  }
}

/** @param isDefault what the exchanges answer that name no media type */
function mediaTypeOf ({ mediaType, body }: Content, exchanges: readonly Exchange[], isDefault: boolean): MediaType {
  const examples = exchanges.flatMap(({ name, summary, answer }): [string, ExampleObject][] =>
    'body' in answer && (answer.mediaType === mediaType || (answer.mediaType === undefined && isDefault)) ? [[name, { summary, value: answer.body }]] : [])
  return { schema: { $ref: `#/components/schemas/${body.name}` }, ...examples.length === 0 ? {} : { examples: Object.fromEntries(examples) } }
}

function errorResponse (errors: readonly OperationError[], status: number, exchanges: readonly Exchange[], operation: Operation, path: string): ResponseObject {
  const examples = exchanges.flatMap(({ name, summary, answer }): [string, ExampleObject][] =>
    'error' in answer ? [[name, { summary, value: errorBodyOf(answer.error, answer.description, issuerPlaceholder) }]] : [])
  const common = commonErrorsOf(operation).filter((error) => error.status === status && examples.length === 0)
  const all = [...examples, ...common.map(({ name, code, when, example }): [string, ExampleObject] => [name, { summary: when, value: errorBodyOf(code, example, issuerPlaceholder) }])]
  return { ...bareErrorResponse(errors, status, Object.fromEntries(all)), ...requestsOf(exchanges, operation, path) }
}

function bareErrorResponse (errors: readonly { readonly code: ErrorCode, readonly when: string }[], status: number, examples: Readonly<Record<string, ExampleObject>>): ResponseObject {
  const codes = [...new Set(errors.map(({ code }) => code))]
  const schema = { allOf: [{ $ref: '#/components/schemas/Error' }, { properties: { error: { enum: codes } } }] }
  return {
    description: errors.map(({ code, when }) => `- \`${code}\`: ${when}`).join('\n'),
    headers: { 'X-Request-Id': reference('X-Request-Id'), 'Cache-Control': reference('Cache-Control'), ...referencesTo(headersOfStatus[status] ?? []) },
    content: { 'application/json': { schema, examples } },
    'x-errors': errors.map(({ code, when }) => ({ code, when }))
  }
}

const headersOfStatus: Readonly<Record<number, readonly HeaderName[]>> = { 401: ['WWW-Authenticate'], 405: ['Allow'], 503: ['Retry-After'] }

function statusOf ({ code, status }: OperationError): number {
  return status ?? errorTable[code].status
}

function exchangesAt (status: number, { exchanges }: Operation): Exchange[] {
  return exchanges.filter(({ answer }) => ('error' in answer ? answer.status ?? errorTable[answer.error].status : answer.status) === status)
}

function requestsOf (exchanges: readonly Exchange[], { method }: Operation, path: string): Pick<ResponseObject, 'x-requests'> {
  const requests = exchanges.flatMap(({ name, summary, request }) => request === undefined ? [] : [[name, { summary, request: wireRequest(method, path, request) }] as const])
  return requests.length === 0 ? {} : { 'x-requests': Object.fromEntries(requests) }
}

export function wireRequest (method: string, path: string, request: ExampleRequest): WireRequest {
  const { basic, form, query, id = '' } = request
  const filled = path.replace('{id}', id)
  const body = form === undefined ? request.body : encodeForm(form)
  return {
    method: request.method ?? method,
    path: query === undefined ? filled : `${filled}?${query}`,
    headers: {
      ...basic === undefined ? {} : { Authorization: `Basic ${Buffer.from(basic.join(':')).toString('base64')}` },
      ...form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' },
      ...request.headers
    },
    ...body === undefined ? {} : { body }
  }
}

function encodeForm (form: Readonly<Record<string, string | readonly string[]>>): string {
  const pairs = Object.entries(form).flatMap(([name, values]) => [values].flat().map((value): [string, string] => [name, value]))
  return new URLSearchParams(pairs).toString()
}

function reference (header: string): Reference {
  return { $ref: `#/components/headers/${header}` }
}

function referencesTo (headers: readonly HeaderName[]): Record<string, Reference> {
  return Object.fromEntries(headers.map((header) => [header, reference(header)]))
}

function publicFor (seconds: number): HeaderObject {
  return { description: `May be cached for ${seconds} seconds, by anybody.`, required: true, schema: { type: 'string', const: `public, max-age=${seconds}` } }
}
