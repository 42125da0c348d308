/** As much of OpenAPI 3.1 as the document uses: what makes it and what shows it agree on these. */
import type { ErrorCode } from '../oauth/errors.ts'

export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly info: { readonly title: string, readonly version: string, readonly summary: string, readonly description: string, readonly license: { readonly name: string, readonly identifier: string } }
  readonly servers: readonly Server[]
  readonly tags: readonly { readonly name: string, readonly description: string }[]
  readonly paths: Readonly<Record<string, PathItem>>
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>
    readonly parameters: Readonly<Record<string, ParameterObject>>
    readonly headers: Readonly<Record<string, HeaderObject>>
    readonly responses: Readonly<Record<string, ResponseObject>>
    readonly securitySchemes: Readonly<Record<string, object>>
  }
  /** Answers to requests that reach none of the operations. */
  readonly 'x-elsewhere': Readonly<Record<string, ResponseObject>>
}

export interface Server {
  readonly url: string
  readonly description: string
  readonly variables: Readonly<Record<string, { readonly default: string, readonly description: string }>>
}

export interface PathItem {
  readonly servers?: readonly Server[]
  readonly get?: OperationObject
  readonly post?: OperationObject
}

export interface OperationObject {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description: string
  readonly externalDocs?: { readonly description: string, readonly url: string }
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters: readonly Reference[]
  readonly requestBody?: { readonly required: true, readonly content: Readonly<Record<string, MediaType>> }
  readonly responses: Readonly<Record<string, ResponseObject | Reference>>
  /** The operationId of the same operation at its first path. */
  readonly 'x-same-as'?: string
}

export interface ResponseObject {
  readonly description: string
  readonly headers: Readonly<Record<string, Reference | HeaderObject>>
  readonly content?: Readonly<Record<string, MediaType>>
  /** Of a response that several operations refer to. */
  readonly 'x-status'?: string
  /** The errors that have this status, and when each is answered. */
  readonly 'x-errors'?: readonly { readonly code: ErrorCode, readonly when: string }[]
  /** Requests that are answered so; the example of the same name is the answer. */
  readonly 'x-requests'?: Readonly<Record<string, { readonly summary: string, readonly request: WireRequest }>>
}

export interface MediaType {
  readonly schema: JsonSchema
  readonly examples?: Readonly<Record<string, ExampleObject>>
  readonly encoding?: Readonly<Record<string, { readonly style: 'form', readonly explode: true }>>
}

export interface ExampleObject {
  readonly summary: string
  readonly value: unknown
}

/** A request as it goes over the wire. */
export interface WireRequest {
  readonly method: string
  /** Below the server of the path. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface ParameterObject {
  readonly name: string
  readonly in: 'header' | 'path'
  readonly required: boolean
  readonly description: string
  readonly schema: JsonSchema
}

export interface HeaderObject {
  readonly description: string
  readonly required: true
  readonly schema: JsonSchema
}

export interface Reference {
  readonly $ref: string
}

/** JSON Schema 2020-12, as the page reads it. */
export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string
  readonly title?: string
  readonly description?: string
  readonly const?: string | number | boolean
  readonly enum?: readonly unknown[]
  readonly examples?: readonly unknown[]
  readonly format?: string
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly contentSchema?: { readonly prefixItems: readonly JsonSchema[] }
}
