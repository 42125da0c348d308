/** Finds what an argument names, or refuses in one sentence that says where to look. */
import type { Client, ClientSecret } from '../clients/client.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Resource, Scope } from '../resources/resource.ts'
import { parseTaggedSecret } from '../clients/secret-format.ts'
import type { Session } from './session.ts'

export async function findOrganization ({ organizations }: Pick<Session, 'organizations'>, idOrName: string): Promise<Organization> {
  const all = await organizations.readAll()
  return all.find(({ id }) => id === idOrName) ?? all.find(({ name }) => name === idOrName) ??
    refuse(`There is no organization ${idOrName}. See: signet organization list`)
}

/** The one that was named or, when none was, the only one there is. */
export async function chooseOrganization (session: Session, idOrName: string | undefined): Promise<Organization> {
  if (idOrName !== undefined) return await findOrganization(session, idOrName)
  const [first, ...others] = await session.organizations.readAll()
  if (first === undefined) return refuse('There is no organization yet. Create one with: signet organization create --name NAME')
  if (others.length > 0) {
    throw new OperatorError(`There are ${others.length + 1} organizations: name one with --organization.`, { exitCode: exitCodes.usage })
  }
  return first
}

export async function findResource ({ resources }: Session, idOrIdentifier: string): Promise<Resource> {
  const all = await resources.readAll()
  return all.find(({ id }) => id === idOrIdentifier) ?? all.find(({ identifier }) => identifier === idOrIdentifier) ??
    refuse(`There is no resource ${idOrIdentifier}. See: signet resource list`)
}

export async function findClient ({ clients }: Session, id: string): Promise<Client> {
  return await clients.readOne(id) ?? refuse(`There is no client ${id}. See: signet client list`)
}

export interface ScopeOfResource {
  readonly scope: Scope
  readonly resource: Resource
}

export async function readScopes ({ resources }: Session): Promise<readonly ScopeOfResource[]> {
  return (await resources.readAll()).flatMap((resource) => resource.scopes.map((scope) => ({ scope, resource })))
}

export async function findScope (session: Session, name: string): Promise<ScopeOfResource> {
  return (await readScopes(session)).find(({ scope }) => scope.name === name) ?? refuse(`There is no scope ${name}. See: signet scope list`)
}

/** @throws OperatorError that names all that do not exist */
export async function findScopes (session: Session, names: readonly string[]): Promise<readonly Scope[]> {
  if (names.length === 0) return []
  const all = new Map((await readScopes(session)).map(({ scope }) => [scope.name, scope]))
  const unknown = names.filter((name) => !all.has(name))
  if (unknown.length > 0) refuse(`There is no scope ${unknown.join(', ')}. Create it first, or choose among those that scope list shows.`)
  return names.map((name) => all.get(name)).filter((scope) => scope !== undefined)
}

export interface SecretOfClient {
  readonly secret: ClientSecret
  readonly client: Client
}

/** @param argument the id, or the secret itself: whoever found a leaked one need not know its id */
export async function findSecret (session: Session, argument: string): Promise<SecretOfClient> {
  const tagged = parseTaggedSecret(argument)
  const id = tagged?.secretId ?? argument
  const clientId = await session.clients.findSecretOwner(id)
  const client = clientId === undefined ? undefined : await session.clients.readOne(clientId)
  const secret = client?.secrets.get(id)
  // The argument is not repeated: it may be a secret with a typing error.
  if (client === undefined || secret === undefined) return refuse('There is no such secret; an imported one goes by its id. See: signet secret list CLIENT')
  if (tagged !== undefined && !session.secretFormat.isGenuine(tagged, client.id)) {
    return refuse(`This is not the secret ${id} of the client ${client.id}, though it has the id of that in it. If that one is meant all the same, give the id alone, as in: signet secret revoke ${id}`)
  }
  return { secret, client }
}

export function refuse (sentence: string): never {
  throw new OperatorError(sentence, { exitCode: exitCodes.refused })
}
