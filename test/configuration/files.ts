/** Configuration files by chance: valid ones, that share ids, names and scopes so that they collide with each other. */
import fc from 'fast-check'

const organizationIds = ['org_a', 'org_b', 'org_c']
const organizationNames = ['First', 'Second', 'Third']
const identifiers = ['https://a.example', 'https://b.example']
const scopeNames = ['read', 'write', 'admin', 'constructor']
const clientIds = ['cl_live_a', 'cl_live_b', 'cl_test_c']
export const secretTexts = ['the-first-secret-0123', 'the-second-secret-0123']

export interface GeneratedClient {
  readonly organization: string
  readonly scopes?: readonly string[]
  readonly secret?: { readonly value: string }
}

export interface GeneratedFile {
  readonly organizations?: Readonly<Record<string, object>>
  readonly resources?: Readonly<Record<string, { readonly scopes: Readonly<Record<string, object>> }>>
  readonly clients?: Readonly<Record<string, GeneratedClient>>
}

const flag = fc.constantFrom(undefined, undefined, false, true)
const seldom = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> => fc.option(value, { nil: undefined, freq: 2 })
const lifetime = seldom(fc.constantFrom(60, 3600, 2_592_000))
const name = fc.constantFrom('One name', 'Another name')

interface Names { readonly organizations: readonly string[], readonly resources: readonly string[], readonly scopes: readonly string[] }

const organizations = fc.tuple(fc.subarray(organizationIds), fc.shuffledSubarray(organizationNames, { minLength: 3 }), fc.array(flag, { minLength: 3, maxLength: 3 }))
  .map(([ids, names, disabled]) => Object.fromEntries(ids.map((id, index) => [id, { name: names[index] ?? '', disabled: disabled[index] }])))

const scope = fc.record({ description: name, default: flag, deprecated: flag, disabled: flag })
const resources = fc.tuple(
  fc.subarray(identifiers),
  fc.array(fc.record({ name, access_token_ttl_seconds: lifetime, allows_mixing: flag, signing_algorithm: fc.option(fc.constantFrom('RS256' as const, 'ES256' as const), { nil: undefined }), disabled: flag }), { minLength: 2, maxLength: 2 }),
  fc.array(fc.tuple(fc.constantFrom(undefined, 0, 1), scope), { minLength: scopeNames.length, maxLength: scopeNames.length })
).map(([chosen, members, scopes]) => Object.fromEntries(chosen.map((identifier, index) => {
  const own = scopeNames.flatMap((scopeName, position) => scopes[position]?.[0] === index ? [[scopeName, scopes[position][1]]] : [])
  return [identifier, { ...members[index], scopes: Object.fromEntries(own) as Record<string, object> }] // pairs of a name and an object
})))

function client ({ organizations: owners, resources: apis, scopes }: Names, id: string): fc.Arbitrary<GeneratedClient> {
  return fc.record({
    organization: fc.constantFrom(...owners),
    name,
    type: fc.constantFrom(...id === 'cl_live_b' ? ['jwt'] : [undefined, 'service']),
    grants: fc.constantFrom(undefined, ['client_credentials']),
    scopes: fc.option(fc.subarray([...scopes]), { nil: undefined }),
    resource_server: apis.length === 0 ? fc.constant(undefined) : seldom(fc.constantFrom(...apis)),
    exchange_resources: fc.option(fc.subarray([...apis]), { nil: undefined }),
    access_token_ttl_seconds: lifetime,
    dpop: fc.constantFrom(undefined, 'off', 'allowed', 'required'),
    certificate_bound_tokens: fc.constantFrom(undefined, false, true),
    certificate_subject: fc.constantFrom(undefined, 'san_dns:a.example', 'subject_dn:CN=a,O=b'),
    certificate_thumbprints: fc.constantFrom(undefined, ['A'.repeat(43)], ['A'.repeat(43), 'AB:'.repeat(31) + 'AB']),
    disabled: flag,
    secret: id === 'cl_live_a' ? seldom(fc.constantFrom(...secretTexts).map((value) => ({ value }))) : fc.constant(undefined)
  }).map((members) => JSON.parse(JSON.stringify(members)) as GeneratedClient) // without the members that are undefined
}

export const generatedFile: fc.Arbitrary<GeneratedFile> = fc.record({ organizations, resources }).chain((base) => {
  const names = {
    organizations: Object.keys(base.organizations), resources: Object.keys(base.resources), scopes: Object.values(base.resources).flatMap(({ scopes }) => Object.keys(scopes))
  }
  const ids = names.organizations.length === 0 ? fc.constant([]) : fc.subarray(clientIds)
  return ids.chain((chosen) => fc.tuple(...chosen.map((id) => client(names, id))).map((clients) => {
    const whole = { ...base, clients: Object.fromEntries(clients.map((each, index) => [chosen[index] ?? '', each])) }
    return JSON.parse(JSON.stringify(whole)) as GeneratedFile // without the members that are undefined
  }))
})

/** A value somewhere in a file replaced, a member removed, or one added. */
export const spoiledFile: fc.Arbitrary<unknown> = fc.tuple(generatedFile, fc.nat(), fc.constantFrom('replace', 'remove', 'add'), fc.jsonValue({ maxDepth: 1 }), fc.string())
  .map(([file, where, how, value, member]) => {
    const copy: unknown = structuredClone(file)
    const holders: [Record<string, unknown>, string][] = []
    const visit = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return
      for (const key of Object.keys(node)) {
        holders.push([node as Record<string, unknown>, key]) // objects and lists alike have members by key
        visit((node as Record<string, unknown>)[key])
      }
    }
    visit(copy)
    const [holder, key] = holders[where % Math.max(holders.length, 1)] ?? []
    if (holder === undefined || key === undefined) return copy
    if (how === 'replace') holder[key] = value
    else if (how === 'add' && !Array.isArray(holder)) holder[member] = value
    else if (!Array.isArray(holder)) Reflect.deleteProperty(holder, key)
    return copy
  })
