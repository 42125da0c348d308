/** A configuration file that says what a database holds, without secrets: nobody can read those. */
import { Document, isMap } from 'yaml'
import { defaultDpopSetting, type Client } from '../clients/client.ts'
import { grantTypes } from '../oauth/grant-types.ts'
import { isSigningAlgorithm, type SigningAlgorithm } from '../oauth/signing-algorithms.ts'
import type { Resource, Scope } from '../resources/resource.ts'
import { exportedAuthentication } from './client-authentication.ts'
import type { ClientEntry, ConfigurationFile, KeyEntry, ResourceEntry, ScopeEntry } from './document.ts'
import type { State } from './state.ts'

export interface Exported {
  readonly document: ConfigurationFile
  readonly text: string
  /** What could not be said in the file. */
  readonly remarks: readonly string[]
}

interface ExportOptions {
  readonly name: string
  /** Only this organization and its clients. */
  readonly organizationId: string | undefined
}

const head = ` yaml-language-server: $schema=./signet.schema.json
 Written by: signet export. Look it over, then apply it with: signet apply FILE --dry-run
 Secrets are not in it: those that clients have stay as they are. In an empty database, give each client one with
 "signet secret add CLIENT", or here with "secret:" and one of "from_environment:", "from_file:" and "value:".`

export function exportConfiguration (state: State, { name, organizationId }: ExportOptions): Exported {
  const isOurs = ({ managedBy }: { readonly managedBy: string | null }): boolean => managedBy === null || managedBy === name
  const organizations = state.organizations.filter(({ id }) => organizationId === undefined || id === organizationId)
  const clients = state.clients.filter((client) => organizationId === undefined || client.organizationId === organizationId)
  const resources = organizationId === undefined ? state.resources : []
  const identifiers = new Map(state.resources.map(({ id, identifier }) => [id, identifier]))
  const document: ConfigurationFile = {
    name,
    organizations: byKey(organizations.filter(isOurs), ({ id }) => id, (organization) => ({ name: organization.name, ...disabledOf(organization), ...cutOffOf(organization) })),
    resources: byKey(resources.filter(isOurs), ({ identifier }) => identifier, (resource) => resourceEntry(resource, resource.scopes.filter(isOurs))),
    clients: byKey(clients.filter(isOurs), ({ id }) => id, (client) => clientEntry(client, identifiers))
  }
  const others = [...organizations, ...resources, ...clients].filter((row) => !isOurs(row)).map(({ managedBy }) => managedBy ?? '')
  const grantless = clients.filter(({ scopes, grants }) => scopes.size > 0 && grants.length === 0)
  return {
    document,
    text: textOf(document),
    remarks: [
      ...[...new Set(others)].map((file) => `What the configuration file "${file}" owns is left out. Export it with --name ${file}.`),
      ...grantless.map(({ id }) => `The client ${id} has scopes but no grant, which apply refuses. Give it a grant or take its scopes away.`)
    ]
  }
}

/** The one file that owns something in the database, if it is the only one. */
export function soleOwner ({ organizations, resources, clients }: State): string | undefined {
  const owners = new Set([...organizations, ...resources, ...clients].flatMap(({ managedBy }) => managedBy ?? []))
  const [only] = owners
  return owners.size === 1 ? only : undefined
}

function byKey<Row, Entry> (rows: readonly Row[], keyOf: (row: Row) => string, entryOf: (row: Row) => Entry): Record<string, Entry> {
  const entries = rows.map((row): [string, Entry] => [keyOf(row), entryOf(row)])
  return Object.fromEntries(entries.sort(([one], [other]) => one < other ? -1 : 1))
}

function disabledOf ({ disabledAt }: { readonly disabledAt: Date | null }): { disabled?: true } {
  return disabledAt === null ? {} : { disabled: true }
}

function cutOffOf ({ tokensRevokedBefore }: { readonly tokensRevokedBefore: Date | null }): { tokens_revoked_before?: string } {
  return tokensRevokedBefore === null ? {} : { tokens_revoked_before: tokensRevokedBefore.toISOString() }
}

function lifetimeOf ({ accessTokenTtlSeconds }: { readonly accessTokenTtlSeconds: number | null }): { access_token_ttl_seconds?: number } {
  return accessTokenTtlSeconds === null ? {} : { access_token_ttl_seconds: accessTokenTtlSeconds }
}

function resourceEntry (resource: Resource, scopes: readonly Scope[]): ResourceEntry {
  return { name: resource.name, ...lifetimeOf(resource), ...resource.allowsMixing ? { allows_mixing: true } : {}, ...signingAlgorithmOf(resource), ...disabledOf(resource), scopes: byKey(scopes, ({ name }) => name, scopeEntry) }
}

function signingAlgorithmOf ({ signingAlgorithm }: Resource): { signing_algorithm?: SigningAlgorithm } {
  return signingAlgorithm !== null && isSigningAlgorithm(signingAlgorithm) ? { signing_algorithm: signingAlgorithm } : {}
}

function scopeEntry (scope: Scope): ScopeEntry {
  return {
    description: scope.description,
    ...scope.isDefault ? { default: true } : {},
    ...scope.isDeprecated ? { deprecated: true } : {},
    ...disabledOf(scope)
  }
}

function clientEntry (client: Client, identifiers: ReadonlyMap<string, string>): ClientEntry {
  const standsFor = client.resourceId === null ? undefined : identifiers.get(client.resourceId)
  const exchanges = client.exchangeResources.flatMap((id) => identifiers.get(id) ?? []).sort()
  // Those that were revoked or that end are the operator's own business: a file gives its keys no end.
  const keys = [...client.keys.values()].filter(({ revokedAt, expiresAt }) => revokedAt === null && expiresAt === null).map(({ jwk }) => jwk as KeyEntry) // checked when it was registered
  return {
    organization: client.organizationId,
    name: client.name,
    ...client.type === 'service' ? {} : { type: client.type },
    grants: grantTypes.filter((grant) => client.grants.includes(grant)),
    scopes: [...client.scopes].sort(),
    ...standsFor === undefined ? {} : { resource_server: standsFor },
    ...exchanges.length === 0 ? {} : { exchange_resources: exchanges },
    ...lifetimeOf(client),
    ...client.dpop === defaultDpopSetting ? {} : { dpop: client.dpop },
    ...client.certificateBoundTokens ? { certificate_bound_tokens: true } : {},
    ...client.certificateSubject === null ? {} : { certificate_subject: client.certificateSubject },
    ...client.certificateThumbprints.length === 0 ? {} : { certificate_thumbprints: [...client.certificateThumbprints] },
    ...exportedAuthentication(client),
    ...keys.length === 0 ? {} : { keys },
    ...disabledOf(client),
    ...cutOffOf(client)
  }
}

function textOf (document: ConfigurationFile): string {
  const yaml = new Document(document, { version: '1.2', schema: 'core', aliasDuplicateObjects: false })
  yaml.commentBefore = head
  if (isMap(yaml.contents)) for (const { key } of yaml.contents.items.slice(1)) if (typeof key === 'object' && key !== null && 'spaceBefore' in key) key.spaceBefore = true
  return yaml.toString({ lineWidth: 0 })
}
