import { describe, expect, it } from 'vitest'
import { keySetUriObjection } from '../../src/clients/key-set-uri.ts'
import { isPublicAddress } from '../../src/clients/public-address.ts'

describe('R29 where the keys of clients are fetched from', () => {
  it.each(['93.184.215.14', '1.1.1.1', '8.8.8.8', '172.15.0.1', '172.32.0.1', '100.128.0.1', '223.255.255.255', '2606:4700::1111', '2a00:1450:4001::1'])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  it.each([
    '127.0.0.1', '127.1.2.3', '0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '192.0.0.1', '192.0.2.1',
    '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255',
    '::1', '::', 'fe80::1', 'fc00::1', 'fd12:3456::1', 'ff02::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:8.8.8.8', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001::1', '2001:db8::1', 'fec0::1',
    'localhost', '', '127.1', '0x7f000001', '2130706433'
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it('only https, without user and fragment, is taken for a jwks_uri', () => {
    for (const uri of ['https://partner.example/jwks.json', 'https://partner.example:8443/keys?set=1', 'https://[2606:4700::1111]/jwks']) expect(keySetUriObjection(uri), uri).toBeUndefined()
    for (const uri of [
      'http://partner.example/jwks.json', 'file:///etc/passwd', 'ftp://partner.example/', 'data:application/json,{}', 'javascript:1', 'gopher://partner.example/', 'partner.example/jwks', '/jwks', '',
      'https://user@partner.example/', 'https://:secret@partner.example/', 'https://partner.example/#x', 'https://', `https://partner.example/${'x'.repeat(2_048)}`
    ]) expect(keySetUriObjection(uri), uri).toBeTypeOf('string')
  })
})
