import { describe, expect, it } from 'vitest'
import { grantTypes } from '../../src/oauth/grant-types.ts'
import { createGrants, selectGrant } from '../../src/token/grants/index.ts'

const form = (parameters: Readonly<Record<string, string>>): Map<string, string[]> => new Map(Object.entries(parameters).map(([name, value]) => [name, [value]]))
const grants = createGrants({
  issuer: 'https://issuer.example',
  checkActive: async () => await Promise.resolve({ active: false, reason: 'nobody asks' }),
  resources: { get: () => undefined },
  exchangedTokens: { add: async () => await Promise.resolve(false) }
})
const post = { client_id: 'cl_live_x', client_secret: 's' }

describe('rows 5 and 6: the grant that a request means', () => {
  it.each(grantTypes)('is the one that it names, while that is on: %s', (grantType) => {
    expect(selectGrant(form({ grant_type: grantType }), grants, { requireGrantType: false, grantTypes }).grantType).toBe(grantType)
  })

  it.each(grantTypes)('is refused as one that the server does not have, while it is off: %s', (grantType) => {
    const others = grantTypes.filter((each: string) => each !== grantType)
    expect(() => selectGrant(form({ ...post, grant_type: grantType }), grants, { requireGrantType: false, grantTypes: others })).toThrow(expect.objectContaining({ code: 'unsupported_grant_type' }))
  })

  it('is not client_credentials without its being named, when that is off', () => {
    expect(selectGrant(form(post), grants, { requireGrantType: false, grantTypes }).grantType).toBe('client_credentials')
    const others = grantTypes.filter((each: string) => each !== 'client_credentials')
    expect(() => selectGrant(form(post), grants, { requireGrantType: false, grantTypes: others })).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })
})
