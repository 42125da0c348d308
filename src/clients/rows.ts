/** What is written to the tables of clients: whole rows, and what changes of one. */
import type { Environment } from '../environment.ts'
import type { Client, ClientKey, ClientSecret, ClientType, DpopSetting } from './client.ts'

export interface NewClient {
  readonly id: string
  readonly organizationId: string
  readonly name: string
  readonly environment: Environment
  /** Default: a service client. */
  readonly type?: ClientType
  readonly grants: readonly string[]
  readonly authenticationMethods: readonly string[]
  readonly resourceId: string | null
  readonly jwksUri?: string | null
  readonly acceptsEndpointAudienceUntil?: Date | null
  readonly accessTokenTtlSeconds?: number | null
  readonly dpop?: DpopSetting
  readonly certificateBoundTokens?: boolean
  readonly certificateSubject?: string | null
  readonly certificateThumbprints?: readonly string[]
  readonly exchangeResources?: readonly string[]
  readonly managedBy?: string | null
  readonly disabledAt?: Date | null
  readonly disabledBy?: string | null
  readonly scopes: readonly string[]
  readonly secret?: NewSecret
}

export interface NewSecret extends SecretPatch {
  readonly id: string
  readonly hash: string
  readonly imported?: boolean
  readonly sealedSecret?: string | null
  readonly managedBy?: string | null
}

/** Rows as a configuration file wants them. */
export type ConfiguredClient = Pick<Client,
  'id' | 'organizationId' | 'name' | 'environment' | 'type' | 'grants' | 'authenticationMethods' | 'jwksUri' | 'acceptsEndpointAudienceUntil' | 'resourceId' | 'accessTokenTtlSeconds' | 'dpop' | 'certificateBoundTokens' | 'certificateSubject' | 'certificateThumbprints' | 'exchangeResources' | 'disabledAt' | 'disabledBy' | 'managedBy'>
export interface KeyOfClient { readonly clientId: string, readonly kid: string }
export type ConfiguredKey = KeyOfClient & Pick<NewKey, 'algorithm' | 'jwk'>
/** Tokens that were issued by then are dead. */
export interface CutOff { readonly id: string, readonly before: Date }
export interface GrantedScope { readonly clientId: string, readonly scopeName: string }
export interface ImportedSecretRow { readonly id: string, readonly clientId: string, readonly hash: string, readonly sealedSecret: string | null, readonly managedBy: string }

export type ClientPatch = Partial<Pick<Client,
  'name' | 'organizationId' | 'grants' | 'authenticationMethods' | 'jwksUri' | 'acceptsEndpointAudienceUntil' | 'resourceId' | 'accessTokenTtlSeconds' | 'dpop' | 'certificateBoundTokens' | 'certificateSubject' | 'certificateThumbprints' | 'exchangeResources' | 'disabledAt' | 'disabledBy' | 'managedBy'>>
export interface ScopeChange {
  readonly add: readonly string[]
  readonly remove: readonly string[]
}
export type SecretPatch = Partial<Pick<ClientSecret, 'expiresAt' | 'disabledAt' | 'revokedAt'>>

export type NewKey = Pick<ClientKey, 'kid' | 'algorithm' | 'expiresAt'> & { readonly jwk: Readonly<Record<string, string>> }
