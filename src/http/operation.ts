/**
 * How an endpoint describes itself: what it takes, what it answers, and an example of each. The endpoint acts on the
 * schemas, and the documentation is made of the description. It must not know how that documentation looks.
 */
import type { TObject, TSchema } from '@sinclair/typebox'
import type { ErrorCode } from '../oauth/errors.ts'

export interface Operation {
  readonly method: 'GET' | 'POST'
  readonly tag: 'Tokens' | 'Keys and metadata' | 'Health' | 'Documentation'
  readonly summary: string
  /** Markdown, of which paragraphs, lists, code and links are used. */
  readonly description: string
  readonly specification?: { readonly description: string, readonly url: string }
  /** Answers 503 when memory is older than the operator allows. */
  readonly readsMemory: boolean
  /** Form-encoded parameters in the body. Every endpoint that has some authenticates a client. */
  readonly form?: Described<TObject>
  /** What stands in the path for a part of it, by its name there. */
  readonly pathParameter?: PathParameterName
  /** Request headers that mean something here, besides those that every request may have. */
  readonly requestHeaders?: readonly RequestHeaderName[]
  readonly answers: readonly Answer[]
  readonly errors: readonly OperationError[]
  readonly exchanges: readonly Exchange[]
}

/** A schema under the name that the documentation gives it. */
export interface Described<S extends TSchema = TSchema> {
  readonly name: string
  readonly schema: S
}

export type PathParameterName = 'id'
export type RequestHeaderName = 'If-None-Match' | 'DPoP'
export type HeaderName = 'Retry-After' | 'WWW-Authenticate' | 'ETag' | 'Access-Control-Allow-Origin' | 'Content-Security-Policy' | 'Allow' | 'Signet-Staleness'

export interface Content {
  readonly mediaType: string
  readonly body: Described
}

/** An answer that is no error of the protocol. */
export interface Answer {
  readonly status: number
  readonly description: string
  readonly content?: Content
  /** Instead of the content, where the request's `Accept` names its media type. */
  readonly alternative?: Content
  /** How long it may be cached; absent: not at all. */
  readonly maxAgeSeconds?: number
  /** Besides `X-Request-Id` and `Cache-Control`, which every answer has. */
  readonly headers?: readonly HeaderName[]
}

export interface OperationError {
  readonly code: ErrorCode
  /** Only where it is not the code's own. */
  readonly status?: number
  readonly when: string
}

/** A request and what is answered. */
export interface Exchange {
  readonly name: string
  readonly summary: string
  /** Absent: no ordinary request leads to this answer. */
  readonly request?: ExampleRequest
  readonly answer: { readonly status: number, readonly body?: unknown, readonly mediaType?: string } | { readonly error: ErrorCode, readonly status?: number, readonly description: string }
}

export interface ExampleRequest {
  /** What the path parameter is, where there is one. */
  readonly id?: string
  readonly method?: string
  readonly query?: string
  readonly form?: Readonly<Record<string, string | readonly string[]>>
  /** Id and secret, for the `Authorization` header. */
  readonly basic?: readonly [id: string, secret: string]
  readonly headers?: Readonly<Record<string, string>>
  /** Instead of a form. */
  readonly body?: string
}

/** An operation at one of its paths. */
export interface Route<Name extends string = string> {
  readonly name: Name
  /** Unique to the path. */
  readonly id: string
  /** From the origin, as it is registered. */
  readonly path: string
  readonly isBelowIssuer: boolean
  readonly operation: Operation
}
