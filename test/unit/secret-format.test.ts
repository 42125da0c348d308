import { describe, expect, it } from 'vitest'
import { createSecretFormat, lengthPrefixed, parseTaggedSecret } from '../../src/clients/secret-format.ts'

const format = createSecretFormat(Buffer.alloc(32, 1))
const client = 'cl_live_aaaaaaaaaaaaaaaaaaaa'

function isGenuine (secret: string, clientId = client, judge = format): boolean {
  const tagged = parseTaggedSecret(secret)
  return tagged !== undefined && judge.isGenuine(tagged, clientId)
}

describe('the form of generated secrets', () => {
  it('is sgs_<environment>_<secret id>_<256 random bits>_<tag> in letters, digits and underscores', () => {
    for (const environment of ['live', 'test'] as const) {
      const { id, secret } = format.generate(client, environment)
      expect(secret).toMatch(new RegExp(`^sgs_${environment}_${id}_[A-Za-z0-9]{43}_[A-Za-z0-9]{22}$`))
      expect(id).toMatch(/^[a-z0-9]{16}$/)
      expect(encodeURIComponent(secret)).toBe(secret)
    }
  })

  it('carries 256 random bits that never come twice', () => {
    const parts = new Set(Array.from({ length: 2_000 }, () => format.generate(client, 'live').secret.split('_')[3]))
    expect(parts.size).toBe(2_000)
    expect(62 ** 43).toBeGreaterThanOrEqual(2 ** 256)
  })

  it('is genuine for the client and the server that it was made for, and for no other', () => {
    const { secret } = format.generate(client, 'live')
    expect(isGenuine(secret)).toBe(true)
    expect(isGenuine(secret, 'cl_live_aaaaaaaaaaaaaaaaaaab')).toBe(false)
    expect(isGenuine(secret, client.toUpperCase())).toBe(false)
    expect(isGenuine(secret, client, createSecretFormat(Buffer.alloc(32, 2)))).toBe(false)
  })

  it('is not genuine with any one character changed', () => {
    const { secret } = format.generate(client, 'live')
    for (let position = 0; position < secret.length; position += 1) {
      for (const character of ['a', 'B', '0', '_', '-']) {
        if (secret[position] === character) continue
        expect(isGenuine(secret.slice(0, position) + character + secret.slice(position + 1)), `${position} ${character}`).toBe(false)
      }
    }
    expect(isGenuine(secret.replace('sgs_live', 'sgs_test'))).toBe(false)
  })

  it('is one form only: nothing before it, after it, longer, shorter, or in other characters', () => {
    const { secret } = format.generate(client, 'live')
    for (const text of ['', 'x', ` ${secret}`, `${secret}\n`, `${secret}x`, secret.slice(0, -1), secret.toUpperCase(), secret.replace('sgs_', ''), secret.replace('_', '-'), `${secret} ${secret}`]) {
      expect(parseTaggedSecret(text), text).toBeUndefined()
    }
  })
})

describe('length-prefixed input of a MAC', () => {
  it('is another one for every other division of the same characters', () => {
    const inputs = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['', 'abc'], ['a', 'b', 'c'], ['\u0000\u0000\u0000\u0001a']].map((texts) => lengthPrefixed(...texts).toString('hex'))
    expect(new Set(inputs).size).toBe(inputs.length)
  })

  it('counts octets, not characters', () => {
    expect(lengthPrefixed('ü').toString('hex')).toBe('00000002c3bc')
  })
})
