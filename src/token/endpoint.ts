/** `POST /oauth/v2/token`: the checks in the order of the contract, cheapest first, then the token. */
import type { RouteHandlerMethod } from 'fastify'
import type { Mint } from '../access-tokens/mint.ts'
import type { Authenticate } from '../clients/authenticate.ts'
import type { Dpop } from '../dpop/proof.ts'
import { readForm } from '../http/body.ts'
import { credentialSources } from '../http/credential.ts'
import { unauthorizedClient } from '../oauth/errors.ts'
import type { ResourceDirectory } from '../resources/resource.ts'
import { confirmationOf } from './confirmation.ts'
import { decide } from './decide.ts'
import { selectGrant, type GrantRules, type Grants } from './grants/index.ts'
import { readWish, tokenRequestRules } from './request.ts'
import { tokenResponse } from './response.ts'

interface TokenEndpointDependencies {
  readonly grants: Grants
  readonly grantRules: GrantRules
  readonly dpop: Dpop
  readonly authenticate: Authenticate
  readonly resources: ResourceDirectory
  readonly mint: Mint
}

/**
 * @see [RFC 6749 §3.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.2)
 * @see [RFC 8693 §2](https://www.rfc-editor.org/rfc/rfc8693.html#section-2)
 * @see [RFC 8705 §3](https://www.rfc-editor.org/rfc/rfc8705.html#section-3)
 * @see [RFC 9449 §5](https://www.rfc-editor.org/rfc/rfc9449.html#section-5)
 */
export function createTokenEndpoint ({ grants, grantRules, dpop, authenticate, resources, mint }: TokenEndpointDependencies): RouteHandlerMethod {
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
    const decision = decide(caller.client, readWish(form, granted), resources)
    if (proof !== undefined) await dpop.use(proof)
    const token = mint({ ...caller, ...decision, ...granted, ...confirmation === undefined ? {} : { confirmation } })
    await granted.record?.(token)
    const nonce = proof === undefined ? undefined : dpop.nextNonce()
    if (nonce !== undefined) reply.header('DPoP-Nonce', nonce)
    request.outcome = 'token.issued'
    return reply.type('application/json').send(tokenResponse(token, decision.scopes, granted.issuedTokenType))
  }
}
