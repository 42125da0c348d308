import { describe, expect, it } from 'vitest'
import type { Client, ClientKey, ClientSecret } from '../../src/clients/client.ts'
import { nobody } from '../../src/clients/nobody.ts'
import { recentUse, removalOfKey, removalOfSecret, type Removal, type Usages } from '../../src/credential-usage/removal.ts'
import type { UsageRow } from '../../src/credential-usage/store.ts'
import { newPair } from '../support/assertions.ts'

const minute = 60_000
const day = 1_440 * minute
const now = Date.parse('2026-12-31T12:00:00Z')
const ago = (millis: number): Date => new Date(now - millis)

const made: ClientSecret = {
  id: 'mine', imported: false, hash: '', verifier: null, sealedSecret: null, createdAt: ago(300 * day), expiresAt: null, revokedAt: null, disabledAt: null, managedBy: null
}
const key: ClientKey = { kid: 'its', algorithm: 'ES256', jwk: {}, createdAt: ago(300 * day), expiresAt: null, revokedAt: null, managedBy: null }
const unused: UsageRow = { credential: '', recordedSince: null, firstUsedAt: null, lastUsedAt: null, tokensMinted: 0 }

function usages (rows: Readonly<Record<string, Partial<UsageRow>>>): Usages {
  return new Map(Object.entries(rows).map(([credential, row]) => [credential, { ...unused, ...row, credential }]))
}

function clientWith (secret: ClientSecret, other: Partial<ClientSecret> = {}): Client {
  return { ...nobody, secrets: new Map([['mine', secret], ['other', { ...made, id: 'other', ...other }]]), keys: new Map([['its', key]]) }
}

/** @param secret in what it differs from one that was made long ago and never ends */
function judge (secret: Partial<ClientSecret>, rows: Readonly<Record<string, Partial<UsageRow>>> = {}, other: Partial<ClientSecret> = {}): Removal {
  const whole = { ...made, ...secret }
  return removalOfSecret(whole, clientWith(whole, other), usages(rows), now)
}

const safe = (because: string): Removal => ({ isSafe: true, because })
const unsafe = (because: string): Removal => ({ isSafe: false, because })

describe('a secret that was stopped is safe to remove', () => {
  it('once the last token that was got with it has expired, whatever its lifetime, and not a moment earlier', () => {
    for (const [how, secret] of [['revoked', 'revokedAt'], ['disabled', 'disabledAt'], ['expired', 'expiresAt']] as const) {
      expect(judge({ [secret]: ago(30 * day) })).toEqual(safe(`${how} 30 days ago: the last token that was got with it has expired`))
      expect(judge({ [secret]: ago(30 * day - 1) })).toEqual(unsafe(`${how} 29 days ago: tokens that were got with it may live until 2026-12-31`))
    }
    expect(judge({ expiresAt: ago(40 * day), revokedAt: ago(minute) }).because).toMatch(/^expired 40 days ago/)
  })
})

