/** Is this access token active: ours, unexpired, unrevoked, and of a client that may still act? Stored facts beat the token's own claims. */
import type { ClientDirectory } from '../clients/directory.ts'
import type { ExchangedTokens } from '../exchanged-tokens/directory.ts'
import type { ExchangedToken } from '../exchanged-tokens/exchanged-token.ts'
import type { KeyRing } from '../keys/ring.ts'
import type { AccessTokenClaims } from '../oauth/claims.ts'
import type { OrganizationDirectory } from '../organizations/organization.ts'
import type { ResourceDirectory } from '../resources/resource.ts'
import type { StatusLists } from '../status-lists/directory.ts'
import { readStatusListUri, type StatusReference } from '../status-lists/status-list.ts'
import { earliestIssue } from './cut-off.ts'
import type { Revocations } from './revocations.ts'
import type { VerifyAccessToken } from './verify.ts'

export type ActiveToken =
  | { readonly active: true, readonly claims: AccessTokenClaims, readonly kid: string, readonly lineage: readonly ExchangedToken[] }
  | { readonly active: false, readonly reason: string }

/** @throws OAuthError `temporarily_unavailable` when it cannot be looked up what the token was exchanged for */
export type CheckActive = (token: string) => Promise<ActiveToken>

interface ActiveDependencies {
  readonly verify: VerifyAccessToken
  readonly revocations: Pick<Revocations, 'isRevoked'>
  readonly exchangedTokens: Pick<ExchangedTokens, 'lineage'>
  readonly statusLists: Pick<StatusLists, 'isRevokedOrUnknown'>
  readonly issuer: string
  readonly keys: Pick<KeyRing, 'find'>
  readonly clients: Pick<ClientDirectory, 'get'>
  readonly organizations: Pick<OrganizationDirectory, 'get'>
  readonly resources: Pick<ResourceDirectory, 'get' | 'byIdentifier'>
}

/**
 * The reason is for the operator (log, CLI), never for the caller of introspection.
 * @see [RFC 7662 §4](https://www.rfc-editor.org/rfc/rfc7662.html#section-4)
 */
export function createCheckActive ({ verify, revocations, exchangedTokens, statusLists, issuer, keys, clients, organizations, resources }: ActiveDependencies): CheckActive {
  function objection (claims: AccessTokenClaims, lineage: readonly ExchangedToken[]): string | undefined {
    if (revocations.isRevoked(claims.jti)) return 'it was revoked'
    if (clients.get(claims.client_id) === undefined) return 'its client is unknown'
    const agrees = lineage.length === 0 ? isOfItsClient(claims) : isOfItsSubject(claims, lineage)
    if (!agrees) return 'its client is not what its claims say'
    const own = objectionToOwners('its', claims.client_id, claims.iat)
    if (own !== undefined) return own
    for (const link of lineage) {
      const inherited = objectionToSubject(link)
      if (inherited !== undefined) return inherited
    }
    const usable = audiencesOf(claims).some((audience) => resources.byIdentifier(audience)?.disabledAt === null)
    return usable ? undefined : 'its resource is unknown or disabled'
  }

  /** Most tokens are about their client, or about a player of its organization, and nobody else acts. */
  function isOfItsClient ({ client_id: id, sub, env, org, player_id: player, act }: AccessTokenClaims): boolean {
    const client = clients.get(id)
    const subject = client?.type === 'jwt' ? `${org}:${player ?? ''}` : id
    return client?.environment === env && client.organizationId === org && (client.type === 'jwt') === (player !== undefined) && sub === subject && act === undefined
  }

  /** An exchanged token is about what the first token in its line is about, whoever its own client is. */
  function isOfItsSubject ({ client_id: id, env, org, player_id: player }: AccessTokenClaims, lineage: readonly ExchangedToken[]): boolean {
    const first = lineage.at(-1)
    const client = first === undefined ? undefined : clients.get(first.clientId)
    const isKnown = client === undefined || (client.environment === env && client.organizationId === org && (client.type === 'jwt') === (player !== undefined))
    return clients.get(id)?.environment === env && lineage.every(({ organizationId }) => organizationId === org) && isKnown
  }

  async function objectionOfStatus (claims: AccessTokenClaims): Promise<string | undefined> {
    const status = statusOf(claims, issuer)
    const isRevoked = status === undefined ? false : await statusLists.isRevokedOrUnknown(status, claims.env)
    if (isRevoked === undefined) return 'there is no such status list'
    return isRevoked ? 'it was revoked' : undefined
  }

  /** A client and its organization, as of when a token was issued. */
  function objectionToOwners (whose: string, clientId: string, issuedAt: number): string | undefined {
    const client = clients.get(clientId)
    if (client === undefined) return `${whose} client is unknown`
    const organization = organizations.get(client.organizationId)
    if (organization === undefined) return `${whose} organization is unknown`
    for (const [name, owner] of [['client', client], ['organization', organization]] as const) {
      if (owner.disabledAt !== null) return `${whose} ${name} is disabled`
      if (issuedAt < earliestIssue(owner)) return `the earlier tokens of ${whose} ${name} were revoked`
    }
    return undefined
  }

  /** The subject token itself is not at hand any more; this is what introspection would ask of it. */
  function objectionToSubject ({ subjectJti, clientId, issuedAt, kid, resourceId }: ExchangedToken): string | undefined {
    if (revocations.isRevoked(subjectJti)) return 'its subject token was revoked'
    if (keys.find(kid) === undefined) return 'the key of its subject token is not published any more'
    if (resources.get(resourceId)?.disabledAt !== null) return 'the resource of its subject token is unknown or disabled'
    return objectionToOwners('its subject token\'s', clientId, issuedAt)
  }

  return async (token) => {
    const verified = await verify(token)
    if ('refused' in verified) return { active: false, reason: verified.refused }
    const lineage = await exchangedTokens.lineage(verified.claims.jti)
    if (lineage === undefined) return { active: false, reason: 'it was exchanged, and nothing is known of the exchange' }
    // What is known of its owners says more than the bit of its status, which they set too.
    const reason = objection(verified.claims, lineage) ?? await objectionOfStatus(verified.claims)
    return reason === undefined ? { active: true, ...verified, lineage } : { active: false, reason }
  }
}

export function audiencesOf ({ aud }: AccessTokenClaims): readonly string[] {
  return typeof aud === 'string' ? [aud] : aud
}

/** Where the status of a token of ours is; undefined: it was issued before there were status lists. */
export function statusOf ({ status, env }: AccessTokenClaims, issuer: string): StatusReference | undefined {
  if (status === undefined) return undefined
  const { idx: index, uri } = status.status_list
  return { listId: readStatusListUri(uri, issuer, env) ?? '', index }
}
