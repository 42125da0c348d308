/** `POST /oauth/v2/revoke`: a client kills one of its own tokens. 200 means durable, here and after a crash. */
import type { RouteHandlerMethod } from 'fastify'
import { statusOf } from '../access-tokens/active.ts'
import type { Revocations } from '../access-tokens/revocations.ts'
import type { VerifyAccessToken } from '../access-tokens/verify.ts'
import type { Attribution } from '../audit/audit-record.ts'
import type { Authenticate } from '../clients/authenticate.ts'
import { readForm } from '../http/body.ts'
import { credentialSources } from '../http/credential.ts'
import { parameter } from '../http/form.ts'
import type { AccessTokenClaims } from '../oauth/claims.ts'
import { invalidRequest, temporarilyUnavailable, unauthorizedClient } from '../oauth/errors.ts'
import type { StatusLists } from '../status-lists/directory.ts'
import { notStored, revocationRules } from './operation.ts'

interface RevocationDependencies {
  readonly authenticate: Authenticate
  readonly verify: VerifyAccessToken
  readonly issuer: string
  readonly revocations: Pick<Revocations, 'revoke' | 'isRevoked'>
  readonly statusLists: Pick<StatusLists, 'revoke' | 'isRevoked'>
}

/**
 * An expired, foreign or unreadable token is as good as revoked: 200 (RFC 7009 §2.2). `token_type_hint` is not needed.
 * @see [RFC 7009 §2](https://www.rfc-editor.org/rfc/rfc7009.html#section-2)
 */
export function createRevocationEndpoint ({ authenticate, verify, issuer, revocations, statusLists }: RevocationDependencies): RouteHandlerMethod {
  function isRevoked (claims: AccessTokenClaims): boolean {
    const status = statusOf(claims, issuer)
    return status === undefined ? revocations.isRevoked(claims.jti) : statusLists.isRevoked(status)
  }

  async function revoke (claims: AccessTokenClaims, by: Attribution): Promise<void> {
    const status = statusOf(claims, issuer)
    try {
      if (status === undefined) await revocations.revoke({ jti: claims.jti, clientId: claims.client_id, expiresAt: new Date(claims.exp * 1000) }, by)
      else await statusLists.revoke({ listId: status.listId, firstIndex: status.index, lastIndex: status.index }, by)
    } catch (error) {
      throw temporarilyUnavailable(notStored, 2, error)
    }
  }

  return async (request, reply) => {
    const form = readForm(request, revocationRules)
    const { client } = await authenticate(credentialSources(request, form))
    request.clientId = client.id
    const token = parameter(form, 'token')
    if (token === undefined) throw invalidRequest('token is missing: send the access token to revoke.')
    const verified = await verify(token)
    if ('refused' in verified) {
      request.outcome = 'token.nothing_to_revoke'
      request.cause = verified.refused
    } else {
      if (verified.claims.client_id !== client.id) throw unauthorizedClient('This token was issued to another client, which alone may revoke it.')
      if (!isRevoked(verified.claims)) await revoke(verified.claims, { actor: `client ${client.id}`, reason: `asked for in the request ${request.id}` })
      request.outcome = 'token.revoked'
    }
    return reply.code(200).type('application/json').send()
  }
}
