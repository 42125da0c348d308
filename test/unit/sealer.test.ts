import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parseMasterKey, type MasterKey } from '../../src/sealing/master-key.ts'
import { createSealer, type SealedPlace } from '../../src/sealing/sealer.ts'

const hex = 'a'.repeat(64)
const masterKey = parseMasterKey(hex, 'test')
const sealer = createSealer(masterKey)
const place: SealedPlace = { purpose: 'signing-key', row: 'kid-1', qualifier: 'live RS256' }
const plaintext = Buffer.from('what nobody may read')

describe('sealing under the master key', () => {
  it('opens what it sealed, and only that', () => {
    expect(sealer.open(place, sealer.seal(place, plaintext))).toEqual(plaintext)
    expect(sealer.open(place, sealer.seal(place, Buffer.alloc(0)))).toEqual(Buffer.alloc(0))
  })

  it('never seals twice to the same envelope, and shows nothing of the plaintext or the key', () => {
    const envelopes = new Set(Array.from({ length: 100 }, () => sealer.seal(place, plaintext)))
    expect(envelopes.size).toBe(100)
    for (const envelope of envelopes) {
      expect(envelope).toMatch(/^v1\.[\w-]{12}\.[\w-]{16}\.[\w-]+$/)
      expect(Buffer.from(envelope.split('.')[3] ?? '', 'base64url').includes(plaintext)).toBe(false)
      expect(envelope).not.toContain(masterKey.bytes.toString('base64url').slice(0, 12))
    }
  })

  it.each([
    ['another purpose', { purpose: 'secret-tag-key' }], ['another row', { row: 'kid-2' }], ['another qualifier', { qualifier: 'test RS256' }],
    ['the same texts, divided otherwise', { row: 'kid-1"', qualifier: '"live RS256' }]
  ])('opens in its own place only, not in one of %s', (_, change) => {
    expect(() => sealer.open({ ...place, ...change }, sealer.seal(place, plaintext))).toThrow('altered or damaged')
  })

  it('refuses an envelope with any one bit changed, in nonce, ciphertext or tag', () => {
    const [version, keyId, nonce = '', sealed = ''] = sealer.seal(place, plaintext).split('.')
    for (const [index, part] of [nonce, sealed].entries()) {
      const bytes = Buffer.from(part, 'base64url')
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const changed = Buffer.from(bytes)
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        const parts = [version, keyId, nonce, sealed].with(2 + index, changed.toString('base64url'))
        expect(() => sealer.open(place, parts.join('.')), `part ${index} bit ${bit}`).toThrow('altered or damaged')
      }
    }
  })

  it('refuses an envelope that is cut, extended or no envelope', () => {
    const envelope = sealer.seal(place, plaintext)
    const [version, keyId, nonce = '', sealed = ''] = envelope.split('.')
    const wrong = [
      '', 'x', '....', `v2.${keyId}.${nonce}.${sealed}`, `${version}.${keyId}.${nonce}`, `${version}.${keyId}.${nonce}.`, `${version}.${keyId}..${sealed}`, `${envelope}.x`,
      `${version}.${keyId}.${nonce}.${sealed.slice(0, -4)}`, `${version}.${keyId}.${nonce}.${sealed.slice(0, 10)}`, `${version}.${keyId}.${nonce.slice(0, 8)}.${sealed}`, `${version}.${keyId}.${nonce}.${sealed}AAAA`
    ]
    for (const text of wrong) expect(() => sealer.open(place, text), text).toThrow('altered or damaged')
  })

  it('says when the master key is another one, and names both without showing them', () => {
    const other = createSealer(parseMasterKey('b'.repeat(64), 'test'))
    expect(() => other.open(place, sealer.seal(place, plaintext))).toThrow(/master key is not the one of this database/)
    expect(parseMasterKey('b'.repeat(64), 'test').id).not.toBe(masterKey.id)
  })

  it('is not fooled by an envelope that only bears our key\'s name', () => {
    const impostor: MasterKey = { id: masterKey.id, bytes: randomBytes(32) }
    expect(() => sealer.open(place, createSealer(impostor).seal(place, plaintext))).toThrow('altered or damaged')
  })
})

describe('the master key', () => {
  it('is 32 bytes as hex or base64url, surrounding space aside', () => {
    const bytes = Buffer.from(hex, 'hex')
    for (const text of [hex, hex.toUpperCase(), `${hex}\n`, bytes.toString('base64url'), `${bytes.toString('base64url')}=`, ` ${hex} `]) expect(parseMasterKey(text, 'test').bytes).toEqual(bytes)
  })

  it.each(['', 'password', 'a'.repeat(63), 'a'.repeat(65), 'g'.repeat(64), '-'.repeat(42), `${'-'.repeat(43)}==`, `${'+'.repeat(43)}=`, 'ä'.repeat(43)])('is never %j', (text) => {
    expect(() => parseMasterKey(text, 'MASTER_KEY')).toThrow(/^MASTER_KEY holds no master key/)
  })

  it('is not quoted by the refusal', () => {
    const almost = `${'c'.repeat(60)}zz`
    expect(() => parseMasterKey(almost, 'MASTER_KEY')).toThrow(expect.not.objectContaining({ message: expect.stringContaining(almost) as string })) // the matcher is untyped
  })

  it('has an id that follows from it and says nothing about it', () => {
    expect(parseMasterKey(hex, 'a').id).toBe(parseMasterKey(hex, 'b').id)
    expect(masterKey.bytes.toString('base64url')).not.toContain(masterKey.id)
  })
})
