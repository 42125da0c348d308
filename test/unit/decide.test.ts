import { describe, expect, it } from 'vitest'
import { decide, type Decision, type Wish } from '../../src/token/decide.ts'
import { clientWith, directoryOf, resourceWith } from './model.ts'

const api = resourceWith('https://api.example', { 'api:read': true, 'api:write': false })
const shop = resourceWith('https://shop.example', { 'shop:read': true, 'shop:write': false })
const closed = resourceWith('https://closed.example', { 'closed:read': true }, new Date())
const resources = directoryOf([api, shop, closed])

function ask (granted: readonly string[], wish: Partial<Wish>): Decision {
  return decide(clientWith(granted), { scope: undefined, resources: [], ...wish }, resources)
}

describe('what a client gets of what it asks for', () => {
  it('grants what was asked for, in its order, with the owner as audience', () => {
    expect(ask(['api:read', 'api:write'], { scope: 'api:write api:read' })).toEqual({ scopes: ['api:write', 'api:read'], resources: [api] })
  })

  it('grants the default scopes that the client has, when it asks for none', () => {
    expect(ask(['api:read', 'api:write'], {})).toEqual({ scopes: ['api:read'], resources: [api] })
    expect(ask(['api:read', 'shop:read'], { resources: ['https://shop.example'] })).toEqual({ scopes: ['shop:read'], resources: [shop] })
    expect(ask(['api:read', 'closed:read'], {})).toEqual({ scopes: ['api:read'], resources: [api] })
  })

  const refusals: [string, readonly string[], Partial<Wish>, string][] = [
    ['a scope that is not granted', ['api:read'], { scope: 'api:write' }, 'invalid_scope'],
    ['a scope that does not exist, though the client has it', ['gone:read'], { scope: 'gone:read' }, 'invalid_scope'],
    ['a granted scope beside one that is not', ['api:read'], { scope: 'api:read api:write' }, 'invalid_scope'],
    ['a scope of a disabled resource', ['closed:read'], { scope: 'closed:read' }, 'invalid_scope'],
    ['scopes of two resources', ['api:read', 'shop:read'], { scope: 'api:read shop:read' }, 'invalid_scope'],
    ['scopes of two resources, both of them named', ['api:read', 'shop:read'], { scope: 'api:read shop:read', resources: ['https://api.example', 'https://shop.example'] }, 'invalid_scope'],
    ['default scopes of two resources', ['api:read', 'shop:read'], {}, 'invalid_scope'],
    ['nothing, without default scopes', ['api:write'], {}, 'invalid_scope'],
    ['nothing, with nothing granted', [], {}, 'invalid_scope'],
    ['nothing, with default scopes of another resource than the one named', ['api:read'], { resources: ['https://shop.example'] }, 'invalid_scope'],
    ['an empty list of scopes', ['api:read'], { scope: '' }, 'invalid_scope'],
    ['an unknown resource', ['api:read'], { scope: 'api:read', resources: ['https://unknown.example'] }, 'invalid_target'],
    ['a disabled resource', ['closed:read'], { resources: ['https://closed.example'] }, 'invalid_target'],
    ['a resource with a fragment', ['api:read'], { resources: ['https://api.example#x'] }, 'invalid_target'],
    ['a relative resource', ['api:read'], { resources: ['/api'] }, 'invalid_target'],
    ['scopes of another resource than the one named', ['api:read'], { scope: 'api:read', resources: ['https://shop.example'] }, 'invalid_target'],
    ['an unknown resource and a malformed scope: the resource is looked at first', ['api:read'], { scope: 'api:write  ', resources: ['https://unknown.example'] }, 'invalid_target']
  ]
  it.each(refusals)('refuses %s', (_, granted, wish, code) => {
    expect(() => ask(granted, wish)).toThrow(expect.objectContaining({ code }))
  })
})
