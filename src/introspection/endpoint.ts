/** `POST /oauth/v2/introspect`: is this token active, and what is in it, for the resource that the caller stands for. */
import type { RouteHandlerMethod } from 'fastify'
import { audiencesOf, type CheckActive } from '../access-tokens/active.ts'
import type { Authenticate } from '../clients/authenticate.ts'
import type { Client } from '../clients/client.ts'
import { readForm } from '../http/body.ts'
import { credentialSources } from '../http/credential.ts'
import { parameter } from '../http/form.ts'
import type { AccessTokenClaims } from '../oauth/claims.ts'
import { invalidRequest } from '../oauth/errors.ts'
import type { ResourceDirectory } from '../resources/resource.ts'
import { introspectionRules, type IntrospectionBody } from './operation.ts'

interface IntrospectionDependencies {
  readonly authenticate: Authenticate
  readonly checkActive: CheckActive
  readonly resources: Pick<ResourceDirectory, 'get'>
}

const inactive = JSON.stringify({ active: false } satisfies IntrospectionBody)

/**
 * Whatever is no active token for the caller's own resource and environment gets the same answer.
 * @see [RFC 7662 §2](https://www.rfc-editor.org/rfc/rfc7662.html#section-2)
 */
export function createIntrospectionEndpoint ({ authenticate, checkActive, resources }: IntrospectionDependencies): RouteHandlerMethod {
  function objectionOf (caller: Client, claims: AccessTokenClaims): string | undefined {
    const resource = caller.resourceId === null ? undefined : resources.get(caller.resourceId)
    if (resource === undefined) return 'the caller stands for no resource'
    if (caller.environment !== claims.env) return 'it is of another environment than the caller'
    return audiencesOf(claims).includes(resource.identifier) ? undefined : 'it is for another resource than the caller\'s'
  }

  return async (request, reply) => {
    const form = readForm(request, introspectionRules)
    const { client } = await authenticate(credentialSources(request, form))
    request.clientId = client.id
    const token = parameter(form, 'token')
    if (token === undefined) throw invalidRequest('token is missing: send the access token to look at.')
    reply.type('application/json')
    const found = await checkActive(token)
    const objection = found.active ? objectionOf(client, found.claims) : found.reason
    request.outcome = objection === undefined ? 'token.introspected' : 'token.introspected_inactive'
    request.cause = objection
    if (!found.active || objection !== undefined) return reply.send(inactive)
    const active: IntrospectionBody = { active: true, token_type: 'Bearer', ...found.claims }
    return reply.send(JSON.stringify(active))
  }
}
