import { describe, expect, it } from 'vitest'
import { normalizedTarget } from '../../src/dpop/target.ts'

describe('RFC 3986 §6.2 how two spellings of a URL are compared', () => {
  const wanted = 'https://auth.example.com/oauth/v2/token'
  it.each([
    wanted, 'HTTPS://AUTH.Example.COM/oauth/v2/token', 'https://auth.example.com:443/oauth/v2/token', 'https://auth.example.com:0443/oauth/v2/token', `${wanted}?x=1&y`, `${wanted}#f`, `${wanted}?#`,
    'https://auth.example.com/oauth/v2/%74oken', 'https://auth.example.com/a/../oauth/./v2/token', 'https://auth.example.com/a/%2e%2E/oauth/v2/token'
  ])('takes %s for the same', (text) => {
    expect(normalizedTarget(text)).toBe(wanted)
  })

  it.each([
    'http://auth.example.com/oauth/v2/token', 'https://auth.example.com:8443/oauth/v2/token', 'https://auth.example.com./oauth/v2/token', `${wanted}/`, 'https://auth.example.com/oauth/v2/Token', 'https://auth.example.com//oauth/v2/token', 'https://auth.example.com/oauth%2Fv2/token'
  ])('takes %s for another', (text) => {
    expect(normalizedTarget(text)).toMatch(/^https?:/)
    expect(normalizedTarget(text)).not.toBe(wanted)
  })

  it('writes percent-encoding in one way, and decodes nothing that means something', () => {
    expect(normalizedTarget('https://a.example/%7euser/%c3%a9/%2f')).toBe('https://a.example/~user/%C3%A9/%2F')
  })

  it.each([
    '', 'token', '/oauth/v2/token', '//auth.example.com/oauth/v2/token', 'https:/auth.example.com/oauth/v2/token', 'https:auth.example.com/oauth/v2/token', ` ${wanted}`, `${wanted} `, 'https://auth.example.com\\oauth\\v2\\token', 'https://auth.example.com/oauth/v2/\ttoken',
    'https://user@auth.example.com/oauth/v2/token', 'https://user:secret@auth.example.com/oauth/v2/token', 'ftp://auth.example.com/oauth/v2/token', 'javascript:alert(1)', 'https://[::g]/x', 'https://auth.example.com:99999/x', 'https://?x', 'https://'
  ])('takes %j for no URL of a request', (text) => {
    expect(normalizedTarget(text)).toBeUndefined()
  })
})
