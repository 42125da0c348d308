import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import { openApiOf, textOf } from '../../src/docs/openapi.ts'
import type { JsonSchema, MediaType, OpenApiDocument } from '../../src/docs/openapi-types.ts'
import { errorTable } from '../../src/oauth/errors.ts'
import { operations, routesOf } from '../../src/routes.ts'
import { createValidation, operationsOf } from '../support/openapi.ts'
import { readCodeSpans, readDocument, readSection } from './markdown.ts'

const issuer = 'http://127.0.0.1:8080'
const document = JSON.parse(readDocument('docs/openapi.json')) as OpenApiDocument // the first test holds that it is one
const documented = operationsOf(document)
const validatorOf = createValidation(document)

describe('docs/openapi.json', () => {
  it('is what the routes say of themselves; npm run openapi makes it so', () => {
    expect(readDocument('docs/openapi.json') === textOf(openApiOf(routesOf(issuer), issuer))).toBe(true)
  })

  it.each([issuer, 'https://auth.example.com', 'https://example.com/auth/v1'])('is a valid OpenAPI 3.1 document, also for the issuer %s', async (each) => {
    const result = await new Validator().validate(textOf(openApiOf(routesOf(each), each)))
    expect(result).toMatchObject({ valid: true })
  })

  it('has every operation once under its own name, and at its other paths under names of their own', () => {
    const ids = documented.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(documented.filter(({ operation }) => operation['x-same-as'] === undefined).map(({ operation }) => operation.operationId)).toEqual(Object.keys(operations))
  })

  it('explains every operation, parameter, member and header, with an example where the value is not fixed', () => {
    const unexplained = Object.entries(document.components.schemas).flatMap(([name, schema]) => unexplainedMembers(schema, name))
    expect(unexplained).toEqual([])
    for (const { operation } of documented) expect([operation.summary, operation.description], operation.operationId).toEqual([expect.stringMatching(/^[A-Z]/), expect.stringMatching(/^[A-Z`][^]*\.$/)])
    for (const { description } of [...Object.values(document.components.headers), ...Object.values(document.components.parameters)]) expect(description).toMatch(/^[A-Z][^]*\.$/)
  })

  it('gives examples that its own schemas accept', () => {
    const contents = documented.flatMap(({ operation, responses }): [string, MediaType][] => [
      ...Object.values(operation.requestBody?.content ?? {}).map((content): [string, MediaType] => [`request of ${operation.operationId}`, content]),
      ...responses.flatMap(([status, { content = {} }]) => Object.values(content).map((each): [string, MediaType] => [`${status} of ${operation.operationId}`, each]))
    ])
    for (const [where, { schema, examples = {} }] of contents) {
      const validate = validatorOf(schema)
      for (const [name, { value }] of Object.entries(examples)) expect(validate(value) ? [] : validate.errors, `${name}, ${where}`).toEqual([])
    }
    for (const schema of Object.values(document.components.schemas).flatMap(membersOf)) {
      const validate = validatorOf(schema)
      for (const example of schema.examples ?? []) expect(validate(example) ? [] : validate.errors, String(schema.description)).toEqual([])
    }
  })

  it('shows every error that an endpoint answers of its own, by an example', () => {
    for (const { operation, responses } of documented) {
      for (const [status, { content = {}, 'x-errors': errors = [] }] of responses) {
        if (errors.length === 0) continue
        const shown = Object.values(content).flatMap(({ examples = {} }) => Object.values(examples)).map(({ value }) => codeOf(value))
        expect([...new Set(shown)].sort(), `${status} of ${operation.operationId}`).toEqual([...new Set(errors.map(({ code }) => code))].sort())
      }
    }
  })

  it('has every error of the error table, at the status that the table gives it', () => {
    const pairs = documented.flatMap(({ responses }) => responses.flatMap(([status, { 'x-errors': errors = [] }]) => errors.map(({ code }) => `${code} ${status}`)))
    const codes = Object.entries(errorTable).map(([code, { status }]) => `${code} ${status}`)
    expect(codes.filter((code) => !pairs.includes(code))).toEqual([])
    const special = [...new Set(pairs)].filter((pair) => !codes.includes(pair)).sort()
    expect(special).toEqual(['invalid_request 404', 'invalid_request 408', 'invalid_request 413', 'invalid_request 431'])
  })

  it('shows the answer to every request that it shows', () => {
    for (const { operation, responses } of documented) {
      for (const [status, { content = {}, 'x-requests': requests = {} }] of responses) {
        const examples = Object.values(content).flatMap(({ examples: each = {} }) => Object.keys(each))
        if (examples.length > 0) expect(Object.keys(requests).filter((name) => !examples.includes(name)), `${status} of ${operation.operationId}`).toEqual([])
      }
    }
  })

  it('has the paths that README.md has', () => {
    const paths = readCodeSpans(readSection(readDocument('README.md'), '## HTTP API').split('###')[0] ?? '').filter((span) => /^(GET|POST) \//.test(span))
    expect(paths.filter((path) => !documented.some(({ method, path: each }) => path === `${method} ${each}`))).toEqual([])
    const missing = documented.filter(({ method, path, operation }) => operation['x-same-as'] === undefined && !paths.includes(`${method} ${path}`))
    expect(missing.map(({ operation }) => operation.operationId)).toEqual(['testMetadata']) // in words
  })
})

function codeOf (value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'error' in value ? value.error : undefined
}

function unexplainedMembers (schema: JsonSchema, where: string): string[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const isFixed = member.const !== undefined || member.type === 'boolean' || member.properties !== undefined || member.items?.properties !== undefined || name === 'response_types_supported'
    const isExplained = /^[A-Z`].*\.$/.test(member.description ?? '')
    return isExplained && (isFixed || member.examples !== undefined) ? [] : [`${where}.${name}`]
  })
  return [...own, ...nestedOf(schema).flatMap((nested) => unexplainedMembers(nested, where))]
}

function membersOf (schema: JsonSchema): JsonSchema[] {
  const nested = [...Object.values(schema.properties ?? {}), ...nestedOf(schema)]
  return [...Object.values(schema.properties ?? {}), ...nested.flatMap(membersOf)]
}

function nestedOf ({ anyOf = [], items, contentSchema, properties = {} }: JsonSchema): JsonSchema[] {
  const members = Object.values(properties).flatMap((member) => nestedOf(member))
  return [...anyOf, ...items === undefined ? [] : [items], ...contentSchema?.prefixItems ?? [], ...members]
}
