/** Finds what an argument names, or refuses in one sentence that says where to look. */
import type { Client } from '../clients/client.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Resource } from '../resources/resource.ts'
import type { Session } from './session.ts'

export async function findOrganization ({ organizations }: Session, idOrName: string): Promise<Organization> {
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

export function refuse (sentence: string): never {
  throw new OperatorError(sentence, { exitCode: exitCodes.refused })
}
