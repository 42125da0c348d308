/** The difference between a file and the database, as people read it and as rows to write. */
import type { ClientSecret } from '../clients/client.ts'
import type { ConfiguredClient, ConfiguredKey, GrantedScope, KeyOfClient } from '../clients/rows.ts'
import type { ConfiguredOrganization, CutOff } from '../organizations/store.ts'
import type { ConfiguredResource, ConfiguredScope } from '../resources/store.ts'
import type { StatusReference } from '../status-lists/status-list.ts'
import type { Left } from './leaving.ts'
import { mistakeAt, type Mistake, type Path } from './mistakes.ts'
import type { ReadyFile } from './read.ts'
import type { State } from './state.ts'

/** What is released belongs to the command line from then on. */
export type Action = 'create' | 'update' | 'remove' | 'release'
export type Kind = 'organization' | 'resource' | 'scope' | 'client' | 'secret' | 'key' | 'token'

export interface Change {
  readonly action: Action
  readonly kind: Kind
  /** The id; the identifier of a resource, the name of a scope, the client's id of a secret or key, list and index of a token. */
  readonly id: string
  /** What is changed, in a few words each. */
  readonly details: readonly string[]
  /** Who loses what, and what goes on: a sentence each. */
  readonly consequences: readonly string[]
  /** Whether no other file undoes it: something is gone, or tokens or a secret are dead for good. */
  readonly irreversible: boolean
}

/** What left the file, and is there still. */
export interface Kept {
  readonly kind: Kind
  /** As that of a change. */
  readonly id: string
  /** Why it was not pruned with the rest, but released; null: nobody asked for that. */
  readonly reason: string | null
}

export interface OwnedSecret { readonly id: string, readonly clientId: string }
export type SecretRow = OwnedSecret & Pick<ClientSecret, 'hash'>

interface RowsOf<Row> {
  readonly create: Row[]
  /** Whole rows, as they are to be. */
  readonly update: Row[]
  /** Their keys. */
  readonly remove: string[]
  /** Keys of those that belong to the command line from now on. */
  readonly release: string[]
}

/** What is revoked, and why. */
type Because<Row> = Row & { readonly reason: string | undefined }

export interface Revocations {
  readonly organizations: Because<CutOff>[]
  readonly clients: Because<CutOff>[]
  readonly secrets: Because<OwnedSecret>[]
  readonly keys: Because<KeyOfClient>[]
  readonly tokens: Because<StatusReference>[]
}

export interface Writes {
  readonly revoke: Revocations
  /** Organizations whose names others take over: they let go of them first. */
  readonly parkedNames: string[]
  readonly organizations: RowsOf<ConfiguredOrganization>
  readonly resources: RowsOf<ConfiguredResource>
  readonly scopes: RowsOf<ConfiguredScope>
  readonly clients: RowsOf<ConfiguredClient>
  readonly granted: { readonly add: GrantedScope[], readonly remove: GrantedScope[] }
  /** `adopt` are ids of secrets that the file owns from now on, and `seal` those that are to be recoverable from now on. */
  readonly secrets: { readonly add: SecretRow[], readonly seal: OwnedSecret[], readonly adopt: string[], readonly remove: string[], readonly release: string[] }
  /** Likewise; what is removed is so before what is added. */
  readonly keys: { readonly add: ConfiguredKey[], readonly adopt: KeyOfClient[], readonly remove: KeyOfClient[], readonly release: KeyOfClient[] }
}

export interface Plan {
  readonly changes: readonly Change[]
  readonly kept: readonly Kept[]
  readonly warnings: readonly string[]
  readonly writes: Writes
}

/** A secret of the file, held against what the database has. */
export interface SecretFact {
  /** The stored secret that it is; undefined when none is. */
  readonly storedId: string | undefined
  /** Of the secret, for when none is. */
  readonly hash: string | undefined
}

export interface PlanInput {
  readonly file: ReadyFile
  readonly state: State
  readonly secrets: ReadonlyMap<string, SecretFact>
  /** What left the file. */
  readonly left: Left
  /** Milliseconds since the epoch. */
  readonly now: number
  /** An id for a row that has none yet. */
  readonly newId: (kind: 'resource' | 'secret') => string
}

/** A plan under way. */
export interface Draft extends Plan {
  readonly changes: Change[]
  readonly kept: Kept[]
  readonly warnings: string[]
  readonly mistakes: Mistake[]
  /**
   * @param details none: nothing is changed, and nothing is noted
   * @param irreversible default: of what is removed
   */
  note (action: Action, kind: Kind, id: string, details: readonly string[], consequences?: readonly string[], irreversible?: boolean): void
  /** A mistake at the name of a member of the file. */
  refuse (path: Path, sentence: string): void
}

export function createDraft ({ places }: ReadyFile): Draft {
  const rows = <Row>(): RowsOf<Row> => ({ create: [], update: [], remove: [], release: [] })
  const draft: Draft = {
    changes: [],
    kept: [],
    warnings: [],
    mistakes: [],
    writes: {
      revoke: { organizations: [], clients: [], secrets: [], keys: [], tokens: [] },
      parkedNames: [],
      organizations: rows(),
      resources: rows(),
      scopes: rows(),
      clients: rows(),
      granted: { add: [], remove: [] },
      secrets: { add: [], seal: [], adopt: [], remove: [], release: [] },
      keys: { add: [], adopt: [], remove: [], release: [] }
    },
    note (action, kind, id, details, consequences = [], irreversible = action === 'remove') {
      if (action !== 'update' || details.length > 0) draft.changes.push({ action, kind, id, details, consequences, irreversible })
    },
    refuse (path, sentence) {
      draft.mistakes.push(mistakeAt(places.name(path), path, sentence))
    }
  }
  return draft
}

export function isEmpty ({ changes }: Plan): boolean {
  return changes.length === 0
}
