/** A client is a registered application of an organization. This folder knows who it is and what it may ask for. */
import type { Environment } from '../environment.ts'

/** A JWT client acts for the players of its organization: its tokens always name one. A service client's never do. */
export const clientTypes = ['service', 'jwt'] as const
export type ClientType = typeof clientTypes[number]

export interface ClientSecret {
  readonly id: string
  /** An operator's own secret, without a tag; it always takes the argon2 path. */
  readonly imported: boolean
  /** argon2id, PHC string format. */
  readonly hash: string
  /** HMAC-SHA-256, base64url; stored after the first success of a generated secret. */
  readonly verifier: string | null
  /** The secret itself, sealed: only of a client whose assertions are checked with it; see sealed-secret.ts. */
  readonly sealedSecret: string | null
  readonly createdAt: Date
  readonly expiresAt: Date | null
  /** For good. */
  readonly revokedAt: Date | null
  /** Until it is enabled again. */
  readonly disabledAt: Date | null
  /** The name of the configuration file that owns it; null: made by hand. */
  readonly managedBy: string | null
}

export const dpopSettings = ['off', 'allowed', 'required'] as const
export type DpopSetting = typeof dpopSettings[number]
export const defaultDpopSetting = 'allowed' satisfies DpopSetting

/** The public half of a key that the client signs assertions with. */
export interface ClientKey {
  readonly kid: string
  readonly algorithm: string
  /** As its row has it; public-jwk.ts says what it is worth. */
  readonly jwk: unknown
  readonly createdAt: Date
  readonly expiresAt: Date | null
  /** For good. */
  readonly revokedAt: Date | null
  /** The name of the configuration file that owns it; null: made by hand. */
  readonly managedBy: string | null
}

export interface Client {
  readonly id: string
  readonly organizationId: string
  readonly name: string
  readonly environment: Environment
  /** For good. */
  readonly type: ClientType
  readonly grants: readonly string[]
  readonly authenticationMethods: readonly string[]
  /** The resource that this client stands for at introspection. */
  readonly resourceId: string | null
  readonly scopes: ReadonlySet<string>
  readonly secrets: ReadonlyMap<string, ClientSecret>
  readonly keys: ReadonlyMap<string, ClientKey>
  /** Where the client publishes keys besides. */
  readonly jwksUri: string | null
  /** Until then its assertions may name the token endpoint as their audience; null: never. */
  readonly acceptsEndpointAudienceUntil: Date | null
  readonly createdAt: Date
  readonly disabledAt: Date | null
  /** Tokens issued at or before this moment are dead, for good. */
  readonly tokensRevokedBefore: Date | null
  /** The name of the configuration file that owns it; null: made by hand. */
  readonly managedBy: string | null
  /** The name of the configuration file that disabled it; null: by hand, if at all. */
  readonly disabledBy: string | null
  /** How long its tokens live, unless the resource allows less; null: the default. */
  readonly accessTokenTtlSeconds: number | null
  /** Whether its tokens are bound to the key of a DPoP proof: never, when it sends one, always. */
  readonly dpop: DpopSetting
  /** Whether its tokens are bound to the certificate of its TLS connection, without which it gets none. */
  readonly certificateBoundTokens: boolean
  /** For tls_client_auth: kind and name, such as `san_dns:backend.example.com`. */
  readonly certificateSubject: string | null
  /** For self_signed_tls_client_auth: SHA-256, base64url. */
  readonly certificateThumbprints: readonly string[]
  /** Ids of the resources that it may exchange tokens for, besides the one that it stands for. */
  readonly exchangeResources: readonly string[]
}

/** Whether a key may be used at the time given (milliseconds since the epoch). */
export function isUsableKey ({ revokedAt, expiresAt }: ClientKey, now: number): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt.getTime() > now)
}

/** Whether a secret may be used at the time given (milliseconds since the epoch). */
export function isUsable (secret: ClientSecret, now: number): boolean {
  return secret.revokedAt === null && secret.disabledAt === null && (secret.expiresAt === null || secret.expiresAt.getTime() > now)
}
