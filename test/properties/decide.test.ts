import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lifetimeSeconds } from '../../src/access-tokens/mint.ts'
import { OAuthError } from '../../src/oauth/errors.ts'
import type { Resource } from '../../src/resources/resource.ts'
import { decide, type Decision, type Wish } from '../../src/token/decide.ts'
import { clientWith, directoryOf, resourceWith } from '../unit/model.ts'

const identifiers = ['https://a.example', 'https://b.example', 'urn:example:c'] as const

/** A world: resources with scopes of their own, some disabled; a client with scopes, some of which exist nowhere. */
const world = fc.record({
  resources: fc.tuple(...identifiers.map((identifier) => fc.record({
    defaults: fc.array(fc.boolean(), { maxLength: 5 }),
    disabled: fc.constantFrom(false, false, false, true),
    allowsMixing: fc.boolean(),
    accessTokenTtlSeconds: fc.option(fc.integer({ min: 60, max: 2_592_000 }))
  }).map(({ defaults, disabled, allowsMixing, accessTokenTtlSeconds }) => ({
    ...resourceWith(identifier, Object.fromEntries(defaults.map((isDefault, index) => [`${identifier}/${index}`, isDefault])), disabled ? new Date(0) : null, allowsMixing), accessTokenTtlSeconds
  }))))
})
const scopeOf = (identifier: string): fc.Arbitrary<string> => fc.nat(4).map((index) => `${identifier}/${index}`)
const scopeName = fc.constantFrom(...identifiers, 'nowhere').chain(scopeOf)
const request = fc.record({
  granted: fc.uniqueArray(scopeName, { maxLength: 15 }),
  wish: fc.record({
    scope: fc.oneof(
      fc.constant(undefined),
      fc.constantFrom(...identifiers).chain((identifier) => fc.uniqueArray(scopeOf(identifier), { minLength: 1, maxLength: 2 })).map((names) => names.join(' ')),
      fc.uniqueArray(scopeName, { maxLength: 4 }).map((names) => names.join(' ')),
      fc.uniqueArray(fc.constantFrom(...identifiers).chain(scopeOf), { minLength: 2, maxLength: 3 }).map((names) => names.join(' '))
    ),
    resources: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: fc.array(fc.constantFrom<string>(...identifiers), { minLength: 1, maxLength: 2 }) },
      { weight: 2, arbitrary: fc.constant(identifiers) },
      { weight: 1, arbitrary: fc.array(fc.constantFrom<string>(...identifiers, 'https://unknown.example', 'relative', 'https://a.example#fragment'), { maxLength: 3 }) }
    )
  })
})

/** Of a client that has every scope and names several resources. */
const mixingRequest = fc.record({
  granted: fc.constant(identifiers.flatMap((identifier) => [0, 1, 2, 3, 4].map((index) => `${identifier}/${index}`))),
  wish: fc.record({
    scope: fc.oneof(fc.constant(undefined), fc.uniqueArray(fc.constantFrom(...identifiers).map((identifier) => `${identifier}/0`), { minLength: 2, maxLength: 3 }).map((names) => names.join(' '))),
    resources: fc.constantFrom(identifiers, identifiers.slice(0, 2))
  })
})

const byIdentifier = (one: Resource, other: Resource): number => one.identifier < other.identifier ? -1 : 1

function outcome (granted: readonly string[], wish: Wish, resources: readonly Resource[]): Decision | 'refused' {
  try {
    return decide(clientWith(granted), wish, directoryOf(resources))
  } catch (error) {
    if (error instanceof OAuthError && (error.code === 'invalid_scope' || error.code === 'invalid_target')) return 'refused'
    throw error
  }
}

function assertFor (check: (granted: readonly string[], wish: Wish, resources: readonly Resource[], decision: Decision) => void, requests: fc.Arbitrary<{ granted: string[], wish: Wish }> = request): void {
  let granting = 0
  fc.assert(fc.property(world, requests, ({ resources }, { granted, wish }) => {
    const decision = outcome(granted, wish, resources)
    if (decision === 'refused') return
    granting += 1
    check(granted, wish, resources, decision)
  }), { numRuns: 2_000 })
  expect(granting, 'requests that were granted: the property is not empty').toBeGreaterThan(50)
}

