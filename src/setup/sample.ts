/** The sample of the very first start: enough to get a token, verify it and introspect it within a minute. */
import { createRegistration } from '../clients/registration.ts'
import { createSecretFormat } from '../clients/secret-format.ts'
import { createSecretHasher } from '../clients/secrets.ts'
import { createClientStore } from '../clients/store.ts'
import type { Clock } from '../clock.ts'
import type { Database } from '../db.ts'
import { createOrganizationStore } from '../organizations/store.ts'
import { createResourceStore } from '../resources/store.ts'
import type { Sealer } from '../sealing/sealer.ts'
import type { ServerKeys } from '../sealing/server-keys.ts'

export interface Sample {
  /** What to print, once: it holds the secrets. */
  readonly text: string
}

interface SampleOptions {
  readonly database: Database
  readonly sealer: Sealer
  readonly serverKeys: ServerKeys
  readonly issuer: string
  readonly clock: Clock
}

const sampleOrganization = 'Sample Organization'
const sampleIdentifier = 'https://api.example.com'
const sampleResourceName = 'Sample API'
const partnerName = 'Sample partner backend'
const scopes = [
  { name: 'tournaments:read', description: 'Read tournaments and their results', isDefault: true },
  { name: 'tournaments:write', description: 'Create and change tournaments', isDefault: false }
]

/**
 * What the sample is while nobody has changed anything about it, with `sampleContentsQuery`.
 * Whoever has must not lose it as if it were the sample.
 */
export const sampleContents = JSON.stringify({
  organizations: [[sampleOrganization, true]],
  resources: [[sampleIdentifier, sampleResourceName, true]],
  scopes: scopes.map(({ name, description, isDefault }) => [name, description, isDefault, true]),
  clients: [[sampleResourceName, [], true], [partnerName, scopes.map(({ name }) => name), true]],
  secrets: [true, true]
})

export const sampleTables = ['organizations', 'resources', 'scopes', 'clients', 'client_scopes', 'client_secrets']

/** The last member of each: whether nothing else was done to the row. */
export const sampleContentsQuery = `SELECT jsonb_build_object(
  'organizations', (SELECT jsonb_agg(jsonb_build_array(name, disabled_at IS NULL AND tokens_revoked_before IS NULL AND managed_by IS NULL)) FROM organizations),
  'resources', (SELECT jsonb_agg(jsonb_build_array(identifier, name, disabled_at IS NULL AND access_token_ttl_seconds IS NULL AND managed_by IS NULL)) FROM resources),
  'scopes', (SELECT jsonb_agg(jsonb_build_array(name, description, is_default, NOT is_deprecated AND disabled_at IS NULL AND managed_by IS NULL) ORDER BY name) FROM scopes),
  'clients', (SELECT jsonb_agg(jsonb_build_array(name, ARRAY(SELECT scope_name FROM client_scopes WHERE client_id = id ORDER BY scope_name),
    environment = 'live' AND disabled_at IS NULL AND tokens_revoked_before IS NULL AND access_token_ttl_seconds IS NULL AND managed_by IS NULL
    AND grants = CASE WHEN resource_id IS NULL THEN ARRAY['client_credentials'] ELSE '{}' END) ORDER BY name) FROM clients),
  'secrets', (SELECT jsonb_agg(NOT imported AND expires_at IS NULL AND revoked_at IS NULL AND disabled_at IS NULL) FROM client_secrets)
) = $1::jsonb AS only`

/** All of it or nothing, and only in a database without any organization or resource. */
export async function createSample ({ database, sealer, serverKeys, issuer, clock }: SampleOptions): Promise<Sample | undefined> {
  return await database.$transaction(async (session) => {
    const organizations = createOrganizationStore(session)
    const resources = createResourceStore(session)
    if ((await organizations.readAll()).length > 0 || (await resources.readAll()).length > 0) return undefined
    const organization = await organizations.create({ name: sampleOrganization })
    const resource = await resources.create({ identifier: sampleIdentifier, name: sampleResourceName })
    for (const scope of scopes) await resources.createScope({ ...scope, resourceId: resource.id })
    const registration = createRegistration({
      store: createClientStore(session),
      format: createSecretFormat(serverKeys.secretTag),
      hasher: createSecretHasher(),
      sealer,
      clock,
      readScopes: async () => (await resources.readAll()).flatMap((each) => each.scopes)
    })
    const common = { organizationId: organization.id, environment: 'live', grants: undefined } as const
    const partner = await registration.register({ ...common, name: partnerName, scopes: scopes.map(({ name }) => name), resourceId: null })
    const api = await registration.register({ ...common, name: sampleResourceName, scopes: undefined, resourceId: resource.id })
    return { text: describe(issuer, { id: partner.client.id, secret: partner.secret }, { id: api.client.id, secret: api.secret }) }
  }, { timeout: 30_000, maxWait: 10_000 })
}

interface Credentials { readonly id: string, readonly secret: string }

function describe (issuer: string, partner: Credentials, api: Credentials): string {
  const tokenRequest = `curl -s ${issuer}/oauth/v2/token -d client_id=${partner.id} -d client_secret=${partner.secret} -d scope=tournaments:read`
  return `
A sample was made to try things out with. Its secrets are shown this once:

  organization      ${sampleOrganization}
  resource          ${sampleIdentifier} with the scopes ${scopes.map(({ name }) => name).join(' ')}
  client            ${partner.id}
  client secret     ${partner.secret}
  resource client   ${api.id}
  client secret     ${api.secret}

Get a token:

  ${tokenRequest}

Introspect one, as the API would:

  curl -s ${issuer}/oauth/v2/introspect -u ${api.id}:${api.secret} -d token=$(${tokenRequest} | sed -E 's/.*"access_token":"([^"]+)".*/\\1/')

Metadata:  ${issuer}/.well-known/oauth-authorization-server
`
}
