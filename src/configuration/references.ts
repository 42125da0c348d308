/** What a file refers to must be in it or in the database, once the file has been applied. */
import { didYouMean } from '../nearest.ts'
import type { ConfigurationFile, Partially } from './document.ts'
import { mistakeAt, type Mistake, type Path } from './mistakes.ts'
import type { ReadFile } from './read.ts'
import type { State } from './state.ts'

interface Known {
  readonly organizations: ReadonlySet<string>
  readonly resources: ReadonlySet<string>
  readonly scopes: ReadonlySet<string>
}

/** @param removed rows of the state that will not be there */
export function checkReferences (file: ReadFile, state: State, removed: ReadonlySet<object>): readonly Mistake[] {
  const known = afterwards(file, state, removed)
  const before = afterwards(file, state, new Set())
  return Object.entries(file.document.clients ?? {}).flatMap(([id, client]) => {
    const check = (member: string, value: string | undefined, kind: keyof Known, noun: string, index?: number): Mistake[] => {
      if (value === undefined || known[kind].has(value)) return []
      const path: Path = ['clients', id, member, ...index === undefined ? [] : [index]]
      const place = file.places.value(path)
      if (before[kind].has(value)) return [mistakeAt(place, path, `The ${noun} ${value} left the file, and --prune removes it. Put it back, or choose another.`)]
      return [mistakeAt(place, path, `There is no ${noun} ${value}, neither in this file nor in the database.`, () => didYouMean(value, known[kind]))]
    }
    return [
      ...check('organization', client?.organization, 'organizations', 'organization'),
      ...check('resource_server', client?.resource_server, 'resources', 'resource'),
      ...(client?.exchange_resources ?? []).flatMap((identifier, index) => check('exchange_resources', identifier, 'resources', 'resource', index)),
      ...(client?.scopes ?? []).flatMap((scope, index) => check('scopes', scope, 'scopes', 'scope', index))
    ]
  })
}

function afterwards ({ document }: ReadFile, { organizations, resources }: State, removed: ReadonlySet<object>): Known {
  const stays = (row: object): boolean => !removed.has(row)
  const staying = resources.filter(stays)
  return {
    organizations: new Set([...Object.keys(document.organizations ?? {}), ...organizations.filter(stays).map(({ id }) => id)]),
    resources: new Set([...Object.keys(document.resources ?? {}), ...staying.map(({ identifier }) => identifier)]),
    scopes: new Set([...scopesOf(document), ...resources.flatMap(({ scopes }) => scopes.filter(stays).map(({ name }) => name))])
  }
}

function scopesOf ({ resources = {} }: Partially<ConfigurationFile>): string[] {
  return Object.values(resources).flatMap((resource) => Object.keys(resource?.scopes ?? {}))
}
