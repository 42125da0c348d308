/** Requests of any bytes, and what must be true of every answer. */
import fc from 'fast-check'
import { expect } from 'vitest'
import { exchange, rawRequest, type RawAnswer } from '../support/raw-http.ts'

export const octets = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
/** What a header value may hold, and Node's parser lets through. */
export const fieldValue = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f).map((code) => String.fromCharCode(code)), maxLength: 60 })

/** How many times as many requests as usual: `RANDOM_TIMES=100 npm test -- test/robustness/random` for a longer run. */
export const randomTimes = Number(process.env['RANDOM_TIMES'] ?? 1)

export function request (line: string, headers: readonly string[], body: string | Buffer): Buffer {
  return rawRequest(line, [...headers, `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close'], body)
}

/** One answer, below 500, with a request id, and JSON wherever the protocol promises it. */
export async function expectOwnAnswer (origin: string, sent: Buffer, path: string): Promise<RawAnswer> {
  const { answers, closed, rest } = await exchange(origin, sent)
  const [answer] = answers
  expect({ count: answers.length, closed, rest }).toEqual({ count: 1, closed: true, rest: '' })
  if (answer === undefined) throw new Error('no answer')
  expect(answer.status).toBeLessThan(500)
  expect(answer.headers.get('x-request-id')).toMatch(/^[\w.:-]{8,128}$/)
  if (path.startsWith('/oauth/') && answer.status !== 304) {
    const isEmptyRevocation = path === '/oauth/v2/revoke' && answer.status === 200
    const isSigned = answer.headers.get('content-type') === 'application/token-introspection+jwt'
    if (isEmptyRevocation) expect(answer.body).toBe('')
    else if (isSigned) expect(answer.body).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    else expect(JSON.parse(answer.body)).toBeTypeOf('object')
  }
  if (answer.status >= 400) expect(JSON.parse(answer.body)).toMatchObject({ error: expect.any(String) as unknown, error_description: expect.any(String) as unknown })
  return answer
}
