/** Registering clients and their secrets: what the CLI and the first start call. A secret is returned once and never again. */
import type { Clock } from '../clock.ts'
import { defaultGrants, jwtBearerGrant, tokenExchangeGrant, type GrantType } from '../oauth/grant-types.ts'
import { defaultAuthenticationMethods, type AuthenticationMethod } from '../oauth/authentication-methods.ts'
import type { Environment } from '../environment.ts'
import { newIdentifier } from '../identifiers.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import type { Sealer } from '../sealing/sealer.ts'
import { defaultDpopSetting, isUsable, type Client, type ClientType, type DpopSetting } from './client.ts'
import { needsSealedSecrets, sealSecret } from './sealed-secret.ts'
import type { SecretFormat } from './secret-format.ts'
import type { SecretHasher } from './secrets.ts'
import type { NewClient, NewSecret } from './rows.ts'
import type { ClientStore } from './store.ts'

export interface Registration {
  /** @throws OperatorError for a scope that does not exist */
  register (input: RegistrationInput): Promise<{ readonly client: Client, readonly secret: string }>
  /** For a client of which no method needs a secret. @throws OperatorError as register */
  registerWithoutSecret (input: RegistrationInput): Promise<Client>
  /** @throws OperatorError when the client has too many usable secrets already */
  addSecret (client: Client, expiresAt: Date | null): Promise<{ readonly secretId: string, readonly secret: string }>
}

export interface RegistrationInput {
  readonly name: string
  readonly organizationId: string
  readonly environment: Environment
  /** Default: a service client. */
  readonly type?: ClientType
  /** Default: the scopes marked as default that are neither deprecated nor disabled, and none for a client that stands for a resource. */
  readonly scopes: readonly string[] | undefined
  /** Default: client_credentials for a client that may have scopes, and jwt-bearer too for a JWT client; else none. */
  readonly grants: readonly GrantType[] | undefined
  /** Default: the secret in the header or in the body. */
  readonly authenticationMethods?: readonly AuthenticationMethod[]
  readonly jwksUri?: string | null
  readonly acceptsEndpointAudienceUntil?: Date | null
  /** The id of the resource that the client stands for at introspection. */
  readonly resourceId: string | null
  /** Default: that of every client. */
  readonly accessTokenTtlSeconds?: number | null
  /** Default: allowed. */
  readonly dpop?: DpopSetting
  /** Default: no. */
  readonly certificateBoundTokens?: boolean
  /** Default: none. */
  readonly certificateSubject?: string | null
  readonly certificateThumbprints?: readonly string[]
  /** Ids of resources. Default: none. */
  readonly exchangeResources?: readonly string[]
}

export interface ScopeChoice { readonly name: string, readonly isDefault: boolean, readonly isDeprecated: boolean, readonly disabledAt: Date | null }

interface RegistrationDependencies {
  readonly store: ClientStore
  readonly format: SecretFormat
  readonly hasher: SecretHasher
  readonly sealer: Pick<Sealer, 'seal'>
  readonly clock: Clock
  /** Every scope that exists, and whether new clients get it. */
  readonly readScopes: () => Promise<readonly ScopeChoice[]>
}

export const maxUsableSecrets = 10

/** What a client may ask for when nobody says it. */
export function scopesByDefault (existing: readonly ScopeChoice[], resourceId: string | null): readonly string[] {
  const isForNewClients = ({ isDefault, isDeprecated, disabledAt }: ScopeChoice): boolean => isDefault && !isDeprecated && disabledAt === null
  return resourceId === null ? existing.filter(isForNewClients).map(({ name }) => name) : []
}

export function grantsByDefault (scopes: readonly string[], resourceId: string | null, type: ClientType): readonly GrantType[] {
  if (scopes.length === 0 && resourceId !== null) return []
  return type === 'jwt' ? [...defaultGrants, jwtBearerGrant] : defaultGrants
}

/** @returns why clients of this type cannot have these grants */
export function grantObjection (type: ClientType, grants: readonly string[]): string | undefined {
  if (type === 'service' && grants.includes(jwtBearerGrant)) return `Only a JWT client can have the grant ${jwtBearerGrant}: a service client acts for no players.`
  if (type === 'jwt' && grants.includes(tokenExchangeGrant)) return `Only a service client can have the grant ${tokenExchangeGrant}: it is for services that are shown tokens.`
  return undefined
}

export function createRegistration ({ store, format, hasher, sealer, clock, readScopes }: RegistrationDependencies): Registration {
  async function chooseScopes (wanted: readonly string[] | undefined, resourceId: string | null): Promise<readonly string[]> {
    const existing = await readScopes()
    if (wanted === undefined) return scopesByDefault(existing, resourceId)
    const unknown = wanted.filter((scope) => !existing.some(({ name }) => name === scope))
    if (unknown.length > 0) {
      throw new OperatorError(`There is no scope ${unknown.join(', ')}. Create it first, or choose among those that scope list shows.`, { exitCode: exitCodes.refused })
    }
    return [...new Set(wanted)]
  }

  type Holder = Pick<Client, 'id' | 'environment' | 'type' | 'authenticationMethods'>

  async function newSecret (holder: Holder, expiresAt: Date | null): Promise<{ readonly row: NewSecret, readonly secret: string }> {
    const { id, secret } = format.generate(holder.id, holder.environment)
    const sealedSecret = needsSealedSecrets(holder) ? sealSecret(sealer, holder.id, id, secret) : null
    return { row: { id, hash: await hasher.hash(secret), sealedSecret, expiresAt }, secret }
  }

  async function newClient (input: RegistrationInput): Promise<NewClient & { readonly type: ClientType }> {
    const { type = 'service', scopes: wanted, grants, authenticationMethods = defaultAuthenticationMethods, accessTokenTtlSeconds = null, dpop = defaultDpopSetting, certificateBoundTokens = false, certificateSubject = null, certificateThumbprints = [], exchangeResources = [], ...named } = input
    const objection = grantObjection(type, grants ?? [])
    if (objection !== undefined) throw new OperatorError(objection, { exitCode: exitCodes.refused })
    const scopes = await chooseScopes(wanted, input.resourceId)
    return {
      ...named,
      id: newIdentifier(`cl_${input.environment}`),
      type,
      grants: grants ?? grantsByDefault(scopes, input.resourceId, type),
      authenticationMethods,
      accessTokenTtlSeconds,
      dpop,
      certificateBoundTokens,
      certificateSubject,
      certificateThumbprints,
      exchangeResources,
      scopes
    }
  }

  return {
    async register (input) {
      const client = await newClient(input)
      const { row, secret } = await newSecret(client, null)
      return { client: await store.create({ ...client, secret: row }), secret }
    },

    registerWithoutSecret: async (input) => await store.create(await newClient(input)),

    async addSecret (client, expiresAt) {
      const usable = [...client.secrets.values()].filter((secret) => isUsable(secret, clock())).length
      if (usable >= maxUsableSecrets) {
        throw new OperatorError(`The client ${client.id} has ${usable} usable secrets, and ${maxUsableSecrets} is the most. Revoke one first.`, { exitCode: exitCodes.refused })
      }
      const { row, secret } = await newSecret(client, expiresAt)
      await store.addSecret(client.id, row)
      return { secretId: row.id, secret }
    }
  }
}
