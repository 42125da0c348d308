import { describe, expect, it } from 'vitest'
import { asksFor } from '../../src/http/accept.ts'

const type = 'application/token-introspection+jwt'

describe('RFC 9110 §12.5.1 Accept: whether a caller asks for another media type than JSON', () => {
  it.each([
    type, `${type}, application/json`, `application/json, ${type}`, `application/json;q=0.9, ${type}`, `*/*, ${type};q=0.1`, `${type};q=1.000`, `${type}; q=0.001`,
    'Application/Token-Introspection+JWT', `  ${type}  `, `text/html,${type} ;q=0.5`, `${type};charset=utf-8`, `${type};q=0, ${type};q=0.5`, `,, ${type},`
  ])('does by %s', (accept) => { expect(asksFor(type, accept)).toBe(true) })

  it.each([
    undefined, '', '*/*', 'application/*', 'application/jwt', 'application/json', `${type};q=0`, `${type};q=0.5, application/json`, `application/json;q=0.6, ${type};q=0.5`,
    `${type}x`, `x${type}`, `${type};q=2`, `${type};q=-1`, `${type};q=nonsense`, `${type};q=`, `${type};q=0.0000`, 'token-introspection+jwt', `"${type}"`, ';;;,,,', ','.repeat(10_000)
  ])('does not by %s', (accept) => { expect(asksFor(type, accept)).toBe(false) })
})
