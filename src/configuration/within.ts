/** What must agree within one configuration file, whatever the database holds. */
import { grantObjection } from '../clients/registration.ts'
import { isIdentifier, identifierRule } from '../names.ts'
import { readPublicJwk } from '../oauth/public-jwk.ts'
import { timeRule, type ClientEntry, type ConfigurationFile, type KeyEntry, type Partially } from './document.ts'
import { mistakeAt, type Mistake, type Path, type Places } from './mistakes.ts'

type Document = Partially<ConfigurationFile>

export function checkDocument (document: Document, places: Places): readonly Mistake[] {
  return [
    ...sameNames(document, places),
    ...cutOffs(document, places),
    ...identifiers(document, places),
    ...sameScopes(document, places),
    ...Object.entries(document.clients ?? {}).flatMap(([id, client]) => checkClient(id, client ?? {}, places))
  ]
}

function sameNames ({ organizations = {} }: Document, places: Places): Mistake[] {
  const owners = new Map<string, string>()
  return Object.entries(organizations).flatMap(([id, organization]) => {
    const name = organization?.name
    if (name === undefined) return []
    const other = owners.get(name)
    if (other === undefined) owners.set(name, id)
    const path = ['organizations', id, 'name']
    return other === undefined ? [] : [mistakeAt(places.value(path), path, `${other} has this name too, and names of organizations are unique. Choose another name.`)]
  })
}

function cutOffs ({ organizations = {}, clients = {} }: Document, places: Places): Mistake[] {
  return Object.entries({ organizations, clients }).flatMap(([kind, entries]) => Object.entries(entries).flatMap(([id, entry]) => {
    const path = [kind, id, 'tokens_revoked_before']
    return isNoTime(entry?.tokens_revoked_before) ? [mistakeAt(places.value(path), path, timeRule)] : []
  }))
}

function identifiers ({ resources = {}, clients = {} }: Document, places: Places): Mistake[] {
  const named = Object.keys(resources).filter((identifier) => !isIdentifier(identifier)).map((identifier): Path => ['resources', identifier])
  const references = Object.entries(clients).flatMap(([id, client]): Path[] => [
    ...client?.resource_server === undefined || isIdentifier(client.resource_server) ? [] : [['clients', id, 'resource_server']],
    ...(client?.exchange_resources ?? []).flatMap((identifier, index): Path[] => identifier === undefined || isIdentifier(identifier) ? [] : [['clients', id, 'exchange_resources', index]])
  ])
  return [...named.map((path) => mistakeAt(places.name(path), path, identifierRule)), ...references.map((path) => mistakeAt(places.value(path), path, identifierRule))]
}

function sameScopes ({ resources = {} }: Document, places: Places): Mistake[] {
  const owners = new Map<string, string>()
  return Object.entries(resources).flatMap(([identifier, resource]) => Object.keys(resource?.scopes ?? {}).flatMap((name) => {
    const other = owners.get(name)
    if (other === undefined) owners.set(name, identifier)
    const path = ['resources', identifier, 'scopes', name]
    return other === undefined ? [] : [mistakeAt(places.name(path), path, `The resource ${other} defines this scope too, and names of scopes are unique. Choose another name.`)]
  }))
}

function checkClient (id: string, client: Partially<ClientEntry>, places: Places): Mistake[] {
  const at = (member: keyof ClientEntry, sentence: string): Mistake => mistakeAt(places.value(['clients', id, member]), ['clients', id, member], sentence)
  const environment = id.startsWith('cl_test_') ? 'test' : 'live'
  const contradicts = client.environment !== undefined && client.environment !== environment
  const hasScopes = client.scopes === undefined ? client.resource_server === undefined : client.scopes.length > 0
  const lacksGrant = client.grants?.length === 0 && hasScopes
  const objection = grantObjection(client.type ?? 'service', (client.grants ?? []).flatMap((grant) => grant ?? []))
  return [
    ...contradicts ? [at('environment', `The id ${id} is one of the environment ${environment}. Change the id or this.`)] : [],
    ...isNoTime(client.accepts_endpoint_audience_until) ? [at('accepts_endpoint_audience_until', timeRule)] : [],
    ...checkKeys(id, client.keys ?? [], places),
    ...lacksGrant ? [at('grants', 'A client with scopes needs a grant, for without one it gets no tokens. Name a grant, leave the member out, or write scopes: [].')] : [],
    ...objection === undefined ? [] : [at('grants', objection)]
  ]
}

/** A date may look like one and be none, such as February 30 or the hour 25. */
function isNoTime (text: string | undefined): boolean {
  if (text === undefined) return false
  const date = new Date(`${text.slice(0, 10)}T00:00:00Z`)
  return Number.isNaN(new Date(text).getTime()) || Number.isNaN(date.getTime()) || !date.toISOString().startsWith(text.slice(0, 10))
}

function checkKeys (id: string, keys: readonly (Partially<KeyEntry> | undefined)[], places: Places): Mistake[] {
  const kids = new Set<string>()
  return keys.flatMap((key, index) => {
    const path: Path = ['clients', id, 'keys', index]
    const at = (sentence: string): Mistake[] => [mistakeAt(places.value(path), path, sentence)]
    if (key === undefined) return []
    const read = readPublicJwk(key)
    if ('refused' in read) return at(`This key is not acceptable: ${read.refused}.`)
    if (kids.has(read.kid)) return at(`There is another key with the kid ${read.kid} before it. Give each key a kid of its own.`)
    kids.add(read.kid)
    return []
  })
}
