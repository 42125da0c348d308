/**
 * A file with mistakes, as far as it can be planned all the same: to find out what the database has against it besides,
 * never to be applied. Only what a plan may object to is there; the rest is empty.
 */
import type { ConfigurationFile, Partially } from './document.ts'
import type { ReadFile } from './read.ts'

/** Nothing is called so, and so nothing is in its way. */
const nothing = ''

export function filledUp ({ organizations = {}, resources = {}, clients = {} }: Partially<ConfigurationFile>): ConfigurationFile {
  return {
    organizations: mapped(organizations, (organization) => ({ name: organization?.name ?? nothing })),
    resources: mapped(resources, (resource) => ({ name: nothing, scopes: mapped(resource?.scopes ?? {}, () => ({ description: nothing })) })),
    clients: mapped(clients, () => ({ organization: nothing, name: nothing }))
  }
}

function mapped<Entry, Filled> (entries: Readonly<Record<string, Entry>>, fill: (entry: Entry) => Filled): Record<string, Filled> {
  return Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key, fill(entry)]))
}

/** Under the name of another file everything would be that one's. */
export function saysItsName ({ mistakes }: ReadFile): boolean {
  return mistakes.every(({ path }) => path !== '' && path !== 'name')
}

/** What could not be read, or is misspelt, has not left the file: no mistake may be at the top, nor where scopes are listed. */
export function saysWhatLeft ({ mistakes }: ReadFile): boolean {
  return mistakes.every(({ path }) => /[.[]/.test(path) && (!path.startsWith('resources') || /\.scopes[.[]/.test(path)))
}
