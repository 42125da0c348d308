/** `POST /oauth/v2/token`: the checks in the order of the contract, cheapest first, then the token. */
import { isDeepStrictEqual } from 'node:util'
import type { RouteHandlerMethod } from 'fastify'
import { earliestIssue } from '../access-tokens/cut-off.ts'
import type { AccessToken, Mint } from '../access-tokens/mint.ts'
import { stoppedMeanwhile } from '../access-tokens/stopped-meanwhile.ts'
import type { Authenticate, AuthenticatedClient } from '../clients/authenticate.ts'
import type { Client } from '../clients/client.ts'
import type { ClientDirectory } from '../clients/directory.ts'
import type { CredentialUsage } from '../credential-usage/usage.ts'
import type { Dpop } from '../dpop/proof.ts'
import { readForm } from '../http/body.ts'
import { credentialSources } from '../http/credential.ts'
import { unauthorizedClient } from '../oauth/errors.ts'
import type { Organization, OrganizationDirectory } from '../organizations/organization.ts'
import type { ResourceDirectory } from '../resources/resource.ts'
import { confirmationOf } from './confirmation.ts'
import { decide, type Wish } from './decide.ts'
import { selectGrant, type GrantRules, type Grants } from './grants/index.ts'
import { readWish, tokenRequestRules } from './request.ts'
import { tokenResponse } from './response.ts'

interface TokenEndpointDependencies {
  readonly grants: Grants
  readonly grantRules: GrantRules
  readonly dpop: Dpop
  readonly authenticate: Authenticate
  readonly clients: Pick<ClientDirectory, 'get'>
  readonly organizations: Pick<OrganizationDirectory, 'get'>
  readonly resources: ResourceDirectory
  readonly mint: Mint
  readonly usage: Pick<CredentialUsage, 'minted'>
}

/**
 * @see [RFC 6749 §3.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.2)
 * @see [RFC 8693 §2](https://www.rfc-editor.org/rfc/rfc8693.html#section-2)
 * @see [RFC 8705 §3](https://www.rfc-editor.org/rfc/rfc8705.html#section-3)
 * @see [RFC 9449 §5](https://www.rfc-editor.org/rfc/rfc9449.html#section-5)
 */
export function createTokenEndpoint ({ grants, grantRules, dpop, authenticate, clients, organizations, resources, mint, usage }: TokenEndpointDependencies): RouteHandlerMethod {
  /**
   * While the database was waited for, the client, what it authenticated with or an API may have been stopped: no token
   * leaves after that was said to be done.
   */
  function requireStanding (caller: AuthenticatedClient, wish: Wish, token: AccessToken): void {
    const [client, organization] = [clients.get(caller.client.id), organizations.get(caller.organization.id)]
    const isStanding = client !== undefined && organization !== undefined && isAsBefore(caller.client, client) && isSame(caller.organization, organization) &&
      token.issuedAt >= earliestIssue(client) && token.issuedAt >= earliestIssue(organization)
    if (!isStanding) throw stoppedMeanwhile('stopped or changed meanwhile')
    decide(client, wish, resources)
  }

  return async (request, reply) => {
    const form = readForm(request, tokenRequestRules)
    const grant = selectGrant(form, grants, grantRules)
    const presented = dpop.read(request.raw.headersDistinct['dpop'] ?? [])
    const caller = await authenticate(credentialSources(request, form, grant.assertionParameter))
    request.clientId = caller.client.id
    if (!caller.client.grants.includes(grant.grantType)) throw unauthorizedClient(`This client may not use the grant_type ${grant.grantType}.`)
    const proof = dpop.verify(presented, caller.client)
    const confirmation = confirmationOf(caller.client, proof, request.certificate)
    const granted = await grant.read(form, caller)
    const wish = readWish(form, granted)
    const decision = decide(caller.client, wish, resources)
    if (proof !== undefined) await dpop.use(proof)
    const minted = mint({ ...caller, ...decision, ...granted, ...confirmation === undefined ? {} : { confirmation } })
    const token = await minted
    await granted.record?.(token)
    if (proof !== undefined || granted.record !== undefined || minted instanceof Promise) requireStanding(caller, wish, token)
    usage.minted(caller.client, caller.credential)
    const nonce = proof === undefined ? undefined : dpop.nextNonce()
    if (nonce !== undefined) reply.header('DPoP-Nonce', nonce)
    request.outcome = 'token.issued'
    return reply.type('application/json').send(tokenResponse(token, decision.scopes, granted.issuedTokenType))
  }
}

/**
 * Any change counts, for a token rests on much of a client: its grants, methods, secrets and keys, what it may exchange tokens
 * for, what its tokens are bound to. Only how a secret is stored may change, as it does after its first use, and the cut-off,
 * which says itself what it means for a token.
 */
function isAsBefore (before: Client, now: Client): boolean {
  return now === before || isSame(withoutHashes(before), withoutHashes(now))
}

function withoutHashes ({ secrets, ...client }: Client): Omit<Client, 'secrets'> & { readonly secrets: readonly object[] } {
  return { ...client, secrets: [...secrets.values()].map((secret) => ({ ...secret, hash: undefined, verifier: undefined })) }
}

function isSame<Owner extends Pick<Client | Organization, 'tokensRevokedBefore'>> (before: Owner, now: Owner): boolean {
  return isDeepStrictEqual({ ...before, tokensRevokedBefore: null }, { ...now, tokensRevokedBefore: null })
}
