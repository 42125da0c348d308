/** Reading an OpenAPI document as a tool does: its operations, and its schemas as validators. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { HeaderObject, JsonSchema, OpenApiDocument, OperationObject, Reference, ResponseObject } from '../../src/docs/openapi-types.ts'

export interface DocumentedOperation {
  readonly method: string
  /** Below its server. */
  readonly path: string
  readonly server: string
  readonly operation: OperationObject
  readonly responses: readonly [status: string, response: ResponseObject][]
}

export function operationsOf (document: OpenApiDocument): DocumentedOperation[] {
  return Object.entries(document.paths).flatMap(([path, item]) => (['get', 'post'] as const).flatMap((method) => {
    const operation = item[method]
    const server = Object.values((item.servers ?? document.servers)[0]?.variables ?? {})[0]?.default ?? ''
    if (operation === undefined) return []
    const responses = Object.entries(operation.responses).map(([status, response]): [string, ResponseObject] => [status, resolve(response, document)])
    return [{ method: method.toUpperCase(), path, server, operation, responses }]
  }))
}

export function resolve<T extends object> (value: T | Reference, document: OpenApiDocument): T {
  if (!('$ref' in value)) return value
  const found = value.$ref.split('/').slice(1).reduce<unknown>((parent, name) => (parent as Record<string, unknown>)[name], document) // references lead to objects
  if (found === undefined) throw new Error(`the document has no ${value.$ref}`)
  return found as T // of the kind that the reference stands for
}

/** Validators of the document's schemas: `closed` ones accept no member that is not documented. */
export function createValidation (document: OpenApiDocument): (schema: JsonSchema, closed?: boolean) => ValidateFunction {
  const ajv = new Ajv2020({ strictTypes: false, allErrors: true, formats: { uri: (text: string) => URL.canParse(text) } })
  ajv.addVocabulary(['components'])
  ajv.addSchema({ $id: 'signet:document', components: document.components }, undefined, false, false)
  return (schema, closed = false) => {
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"signet:document#/components/')) as object // it was an object
    return ajv.compile(closed ? { ...absolute, unevaluatedProperties: false } : absolute)
  }
}

/** What a header's schema is checked with. */
export function headerValue (text: string | null, { schema }: HeaderObject): unknown {
  return schema.type === 'integer' && text !== null && /^\d+$/.test(text) ? Number(text) : text
}