describe('decide, for every client, every request and all resources', () => {
  it('never grants more than client and resource both allow', () => {
    assertFor((granted, _wish, resources, decision) => {
      for (const { disabledAt } of decision.resources) expect(disabledAt).toBeNull()
      const defined = resources.filter((resource) => decision.resources.includes(resource)).flatMap((resource) => resource.scopes).map(({ name }) => name)
      for (const scope of decision.scopes) {
        expect(granted).toContain(scope)
        expect(defined).toContain(scope)
      }
    })
  })

  it('is for exactly the resources that define what it grants, each once', () => {
    assertFor((_granted, _wish, resources, decision) => {
      const owners = resources.filter((resource) => resource.scopes.some(({ name }) => decision.scopes.includes(name)))
      expect([...decision.resources].sort(byIdentifier)).toEqual(owners.sort(byIdentifier))
    })
  })

  it('row 14: is for several resources only where each of them allows it and is named', () => {
    let mixed = 0
    assertFor((_granted, wish, _resources, decision) => {
      if (decision.resources.length < 2) return
      mixed += 1
      for (const { allowsMixing, identifier } of decision.resources) {
        expect(allowsMixing).toBe(true)
        expect(wish.resources).toContain(identifier)
      }
    }, mixingRequest)
    expect(mixed, 'tokens for several resources: the property is not empty').toBeGreaterThan(20)
  })

  it('gives a token for several resources the shortest of their lifetimes', () => {
    assertFor((granted, _wish, _resources, decision) => {
      const seconds = lifetimeSeconds(clientWith(granted), decision.resources)
      for (const { accessTokenTtlSeconds } of decision.resources) expect(seconds).toBeLessThanOrEqual(accessTokenTtlSeconds ?? Infinity)
    }, mixingRequest)
  })

  it('never grants a token without a scope, nor a scope twice', () => {
    assertFor((_granted, _wish, _resources, { scopes }) => {
      expect(scopes.length).toBeGreaterThan(0)
      expect(new Set(scopes).size).toBe(scopes.length)
    })
  })

  it('grants exactly what was asked for, or the default scopes: nothing is dropped, nothing added', () => {
    assertFor((granted, wish, resources, { scopes }) => {
      if (wish.scope !== undefined) {
        expect(scopes.join(' ')).toEqual(wish.scope)
        return
      }
      const defaults = resources.flatMap((resource) => resource.scopes).filter(({ isDefault }) => isDefault).map(({ name }) => name)
      for (const scope of scopes) expect(defaults).toContain(scope)
      const usable = resources.filter(({ disabledAt, identifier }) => disabledAt === null && (wish.resources.length === 0 || wish.resources.includes(identifier)))
      const expected = usable.flatMap((resource) => resource.scopes).filter(({ isDefault, name }) => isDefault && granted.includes(name)).map(({ name }) => name)
      expect([...scopes].sort()).toEqual(expected.sort())
    })
  })

  it('grants for a resource that was named, wherever one was', () => {
    assertFor((_granted, wish, _resources, decision) => {
      if (wish.resources.length > 0) for (const { identifier } of decision.resources) expect(wish.resources).toContain(identifier)
    })
  })

  it('RFC 8693: what is derived from another token is for no resource but those allowed, and has no more of the same resource than that token', () => {
    const bounds = fc.record({
      ownResource: fc.constantFrom(...identifiers).map((identifier) => `res ${identifier}`),
      otherResources: fc.oneof({ weight: 2, arbitrary: fc.constant([...identifiers]) }, { weight: 1, arbitrary: fc.subarray([...identifiers]) }).map((others) => others.map((identifier) => `res ${identifier}`)),
      audiences: fc.subarray([...identifiers], { minLength: 1, maxLength: 2 }),
      scopes: fc.oneof(fc.uniqueArray(scopeName, { maxLength: 18 }), fc.constant(identifiers.flatMap((identifier) => [0, 1, 2].map((index) => `${identifier}/${index}`))))
    })
    const derived = fc.tuple(fc.oneof(request, mixingRequest), bounds, fc.oneof(fc.constant([]), fc.subarray([...identifiers])))
      .map(([{ granted, wish }, bound, audiences]) => ({ granted, wish: { ...wish, audiences, bounds: bound } }))
    assertFor((_granted, { audiences = [], resources: named, bounds: bound }, _resources, decision) => {
      if (bound === undefined) throw new Error('a wish without bounds')
      for (const { id, identifier } of decision.resources) {
        expect([bound.ownResource, ...bound.otherResources]).toContain(id)
        if (named.length + audiences.length > 0) expect([...named, ...audiences]).toContain(identifier)
      }
      for (const scope of decision.scopes) {
        const isOfOther = bound.audiences.some((identifier) => scope.startsWith(`${identifier}/`))
        if (isOfOther) expect(bound.scopes).toContain(scope)
      }
    }, derived)
  })

  it('refuses with invalid_target or invalid_scope, and throws nothing else', () => {
    fc.assert(fc.property(world, request, fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { maxLength: 3 }), ({ resources }, { granted, wish }, texts) => {
      outcome(granted, { scope: texts.join(' '), resources: wish.resources }, resources)
      outcome(granted, { scope: wish.scope, resources: texts }, resources)
    }), { numRuns: 1_000 })
  })
})
