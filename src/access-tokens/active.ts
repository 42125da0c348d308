/** Is this access token active: ours, unexpired, unrevoked, and of a client that may still act? Stored facts beat the token's own claims. */
import type { ClientDirectory } from '../clients/directory.ts'
import type { AccessTokenClaims } from '../oauth/claims.ts'
import type { OrganizationDirectory } from '../organizations/organization.ts'
import type { ResourceDirectory } from '../resources/resource.ts'
import type { Revocations } from './revocations.ts'
import type { VerifyAccessToken } from './verify.ts'

export type ActiveToken =
  | { readonly active: true, readonly claims: AccessTokenClaims }
  | { readonly active: false, readonly reason: string }

export type CheckActive = (token: string) => Promise<ActiveToken>

interface ActiveDependencies {
  readonly verify: VerifyAccessToken
  readonly revocations: Pick<Revocations, 'isRevoked'>
  readonly clients: Pick<ClientDirectory, 'get'>
  readonly organizations: Pick<OrganizationDirectory, 'get'>
  readonly resources: Pick<ResourceDirectory, 'byIdentifier'>
}

/**
 * The reason is for the operator (log, CLI), never for the caller of introspection.
 * @see [RFC 7662 §4](https://www.rfc-editor.org/rfc/rfc7662.html#section-4)
 */
export function createCheckActive ({ verify, revocations, clients, organizations, resources }: ActiveDependencies): CheckActive {
  function objection (claims: AccessTokenClaims): string | undefined {
    if (revocations.isRevoked(claims.jti)) return 'it was revoked'
    const client = clients.get(claims.client_id)
    if (client === undefined) return 'its client is unknown'
    if (client.environment !== claims.env || client.organizationId !== claims.org || (client.type === 'jwt') !== (claims.player_id !== undefined)) return 'its client is not what its claims say'
    const organization = organizations.get(client.organizationId)
    if (organization === undefined) return 'its organization is unknown'
    for (const [owner, { disabledAt, tokensRevokedBefore }] of [['client', client], ['organization', organization]] as const) {
      if (disabledAt !== null) return `its ${owner} is disabled`
      if (tokensRevokedBefore !== null && claims.iat <= Math.floor(tokensRevokedBefore.getTime() / 1000)) return `the earlier tokens of its ${owner} were revoked`
    }
    const usable = audiencesOf(claims).some((audience) => resources.byIdentifier(audience)?.disabledAt === null)
    return usable ? undefined : 'its resource is unknown or disabled'
  }

  return async (token) => {
    const verified = await verify(token)
    if ('refused' in verified) return { active: false, reason: verified.refused }
    const reason = objection(verified.claims)
    return reason === undefined ? { active: true, claims: verified.claims } : { active: false, reason }
  }
}

export function audiencesOf ({ aud }: AccessTokenClaims): readonly string[] {
  return typeof aud === 'string' ? [aud] : aud
}
