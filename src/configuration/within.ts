/** What must agree within one configuration file, whatever the database holds. */
import { isIdentifier, identifierRule } from '../names.ts'
import type { ClientEntry, ConfigurationFile, Partially } from './document.ts'
import { mistakeAt, type Mistake, type Path, type Places } from './mistakes.ts'

type Document = Partially<ConfigurationFile>

export function checkDocument (document: Document, places: Places): readonly Mistake[] {
  return [
    ...sameNames(document, places),
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

function identifiers ({ resources = {}, clients = {} }: Document, places: Places): Mistake[] {
  const named = Object.keys(resources).filter((identifier) => !isIdentifier(identifier)).map((identifier): Path => ['resources', identifier])
  const references = Object.entries(clients).flatMap(([id, client]): Path[] =>
    client?.resource_server === undefined || isIdentifier(client.resource_server) ? [] : [['clients', id, 'resource_server']])
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
  return [
    ...contradicts ? [at('environment', `The id ${id} is one of the environment ${environment}. Change the id or this.`)] : [],
    ...lacksGrant ? [at('grants', 'A client with scopes needs a grant, for without one it gets no tokens. Name a grant, leave the member out, or write scopes: [].')] : []
  ]
}
