import { describe, expect, it } from 'vitest'
import { maxParameters, parameter, parseForm } from '../../src/http/form.ts'

const none: ReadonlySet<string> = new Set()

function parse (text: string | Buffer, repeatable = none): Record<string, readonly string[]> {
  return Object.fromEntries(parseForm(Buffer.from(text), repeatable))
}

describe('application/x-www-form-urlencoded, read strictly', () => {
  it('decodes plus and percent-encoding in names and values', () => {
    expect(parse('a+b=c+d&%C3%BC=%e2%82%ac')).toEqual({ 'a b': ['c d'], ü: ['€'] })
  })

  it('splits at the first equals sign only', () => {
    expect(parse('a=b=c&d==')).toEqual({ a: ['b=c'], d: ['='] })
  })

  it('counts empty values, and names without a value, as absent', () => {
    expect(parse('a=&b&c=1&&')).toEqual({ c: ['1'] })
    expect(parse('')).toEqual({})
  })

  it('refuses any name twice, and a name whose first value was empty', () => {
    expect(() => parse('a=1&a=2')).toThrow('a is there twice')
    expect(() => parse('a=&a=2')).toThrow('a is there twice')
    expect(() => parse('a&a')).toThrow('a is there twice')
    expect(() => parse('a=1&%61=2')).toThrow('a is there twice')
  })

  it('lets a repeatable name repeat, in order', () => {
    expect(parse('r=1&r=&r=2', new Set(['r']))).toEqual({ r: ['1', '2'] })
  })

  it('takes names of Object.prototype for names', () => {
    const form = parseForm(Buffer.from('__proto__=1&constructor=2&toString=3'), none)
    expect([...form.keys()]).toEqual(['__proto__', 'constructor', 'toString'])
    expect(parameter(form, 'constructor')).toBe('2')
    expect(parameter(form, 'hasOwnProperty')).toBeUndefined()
  })

  it.each(['%', 'a=%', 'a=%1', 'a=%zz', 'a=%c0%af', 'a=%ed%a0%80', 'a=%f5%80%80%80', 'a=%ff', '%=1'])('refuses %j: it is not well-formed', (text) => {
    expect(() => parse(text)).toThrow('not well-formed')
  })

  it('refuses octets that are not UTF-8', () => {
    for (const octets of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) expect(() => parse(Buffer.from([0x61, 0x3d, ...octets]))).toThrow('not UTF-8')
  })

  it('refuses every control character, raw and encoded', () => {
    for (let code = 0; code < 0x80; code += 1) {
      const isControl = code < 0x20 || code === 0x7f
      const encoded = `a=x%${code.toString(16).padStart(2, '0')}`
      if (isControl) expect(() => parse(encoded), String(code)).toThrow('control character')
      else expect(() => parse(encoded), String(code)).not.toThrow()
    }
    expect(() => parse('a=\u0001')).toThrow('control character')
    expect(() => parse('\n=a')).toThrow('control character')
  })

  it('refuses more parameters than the limit, empty ones counted', () => {
    expect(Object.keys(parse(Array.from({ length: maxParameters }, (_, index) => `p${index}=1`).join('&')))).toHaveLength(maxParameters)
    expect(() => parse('&'.repeat(maxParameters))).toThrow('at most 64')
  })
})
