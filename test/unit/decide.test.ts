import { describe, expect, it } from 'vitest'
import { decide, type Decision, type Wish } from '../../src/token/decide.ts'
import { clientWith, directoryOf, resourceWith } from './model.ts'

const api = resourceWith('https://api.example', { 'api:read': true, 'api:write': false })
const shop = resourceWith('https://shop.example', { 'shop:read': true, 'shop:write': false })
const maps = resourceWith('https://maps.example', { 'maps:read': true, 'maps:write': false }, null, true)
const news = resourceWith('https://news.example', { 'news:read': true }, null, true)
const closed = resourceWith('https://closed.example', { 'closed:read': true }, new Date())
const many = Array.from({ length: 17 }, (_, index) => resourceWith(`https://${index}.example`, { [`read:${index}`]: true }, null, true))
const resources = directoryOf([api, shop, closed, maps, news, ...many])

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

  it('grants scopes of several resources where each allows it and is named (row 14)', () => {
    const both = ['https://maps.example', 'https://news.example']
    expect(ask(['maps:write', 'news:read'], { scope: 'news:read maps:write', resources: both })).toEqual({ scopes: ['news:read', 'maps:write'], resources: [news, maps] })
    expect(ask(['maps:read', 'maps:write', 'news:read'], { resources: both })).toEqual({ scopes: ['maps:read', 'news:read'], resources: [maps, news] })
  })

  it('is for those alone whose scopes are granted, though more are named', () => {
    expect(ask(['maps:read', 'api:read', 'news:read'], { scope: 'maps:read', resources: ['https://maps.example', 'https://api.example', 'https://news.example'] })).toEqual({ scopes: ['maps:read'], resources: [maps] })
  })

  it('says how several resources are asked for only where that would be granted', () => {
    expect(() => ask(['maps:read', 'news:read'], { scope: 'maps:read news:read' })).toThrow('or name each of the resources in resource')
    expect(() => ask(['maps:read', 'api:read'], { scope: 'maps:read api:read' })).toThrow(/one resource at a time\.$/)
  })

  const refusals: [string, readonly string[], Partial<Wish>, string][] = [
    ['a scope that is not granted', ['api:read'], { scope: 'api:write' }, 'invalid_scope'],
    ['a scope that does not exist, though the client has it', ['gone:read'], { scope: 'gone:read' }, 'invalid_scope'],
    ['a granted scope beside one that is not', ['api:read'], { scope: 'api:read api:write' }, 'invalid_scope'],
    ['a scope of a disabled resource', ['closed:read'], { scope: 'closed:read' }, 'invalid_scope'],
    ['scopes of two resources', ['api:read', 'shop:read'], { scope: 'api:read shop:read' }, 'invalid_scope'],
    ['scopes of two resources, both of them named', ['api:read', 'shop:read'], { scope: 'api:read shop:read', resources: ['https://api.example', 'https://shop.example'] }, 'invalid_scope'],
    ['scopes of two resources that allow it, none of them named', ['maps:read', 'news:read'], { scope: 'maps:read news:read' }, 'invalid_scope'],
    ['scopes of two resources that allow it, one of them named', ['maps:read', 'news:read'], { scope: 'maps:read news:read', resources: ['https://maps.example'] }, 'invalid_scope'],
    ['scopes of two named resources of which one allows it', ['maps:read', 'api:read'], { scope: 'maps:read api:read', resources: ['https://maps.example', 'https://api.example'] }, 'invalid_scope'],
    ['scopes of three named resources of which two allow it', ['maps:read', 'news:read', 'api:read'], { scope: 'maps:read news:read api:read', resources: ['https://maps.example', 'https://news.example', 'https://api.example'] }, 'invalid_scope'],
    ['default scopes of two resources that allow it, none of them named', ['maps:read', 'news:read'], {}, 'invalid_scope'],
    ['scopes of more resources than a token may be for', many.map((_, index) => `read:${index}`), { scope: many.map((_, index) => `read:${index}`).join(' '), resources: many.map(({ identifier }) => identifier) }, 'invalid_target'],
    ['default scopes of two resources', ['api:read', 'shop:read'], {}, 'invalid_scope'],
    ['nothing, without default scopes', ['api:write'], {}, 'invalid_scope'],
    ['nothing, with nothing granted', [], {}, 'invalid_scope'],
    ['nothing, with default scopes of another resource than the one named', ['api:read'], { resources: ['https://shop.example'] }, 'invalid_target'],
    ['a resource that the client has no scopes of (S51), beside one that it has', ['api:read'], { scope: 'api:read', resources: ['https://api.example', 'https://shop.example'] }, 'invalid_target'],
    ['nothing, with scopes of the resource named of which none is a default one', ['api:write'], { resources: ['https://api.example'] }, 'invalid_scope'],
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
