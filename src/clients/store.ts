import { deleteInBatches, type Session } from '../db.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import { maxAccessTokenTtlSeconds } from '../oauth/claims.ts'
import type { Client, ClientKey, ClientSecret } from './client.ts'
import type { ClientPatch, ConfiguredClient, ConfiguredKey, CutOff, GrantedScope, ImportedSecretRow, KeyOfClient, NewClient, NewKey, NewSecret, ScopeChange, SecretPatch } from './rows.ts'

export interface ClientStore {
  readAll (): Promise<Client[]>
  readOne (id: string): Promise<Client | undefined>
  isEmpty (): Promise<boolean>
  create (input: NewClient): Promise<Client>
  /** Enabling never brings old tokens back, and a new owner ends them: triggers move `tokens_revoked_before`. */
  update (id: string, patch: ClientPatch & { readonly scopes?: ScopeChange }): Promise<void>
  /** Replaces all of them. */
  setScopes (id: string, scopes: readonly string[]): Promise<void>
  /** Ends every token of it so far, by the database's clock. It may go on getting new ones. */
  revokeTokens (id: string): Promise<void>
  /** Never back: a trigger keeps the latest. */
  revokeTokensBefore (rows: readonly CutOff[]): Promise<void>
  /** With its secrets. Its tokens stay dead even if a client of the same id is made again. */
  remove (id: string): Promise<void>
  addSecret (clientId: string, secret: NewSecret): Promise<void>
  /** A revoked secret stays revoked, whatever the patch says. */
  updateSecret (id: string, patch: SecretPatch): Promise<void>
  removeSecret (id: string): Promise<void>
  /** @returns whether the client had no key of that kid, not even a revoked one */
  addKey (clientId: string, key: NewKey): Promise<boolean>
  /** For good. */
  revokeKey (clientId: string, kid: string, revokedAt: Date): Promise<void>
  createMany (rows: readonly ConfiguredClient[]): Promise<void>
  updateMany (rows: readonly ConfiguredClient[]): Promise<void>
  removeMany (ids: readonly string[]): Promise<void>
  /** Hands them to the command line, without their secrets. What a file disabled counts as disabled by hand. */
  releaseMany (ids: readonly string[]): Promise<void>
  importKeys (keys: readonly ConfiguredKey[], managedBy: string): Promise<void>
  /** To a file, or to the command line. */
  assignKeys (keys: readonly KeyOfClient[], managedBy: string | null): Promise<void>
  removeKeys (keys: readonly KeyOfClient[]): Promise<void>
  grantScopes (granted: readonly GrantedScope[]): Promise<void>
  withdrawScopes (granted: readonly GrantedScope[]): Promise<void>
  importSecrets (rows: readonly ImportedSecretRow[]): Promise<void>
  /** Every secret that is kept sealed, as it is stored. */
  readSealed (): Promise<{ readonly id: string, readonly clientId: string, readonly sealedSecret: string }[]>
  /** Keeps sealed what is stored already. */
  keepSealed (rows: readonly { readonly id: string, readonly sealedSecret: string | null }[]): Promise<void>
  adoptSecrets (ids: readonly string[], managedBy: string): Promise<void>
  releaseSecrets (ids: readonly string[]): Promise<void>
  removeSecrets (ids: readonly string[]): Promise<void>
  /** Forgets the deleted clients whose last token must have expired. @returns how many rows went */
  purgeDeleted (): Promise<number>
  /** @returns the id of the client that has the secret */
  findSecretOwner (secretId: string): Promise<string | undefined>
  /** Only while the hash is still the one that the verifier was computed from. */
  storeVerifier (secretId: string, hash: string, verifier: string): Promise<void>
  /** Replaces an outdated hash of the same secret. */
  replaceHash (secretId: string, hash: string, replacement: { hash: string, verifier: string | null }): Promise<void>
}

/** A clock may be a little ahead of the database's. */
const longestTokenSeconds = maxAccessTokenTtlSeconds + 3_600

// Keys are read after these: in a transaction Prisma reads relations all at once, and pg's queue takes two of them.
const whole = { include: { scopes: true, secrets: { orderBy: { createdAt: 'asc' } } } } as const
const byAge = [{ createdAt: 'asc' }, { kid: 'asc' }] as const
type ClientRow = Prisma.ClientGetPayload<typeof whole>
type ClientKeyRow = Prisma.ClientKeyGetPayload<object>

