import { createPublicKey, generateKeyPairSync, randomBytes, type JsonWebKey } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import { describe, expect, it } from 'vitest'
import { hasInfineonFlaw } from '../../src/oauth/infineon-flaw.ts'
import { readPublicJwk } from '../../src/oauth/public-jwk.ts'

const jwkOf = (pair: { publicKey: { export: (options: { format: 'jwk' }) => JsonWebKey } }): JsonWebKey => pair.publicKey.export({ format: 'jwk' })
const rsa = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }))
const ec = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
const ed = jwkOf(generateKeyPairSync('ed25519'))

function base64url (integer: bigint): string {
  const hex = integer.toString(16)
  return Buffer.from(hex.padStart(hex.length + hex.length % 2, '0'), 'hex').toString('base64url')
}

function refusal (value: unknown): string | undefined {
  const read = readPublicJwk(value)
  return 'refused' in read ? read.refused : undefined
}

describe('RFC 7517 §4 public keys that clients bring', () => {
  it.each([['RS256', rsa], ['PS256', rsa], ['ES256', ec], ['EdDSA', ed]] as const)('takes a key for %s, and keeps nothing but what makes it', (alg, jwk) => {
    const read = readPublicJwk({ ...jwk, alg, kid: 'k1', use: 'sig', key_ops: ['verify'], x5c: ['x'], note: 'mine' })
    if ('refused' in read) throw new Error(read.refused)
    expect(read).toMatchObject({ kid: 'k1', algorithm: alg, jwk: { ...jwk, kid: 'k1', alg } })
    expect(Object.keys(read.jwk).sort()).toEqual([...Object.keys(jwk), 'kid', 'alg'].sort())
    expect(read.key.export({ format: 'jwk' })).toEqual(jwk)
  })

  it.each([['RS256', rsa], ['ES256', ec], ['EdDSA', ed]] as const)('gives a key without alg and kid the algorithm %s and its RFC 7638 thumbprint', async (algorithm, jwk) => {
    expect(readPublicJwk(jwk)).toMatchObject({ algorithm, kid: await calculateJwkThumbprint(jwk) })
  })

  it('takes Ed25519 for another name of EdDSA', () => {
    expect(readPublicJwk({ ...ed, alg: 'Ed25519' })).toMatchObject({ algorithm: 'EdDSA', jwk: { alg: 'EdDSA' } })
  })

  it('takes RSA of 2048 to 4096 bits', () => {
    // Whether a modulus has two prime factors nobody but its maker knows.
    const ofBits = (bits: bigint): JsonWebKey => ({ ...rsa, n: base64url(2n ** (bits - 1n) + BigInt(`0x${randomBytes(64).toString('hex')}`) * 2n + 1n) })
    for (const bits of [2_048n, 2_050n, 3_072n, 4_096n]) expect(refusal(ofBits(bits)), String(bits)).toBeUndefined()
    for (const bits of [1_024n, 2_040n, 2_047n, 4_097n]) expect(refusal(ofBits(bits)), String(bits)).toMatch(/modulus has/)
  })

  it('refuses private and symmetric keys', () => {
    for (const { privateKey } of [generateKeyPairSync('rsa', { modulusLength: 2048 }), generateKeyPairSync('ec', { namedCurve: 'P-256' }), generateKeyPairSync('ed25519')]) {
      expect(refusal(privateKey.export({ format: 'jwk' }))).toMatch(/private member/)
    }
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']) expect(refusal({ ...rsa, [member]: '' }), member).toMatch(/private member/)
    expect(refusal({ kty: 'oct', k: 'AAAA' })).toMatch(/private member/)
    expect(refusal({ kty: 'oct' })).toMatch(/kty/)
  })

  it('refuses an exponent below 65537, an even one and a huge one', () => {
    for (const e of [0n, 1n, 3n, 17n, 257n, 65_536n, 65_538n, 2n ** 32n + 1n, 2n ** 64n + 13n, 2n ** 1024n + 1n]) {
      expect(refusal({ ...rsa, e: base64url(e) }), String(e)).toMatch(/exponent/)
    }
    expect(refusal({ ...rsa, e: base64url(65_539n) })).toBeUndefined()
  })

  it('refuses an even modulus, and one of the form of CVE-2017-15361', () => {
    const modulus = Buffer.from(String(rsa.n), 'base64url')
    modulus.writeUInt8(modulus.readUInt8(255) & 0xfe, 255)
    expect(refusal({ ...rsa, n: modulus.toString('base64url') })).toMatch(/even/)
    // k * M + 65537^a mod M is what the flawed library took for its primes; the product of two has the form too.
    const primorial = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n, 43n, 47n, 53n, 59n, 61n, 67n, 71n, 73n, 79n, 83n, 89n, 97n, 101n, 103n, 107n, 109n, 113n, 127n, 131n, 137n, 139n, 149n, 151n, 157n, 163n, 167n].reduce((one, two) => one * two)
    let power = 1n
    for (let step = 0; step < 1_234; step++) power = power * 65_537n % primorial
    const flawed = (2n ** 2047n / primorial + 1n) * primorial + power
    expect(hasInfineonFlaw(flawed)).toBe(true)
    const odd = flawed % 2n === 1n ? flawed : flawed + primorial
    expect(refusal({ ...rsa, n: base64url(odd) })).toMatch(/CVE-2017-15361/)
  })

  it('refuses another use, key_ops or alg than verifying with its own kind', () => {
    for (const more of [
      { use: 'enc' }, { use: 'SIG' }, { use: 1 }, { key_ops: ['sign'] }, { key_ops: ['verify', 'sign'] }, { key_ops: ['verify', 'verify'] }, { key_ops: [] }, { key_ops: 'verify' },
      { alg: 'ES256' }, { alg: 'HS256' }, { alg: 'none' }, { alg: 'RS512' }, { alg: 'RSA-OAEP' }, { alg: 1 }, { kid: '' }, { kid: 1 }, { kid: 'a b' }, { kid: 'x'.repeat(129) }, { kid: 'a\u0000' }
    ]) expect(refusal({ ...rsa, ...more }), JSON.stringify(more)).toMatch(/is not acceptable/)
    expect(refusal({ ...ec, alg: 'RS256' })).toMatch(/alg/)
    expect(refusal({ ...ed, alg: 'ES256' })).toMatch(/alg/)
  })

  it('refuses other curves, points that are on none, and what is no key at all', () => {
    for (const namedCurve of ['P-384', 'P-521', 'secp256k1']) expect(refusal(jwkOf(generateKeyPairSync('ec', { namedCurve }))), namedCurve).toMatch(/crv|is not acceptable/)
    expect(refusal(jwkOf(generateKeyPairSync('ed448')))).toMatch(/is not acceptable/)
    expect(refusal({ ...ec, x: ec.y, y: ec.x })).toMatch(/no key/)
    for (const value of [null, undefined, 1, 'x', [], [ec], {}, { kty: 'RSA' }, { kty: 'EC', crv: 'P-256' }, { ...rsa, n: 'not base64url!' }, { ...rsa, n: 1 }, { ...ec, x: '' }, { kty: '__proto__' }]) {
      expect(refusal(value), JSON.stringify(value)).toBeTypeOf('string')
    }
  })

  it('gives a key that node:crypto takes', () => {
    const read = readPublicJwk(ec)
    if ('refused' in read) throw new Error(read.refused)
    expect(createPublicKey({ key: read.jwk, format: 'jwk' }).equals(read.key)).toBe(true)
  })
})
