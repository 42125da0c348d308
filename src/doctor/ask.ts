/**
 * One HTTP request as a client far away would send it: bounded, without following redirects or reusing connections.
 * Its request id tells whoever reads the server's log who asked.
 */
import { randomUUID } from 'node:crypto'
import { request as requestHttp, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { TLSSocket } from 'node:tls'
import { errorCode } from '../error-code.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The text, if it is an object of JSON. */
  readonly json: Readonly<Record<string, unknown>> | undefined
  /** When the certificate ends; undefined without TLS. */
  readonly validTo: Date | undefined
}

/** Why there is no answer, such as ECONNREFUSED or a code of TLS. */
export interface Silence {
  readonly code: string
}

export interface Question {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export const answerSeconds = 3
const maxBytes = 1_048_576

export async function ask (url: string, { method = 'GET', headers = {}, body }: Question = {}): Promise<Answer | Silence> {
  return await new Promise((resolve) => {
    const request = url.startsWith('https:') ? requestHttps : requestHttp
    const sent = request(url, {
      method,
      agent: false,
      signal: AbortSignal.timeout(answerSeconds * 1000),
      headers: { 'x-request-id': `doctor-${randomUUID()}`, ...headers, connection: 'close', ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) }
    })
    const fail = (error: unknown): void => { resolve({ code: describe(error) }) }
    sent.on('error', fail)
    sent.on('response', (response) => { readAnswer(response).then(resolve, fail) })
    sent.end(body)
  })
}

export function isAnswer (answer: Answer | Silence): answer is Answer {
  return 'status' in answer
}

export function headerOf ({ headers }: Answer, name: string): string {
  return headers[name]?.toString() ?? 'nothing'
}

async function readAnswer (response: IncomingMessage): Promise<Answer> {
  const validTo = response.socket instanceof TLSSocket ? new Date(response.socket.getPeerCertificate().valid_to) : undefined
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response) {
    text += String(chunk)
    if (text.length > maxBytes) break
  }
  return { status: response.statusCode ?? 0, headers: response.headers, text, json: parse(text), validTo }
}

function parse (text: string): Answer['json'] {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function describe (error: unknown): string {
  const code = errorCode(error)
  if (code === 'ABORT_ERR' || code === 'ETIMEDOUT') return `no answer within ${answerSeconds} s`
  // Node.js tries all addresses of a name, and fails with a list.
  if (error instanceof AggregateError) return error.errors.map(describe)[0] ?? 'unknown error'
  return code ?? (error instanceof Error ? error.message : String(error))
}
