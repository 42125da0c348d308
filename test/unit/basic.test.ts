import { describe, expect, it } from 'vitest'
import { parseBasicCredentials } from '../../src/oauth/basic.ts'

function encode (text: string | Buffer): string {
  return Buffer.from(text).toString('base64')
}

describe('RFC 7617 and RFC 6749 §2.3.1 Basic credentials', () => {
  it('form-decodes id and secret, each on its own', () => {
    expect(parseBasicCredentials(encode('id:secret'))).toEqual({ clientId: 'id', clientSecret: 'secret' })
    expect(parseBasicCredentials(encode('i%3Ad:s%3Aecret'))).toEqual({ clientId: 'i:d', clientSecret: 's:ecret' })
    expect(parseBasicCredentials(encode('id:a+b%2Bc%25'))).toEqual({ clientId: 'id', clientSecret: 'a b+c%' })
    expect(parseBasicCredentials(encode('ïd:sécrèt€'))).toEqual({ clientId: 'ïd', clientSecret: 'sécrèt€' })
  })

  it('splits at the first colon: a raw colon belongs to the secret', () => {
    expect(parseBasicCredentials(encode('id:a:b:c'))).toEqual({ clientId: 'id', clientSecret: 'a:b:c' })
  })

  it('keeps a byte order mark: it is part of the id', () => {
    expect(parseBasicCredentials(encode('\ufeffid:s'))?.clientId).toBe('\ufeffid')
  })

  const malformed = ['', '=', '====', '!', 'a b', 'a-_', encode('nocolon'), encode(':'), encode(':s'), encode('id:'), encode('id:%'), encode('%zz:s'), encode('id:%ff'), encode(Buffer.from([0x61, 0x3a, 0xff])), `${encode('id:s')}\n`]
  it.each(malformed)('refuses %j', (credentials) => {
    expect(parseBasicCredentials(credentials)).toBeUndefined()
  })
})