describe('a secret that can be used is safe to remove', () => {
  const otherIsUsed = { 'secret:other': { lastUsedAt: ago(minute) } }

  it('never while it is in use, whatever else its client has', () => {
    expect(judge({}, { 'secret:mine': { lastUsedAt: ago(3 * minute) }, ...otherIsUsed })).toEqual(unsafe('last used 3 minutes ago'))
    expect(judge({}, { 'secret:mine': { lastUsedAt: ago(30 * day - 1) }, ...otherIsUsed })).toEqual(unsafe('last used 29 days ago'))
    expect(judge({}, { 'secret:mine': { lastUsedAt: ago(-5 * minute) } })).toEqual(unsafe('last used less than a minute ago'))
  })

  it('when it was never used in 30 days and more, and not before: its client may be about to change over', () => {
    expect(judge({ createdAt: ago(30 * day) })).toEqual(safe('never used since it was made 30 days ago'))
    expect(judge({ createdAt: ago(3 * day) }, otherIsUsed)).toEqual(unsafe('never used since it was made 3 days ago'))
  })

  it('when it was not used for 30 days and its client uses another one that it can go on with', () => {
    const idle = { 'secret:mine': { lastUsedAt: ago(45 * day) } }
    expect(judge({}, { ...idle, ...otherIsUsed })).toEqual(safe('last used 45 days ago; the client uses another one'))
    expect(judge({}, { ...idle, 'key:its': { lastUsedAt: ago(day) } }).isSafe).toBe(true)
    const alone = unsafe('last used 45 days ago; the client uses no other one, so ask its owner')
    expect(judge({}, idle)).toEqual(alone)
    expect(judge({}, { ...idle, 'secret:other': { lastUsedAt: ago(31 * day) } })).toEqual(alone)
    expect(judge({}, { ...idle, ...otherIsUsed }, { expiresAt: ago(0) })).toEqual(alone)
    expect(judge({}, { ...idle, ...otherIsUsed }, { revokedAt: ago(0) })).toEqual(alone)
    expect(judge({}, { ...idle, jwks_uri: { lastUsedAt: ago(day) }, certificate: { lastUsedAt: ago(day) } })).toEqual(alone)
  })

  it('not for want of records: what is from before they began, or before a restore, is unknown and not unused', () => {
    expect(judge({}, { 'secret:mine': { recordedSince: ago(10 * day) }, ...otherIsUsed })).toEqual(unsafe('unknown before 2026-12-21, and not used since'))
    expect(judge({}, { 'secret:mine': { recordedSince: ago(31 * day) } })).toEqual(unsafe('unknown before 2026-11-30, and not used since; the client uses no other one, so ask its owner'))
    expect(judge({}, { 'secret:mine': { recordedSince: ago(31 * day) }, ...otherIsUsed })).toEqual(safe('unknown before 2026-11-30, and not used since; the client uses another one'))
    expect(judge({}, { 'secret:mine': { recordedSince: ago(10 * day), lastUsedAt: ago(50 * day) }, ...otherIsUsed })).toEqual(unsafe('last used 50 days ago, unknown before 2026-12-21, and not used since'))
    expect(judge({}, { 'secret:mine': { recordedSince: ago(60 * day), lastUsedAt: ago(50 * day) }, ...otherIsUsed })).toEqual(safe('last used 50 days ago; the client uses another one'))
  })
})

describe('the use of a key', () => {
  it('is judged as that of a secret', () => {
    expect(removalOfKey(key, clientWith(made), usages({}), now)).toEqual(safe('never used since it was made 300 days ago'))
    expect(removalOfKey(key, clientWith(made), usages({ 'key:its': { lastUsedAt: ago(5 * 60 * minute) } }), now)).toEqual(unsafe('last used 5 hours ago'))
    expect(removalOfKey({ ...key, revokedAt: ago(day) }, clientWith(made), usages({}), now).because).toMatch(/^revoked 24 hours ago/)
  })

  it('is that of the same key under every kid that it has, for whoever revokes one revokes them all', () => {
    const { jwk } = newPair()
    const [its, alias] = [{ ...key, jwk }, { ...key, kid: 'alias', jwk }]
    const client: Client = { ...clientWith(made), keys: new Map([['its', its], ['alias', alias]]) }
    const judgeIts = (rows: Readonly<Record<string, Partial<UsageRow>>>): Removal => removalOfKey(its, client, usages(rows), now)
    const idle = { 'key:its': { lastUsedAt: ago(45 * day) } }
    expect(judgeIts({ 'key:alias': { lastUsedAt: ago(minute) } })).toEqual(unsafe('the same key as alias: last used 1 minute ago'))
    expect(judgeIts({ ...idle, 'key:alias': { lastUsedAt: ago(minute) } }).isSafe).toBe(false)
    expect(removalOfKey({ ...its, expiresAt: ago(31 * day) }, client, usages({ 'key:alias': { lastUsedAt: ago(minute) } }), now).isSafe).toBe(false)
    expect(judgeIts({ ...idle, 'key:alias': { lastUsedAt: ago(40 * day) } }).isSafe).toBe(false)
    expect(judgeIts({ ...idle, 'secret:mine': { lastUsedAt: ago(day) } })).toEqual(safe('last used 45 days ago; the client uses another one'))
  })
})

describe('what is said to whoever is about to stop it', () => {
  it('is when it was last used, while that is recent', () => {
    expect(recentUse({ ...unused, lastUsedAt: ago(3 * minute) }, now)).toBe('last used 3 minutes ago')
    expect(recentUse({ ...unused, lastUsedAt: ago(31 * day) }, now)).toBeUndefined()
    expect(recentUse(undefined, now)).toBeUndefined()
  })
})
