import { describe, expect, it } from 'vitest'
import { errorTable, invalidClient, invalidRequest, serverError, temporarilyUnavailable } from '../../src/oauth/errors.ts'

describe('RFC 6749 §5.2 error values', () => {
  it('describe in allowed characters only: quotation marks become apostrophes, the rest question marks', () => {
    expect(invalidRequest('say "x" \\ é\n').message).toBe('say \'x\' ? ??')
  })

  it('describe in at most 200 characters', () => {
    expect(invalidRequest('x'.repeat(200)).message).toBe('x'.repeat(200))
    expect(invalidRequest('x'.repeat(201)).message).toBe(`${'x'.repeat(197)}...`)
  })

  it('keep the cause of a failed authentication out of what the caller sees', () => {
    const [one, other] = [invalidClient('unknown client'), invalidClient('wrong secret')]
    expect([one.message, one.status, one.headers]).toEqual([other.message, other.status, other.headers])
    expect(one.cause).toBe('unknown client')
    expect(one.headers).toEqual({ 'WWW-Authenticate': 'Basic realm="signet", charset="UTF-8"' })
  })

  it('keep the cause of our own mistake out of what the caller sees', () => {
    expect(serverError(new Error('SELECT 1')).message).not.toContain('SELECT')
  })

  it('say when to come again', () => {
    expect(temporarilyUnavailable('Later.', 5).headers).toEqual({ 'Retry-After': '5' })
  })

  it('have the status that the RFCs give each code', () => {
    expect(Object.fromEntries(Object.entries(errorTable).map(([code, { status }]) => [code, status]))).toEqual({
      invalid_request: 400,
      invalid_client: 401,
      invalid_grant: 400,
      unauthorized_client: 400,
      unsupported_grant_type: 400,
      invalid_scope: 400,
      invalid_target: 400,
      invalid_dpop_proof: 400,
      use_dpop_nonce: 400,
      temporarily_unavailable: 503,
      server_error: 500
    })
  })
})