export function createClientStore (database: Session): ClientStore {
  return {
    async readAll () {
      const rows = await database.client.findMany({ ...whole, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })
      const keys = new Map<string, ClientKeyRow[]>()
      for (const key of await database.clientKey.findMany({ orderBy: [...byAge] })) keys.set(key.clientId, [...keys.get(key.clientId) ?? [], key])
      return rows.map((row) => fromRow(row, keys.get(row.id) ?? []))
    },
    async readOne (id) {
      const row = await database.client.findUnique({ where: { id }, ...whole })
      return row === null ? undefined : fromRow(row, await database.clientKey.findMany({ where: { clientId: id }, orderBy: [...byAge] }))
    },
    isEmpty: async () => await database.client.findFirst({ select: { id: true } }) === null,
    async create ({ scopes, secret, grants, authenticationMethods, certificateThumbprints = [], exchangeResources = [], ...client }) {
      return fromRow(await database.client.create({
        ...whole,
        data: {
          ...client,
          grants: [...grants],
          authenticationMethods: [...authenticationMethods],
          certificateThumbprints: [...certificateThumbprints],
          exchangeResources: [...exchangeResources],
          scopes: { create: scopes.map((scopeName) => ({ scopeName })) },
          ...(secret === undefined ? {} : { secrets: { create: secret } })
        }
      }), [])
    },
    async update (id, { grants, authenticationMethods, scopes, certificateThumbprints, exchangeResources, ...patch }) {
      const data = {
        ...patch,
        ...(grants === undefined ? {} : { grants: [...grants] }),
        ...(authenticationMethods === undefined ? {} : { authenticationMethods: [...authenticationMethods] }),
        ...(certificateThumbprints === undefined ? {} : { certificateThumbprints: [...certificateThumbprints] }),
        ...(exchangeResources === undefined ? {} : { exchangeResources: [...exchangeResources] }),
        ...(scopes === undefined ? {} : { scopes: changedScopes(scopes) })
      }
      await database.client.update({ where: { id }, data })
    },
    async setScopes (id, scopes) {
      const create = scopes.map((scopeName) => ({ scopeName }))
      await database.client.update({ where: { id }, data: { scopes: { deleteMany: {}, create } } })
    },
    async revokeTokens (id) {
      await database.$executeRaw`UPDATE clients SET tokens_revoked_before = greatest(tokens_revoked_before, clock_timestamp()) WHERE id = ${id}`
    },
    async revokeTokensBefore (rows) {
      await database.$executeRaw`
        UPDATE clients c SET tokens_revoked_before = r.before FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r (id text, before timestamptz)
        WHERE c.id = r.id`
    },
    async remove (id) {
      await database.client.delete({ where: { id } })
    },
    async addSecret (clientId, secret) {
      await database.clientSecret.create({ data: { ...secret, clientId } })
    },
    async updateSecret (id, patch) {
      await database.clientSecret.update({ where: { id }, data: patch })
    },
    async removeSecret (id) {
      await database.clientSecret.delete({ where: { id } })
    },
    async addKey (clientId, key) {
      return (await database.clientKey.createMany({ data: { ...key, clientId }, skipDuplicates: true })).count === 1
    },
    async revokeKey (clientId, kid, revokedAt) {
      await database.clientKey.update({ where: { clientId_kid: { clientId, kid } }, data: { revokedAt } })
    },
    async createMany (rows) {
      await database.$executeRaw`
        INSERT INTO clients (id, organization_id, name, environment, type, grants, authentication_methods, jwks_uri, accepts_endpoint_audience_until, resource_id, access_token_ttl_seconds, dpop, certificate_bound_tokens, certificate_subject, certificate_thumbprints, exchange_resources, disabled_at, disabled_by, managed_by)
        SELECT id, "organizationId", name, environment::environment, type::client_type, grants, "authenticationMethods", "jwksUri", "acceptsEndpointAudienceUntil", "resourceId", "accessTokenTtlSeconds", dpop::dpop_setting, "certificateBoundTokens", "certificateSubject", "certificateThumbprints", "exchangeResources", "disabledAt", "disabledBy", "managedBy"
        FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          AS r (id text, "organizationId" text, name text, environment text, type text, grants text[], "authenticationMethods" text[], "jwksUri" text, "acceptsEndpointAudienceUntil" timestamptz, "resourceId" text, "accessTokenTtlSeconds" integer, dpop text, "certificateBoundTokens" boolean, "certificateSubject" text, "certificateThumbprints" text[], "exchangeResources" text[], "disabledAt" timestamptz, "disabledBy" text, "managedBy" text)`
    },
    async updateMany (rows) {
      await database.$executeRaw`
        UPDATE clients c SET organization_id = r."organizationId", name = r.name, grants = r.grants, authentication_methods = r."authenticationMethods",
          jwks_uri = r."jwksUri", accepts_endpoint_audience_until = r."acceptsEndpointAudienceUntil", resource_id = r."resourceId",
          access_token_ttl_seconds = r."accessTokenTtlSeconds", dpop = r.dpop::dpop_setting, certificate_bound_tokens = r."certificateBoundTokens",
          certificate_subject = r."certificateSubject", certificate_thumbprints = r."certificateThumbprints", exchange_resources = r."exchangeResources",
          disabled_at = r."disabledAt", disabled_by = r."disabledBy", managed_by = r."managedBy"
        FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          AS r (id text, "organizationId" text, name text, grants text[], "authenticationMethods" text[], "jwksUri" text, "acceptsEndpointAudienceUntil" timestamptz, "resourceId" text, "accessTokenTtlSeconds" integer, dpop text, "certificateBoundTokens" boolean, "certificateSubject" text, "certificateThumbprints" text[], "exchangeResources" text[], "disabledAt" timestamptz, "disabledBy" text, "managedBy" text)
        WHERE c.id = r.id`
    },
    async removeMany (ids) {
      await database.client.deleteMany({ where: { id: { in: [...ids] } } })
    },
    async releaseMany (ids) {
      await database.client.updateMany({ where: { id: { in: [...ids] } }, data: { managedBy: null, disabledBy: null } })
    },
    async importKeys (keys, managedBy) {
      await database.clientKey.createMany({ data: keys.map((key) => ({ ...key, managedBy })) })
    },
    async assignKeys (keys, managedBy) {
      await database.$executeRaw`
        UPDATE client_keys k SET managed_by = ${managedBy} FROM jsonb_to_recordset(${JSON.stringify(keys)}::jsonb) AS r ("clientId" text, kid text)
        WHERE k.client_id = r."clientId" AND k.kid = r.kid`
    },
    async removeKeys (keys) {
      await database.$executeRaw`
        DELETE FROM client_keys k USING jsonb_to_recordset(${JSON.stringify(keys)}::jsonb) AS r ("clientId" text, kid text)
        WHERE k.client_id = r."clientId" AND k.kid = r.kid`
    },
    async grantScopes (granted) {
      await database.$executeRaw`
        INSERT INTO client_scopes (client_id, scope_name)
        SELECT "clientId", "scopeName" FROM jsonb_to_recordset(${JSON.stringify(granted)}::jsonb) AS r ("clientId" text, "scopeName" text)`
    },
    async withdrawScopes (granted) {
      await database.$executeRaw`
        DELETE FROM client_scopes USING jsonb_to_recordset(${JSON.stringify(granted)}::jsonb) AS r ("clientId" text, "scopeName" text)
        WHERE client_id = r."clientId" AND scope_name = r."scopeName"`
    },
    async importSecrets (rows) {
      await database.clientSecret.createMany({ data: rows.map((row) => ({ ...row, imported: true })) })
    },
    async readSealed () {
      const rows = await database.clientSecret.findMany({ where: { sealedSecret: { not: null } }, select: { id: true, clientId: true, sealedSecret: true } })
      return rows.flatMap(({ sealedSecret, ...row }) => sealedSecret === null ? [] : [{ ...row, sealedSecret }])
    },
    async keepSealed (rows) {
      await database.$executeRaw`
        UPDATE client_secrets s SET sealed_secret = r."sealedSecret" FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r (id text, "sealedSecret" text)
        WHERE s.id = r.id`
    },
    async adoptSecrets (ids, managedBy) {
      await database.clientSecret.updateMany({ where: { id: { in: [...ids] } }, data: { managedBy } })
    },
    async releaseSecrets (ids) {
      await database.clientSecret.updateMany({ where: { id: { in: [...ids] } }, data: { managedBy: null } })
    },
    async removeSecrets (ids) {
      await database.clientSecret.deleteMany({ where: { id: { in: [...ids] } } })
    },
    async purgeDeleted () {
      return await deleteInBatches((limit) => database.$executeRaw`
        DELETE FROM deleted_clients WHERE id IN (SELECT id FROM deleted_clients WHERE deleted_at < now() - ${longestTokenSeconds} * interval '1 second' LIMIT ${limit})`)
    },
    async findSecretOwner (secretId) {
      return (await database.clientSecret.findUnique({ where: { id: secretId }, select: { clientId: true } }))?.clientId
    },
    async storeVerifier (secretId, hash, verifier) {
      await database.clientSecret.updateMany({ where: { id: secretId, hash, verifier: null }, data: { verifier } })
    },
    async replaceHash (secretId, hash, replacement) {
      await database.clientSecret.updateMany({ where: { id: secretId, hash }, data: replacement })
    }
  }
}

/** Only what changes is written: somebody else may give the client another scope at the same time. */
function changedScopes ({ add, remove }: ScopeChange): Prisma.ClientScopeUncheckedUpdateManyWithoutClientNestedInput {
  return {
    deleteMany: { scopeName: { in: [...remove] } },
    createMany: { data: add.map((scopeName) => ({ scopeName })), skipDuplicates: true }
  }
}

function fromRow ({ scopes, secrets, ...client }: ClientRow, keys: readonly ClientKeyRow[]): Client {
  return {
    ...client,
    scopes: new Set(scopes.map(({ scopeName }) => scopeName)),
    secrets: new Map(secrets.map(({ clientId: _, ...secret }): [string, ClientSecret] => [secret.id, secret])),
    keys: new Map(keys.map(({ clientId: _, ...key }): [string, ClientKey] => [key.kid, key]))
  }
}
