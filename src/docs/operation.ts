/** How the documentation describes itself. */
import { Type } from '@sinclair/typebox'
import type { Operation } from '../http/operation.ts'

/** How long browsers may keep what is documented. */
export const docsMaxAgeSeconds = 3_600

const html = Type.String({ description: 'An HTML page without any script, which loads nothing else.' })

const openApiBody = Type.Object({
  openapi: Type.Literal('3.1.0', { description: 'The version of OpenAPI.' }),
  info: Type.Object({}, { description: 'What the API is for.' }),
  paths: Type.Object({}, { description: 'Every path, what it takes and what it answers.' })
})

function page (summary: string, description: string): Operation {
  return {
    method: 'GET',
    tag: 'Documentation',
    summary,
    description,
    readsMemory: false,
    answers: [{
      status: 200, description: 'The page.', content: { mediaType: 'text/html', body: { name: 'Page', schema: html } }, maxAgeSeconds: docsMaxAgeSeconds, headers: ['Content-Security-Policy']
    }],
    errors: [],
    exchanges: [{ name: 'page', summary: 'The page', request: {}, answer: { status: 200 } }]
  }
}

export const apiPageOperation = page('The API as a page', 'What you find on the page `/docs`: every endpoint, parameter, answer and error, with examples that can be pasted.')

export const errorPageOperation = page('What each error means', 'Every `error_uri` leads there, to the section of its error.')

export const openApiOperation: Operation = {
  method: 'GET',
  tag: 'Documentation',
  summary: 'The API as an OpenAPI document',
  description: 'For tools: OpenAPI 3.1, with the issuer of this server.',
  specification: { description: 'OpenAPI 3.1', url: 'https://spec.openapis.org/oas/v3.1.0.html' },
  readsMemory: false,
  requestHeaders: ['If-None-Match'],
  answers: [
    { status: 200, description: 'The document.', content: { mediaType: 'application/json', body: { name: 'OpenApi', schema: openApiBody } }, maxAgeSeconds: docsMaxAgeSeconds, headers: ['ETag', 'Access-Control-Allow-Origin'] },
    { status: 304, description: 'The caller has it already: `If-None-Match` names its `ETag`. The body is empty.', maxAgeSeconds: docsMaxAgeSeconds, headers: ['ETag', 'Access-Control-Allow-Origin'] }
  ],
  errors: [],
  exchanges: [
    { name: 'current', summary: 'The document', request: {}, answer: { status: 200 } },
    { name: 'unchanged', summary: 'It is asked for again, and has not changed', request: { headers: { 'If-None-Match': '*' } }, answer: { status: 304 } }
  ]
}
