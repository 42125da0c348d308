import { inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bitAt, setBits } from '../../src/status-lists/bits.ts'
import { indexesPerList, readStatusListUri, statusListUri } from '../../src/status-lists/status-list.ts'

/** The 1-bit test vector of the draft, with 2^20 entries. */
const vector = [0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345]
const vectorBits = 'eNrt3AENwCAMAEGogklACtKQPg9LugC9k_ACvreiogEAAKkeCQAAAAAAAAAAAAAAAAAAAIBylgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAXG9IAAAAAAAAAPwsJAAAAAAAAAAAAAAAvhsSAAAAAAAAAAAA7KpLAAAAAAAAAAAAAAAAAAAAAJsLCQAAAAAAAAAAADjelAAAAAAAAAAAKjDMAQAAAACAZC8L2AEb'

describe('Token Status List §4.1 bits', () => {
  it('S52 are those of the draft\'s test vector', () => {
    const bytes = new Uint8Array(indexesPerList / 8)
    for (const index of vector) setBits(bytes, index, index)
    expect(Buffer.from(bytes).equals(inflateSync(Buffer.from(vectorBits, 'base64url')))).toBe(true)
  })

  it('are those of the draft\'s first example, byte by byte', () => {
    const bytes = new Uint8Array(2)
    for (const [first, last] of [[0, 0], [3, 5], [7, 9], [13, 13], [15, 15]] as const) setBits(bytes, first, last)
    expect([...bytes]).toEqual([0xb9, 0xa3])
  })

  it('of any ranges are set, and no others', () => {
    const size = 256
    const range = fc.tuple(fc.nat(size - 1), fc.nat(size - 1)).map(([one, other]) => [Math.min(one, other), Math.max(one, other)] as const)
    fc.assert(fc.property(fc.array(range, { maxLength: 6 }), (ranges) => {
      const bytes = new Uint8Array(size / 8)
      for (const [first, last] of ranges) setBits(bytes, first, last)
      for (let index = 0; index < size; index += 1) expect(bitAt(bytes, index)).toBe(ranges.some(([first, last]) => first <= index && index <= last))
    }))
  })
})

it('the address of a list is read back only below its own issuer', () => {
  const id = '0123456789abcdefABCDEF'
  const uri = statusListUri('https://issuer.example', 'test', id)
  expect(uri).toBe(`https://issuer.example/test/oauth/v2/status-lists/${id}`)
  expect(readStatusListUri(uri, 'https://issuer.example', 'test')).toBe(id)
  expect(readStatusListUri(uri, 'https://issuer.example', 'live')).toBeUndefined()
  for (const other of [`${uri}/`, uri.slice(0, -1), uri.replace('issuer', 'other'), '']) expect(readStatusListUri(other, 'https://issuer.example', 'test')).toBeUndefined()
})
