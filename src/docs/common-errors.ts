/** The errors that the server answers whatever the endpoint, and those of requests that reach no endpoint. */
import type { ExampleRequest, Operation } from '../http/operation.ts'
import { httpLimits } from '../http/server.ts'
import type { ErrorCode } from '../oauth/errors.ts'

export interface CommonError {
  /** Of the response among the document's components. */
  readonly name: string
  readonly code: ErrorCode
  readonly status: number
  readonly when: string
  /** An `error_description` that it has. */
  readonly example: string
}

const unreadable: CommonError = {
  name: 'Unreadable', code: 'invalid_request', status: 400, when: 'The request is not readable as HTTP, or has no valid `Host`.', example: 'The request is not readable as HTTP.'
}
const tooSlow: CommonError = {
  name: 'TooSlow',
  code: 'invalid_request',
  status: 408,
  when: `The request took longer to arrive than ${httpLimits.requestTimeoutMillis / 1000} seconds, or its head longer than ${httpLimits.headersTimeoutMillis / 1000}.`,
  example: 'The request took too long to arrive.'
}
const bodyTooLarge: CommonError = {
  name: 'BodyTooLarge', code: 'invalid_request', status: 413, when: `The body is larger than ${httpLimits.bodyBytes} bytes.`, example: `The body is larger than ${httpLimits.bodyBytes} bytes.`
}
const headTooLarge: CommonError = {
  name: 'HeadTooLarge', code: 'invalid_request', status: 431, when: `The header fields are larger than ${httpLimits.headerBytes} bytes together.`, example: 'The request is not readable as HTTP.'
}
const mistake: CommonError = {
  name: 'Mistake', code: 'server_error', status: 500, when: 'The server made a mistake, and its operator finds it in the log under the `X-Request-Id`.', example: 'The server made a mistake. Tell its operator the X-Request-Id of this answer.'
}
const stale: CommonError = {
  name: 'Stale', code: 'temporarily_unavailable', status: 503, when: 'The server lost its database for longer than its operator allows.', example: 'The server has lost its database for too long to go on from memory.'
}

export const commonErrors: readonly CommonError[] = [unreadable, tooSlow, bodyTooLarge, headTooLarge, mistake, stale]

export function commonErrorsOf ({ form, readsMemory }: Operation): CommonError[] {
  return commonErrors.filter((error) => (error !== bodyTooLarge || form !== undefined) && (error !== stale || readsMemory))
}

/** What is answered when there is nothing at the path, or nothing for the method. */
export const elsewhere: readonly (CommonError & { readonly request?: ExampleRequest & { readonly path: string } })[] = [
  {
    name: 'NotFound',
    code: 'invalid_request',
    status: 404,
    when: 'There is nothing at the path. Paths match exactly: no trailing slash, no other case.',
    example: 'There is nothing at this path. Paths match exactly: check case and trailing slash.',
    request: { path: '/oauth/v2/token/' }
  },
  {
    name: 'WrongMethod',
    code: 'invalid_request',
    status: 405,
    when: 'The path does not take this method; `Allow` names those that it takes.',
    example: 'This path takes POST only.',
    request: { path: '/oauth/v2/token', method: 'DELETE' }
  },
  {
    name: 'TooLong',
    code: 'invalid_request',
    status: 414,
    when: `As 404 and 405, and the URL is longer than ${httpLimits.unknownPathLength} characters.`,
    example: 'The URL is too long.'
  }
]
