/** `POST /oauth/v2/introspect`: is this token active, and what is in it, for the resource that the caller stands for. */
import type { RouteHandlerMethod } from 'fastify'
import { audiencesOf, type CheckActive } from '../access-tokens/active.ts'
import type { Authenticate } from '../clients/authenticate.ts'
import type { Client } from '../clients/client.ts'
import { asksFor } from '../http/accept.ts'
import { readForm } from '../http/body.ts'
import { credentialSources } from '../http/credential.ts'
import { parameter } from '../http/form.ts'
import { tokenTypeOf, type AccessTokenClaims } from '../oauth/claims.ts'
import { invalidRequest } from '../oauth/errors.ts'
import type { ResourceDirectory } from '../resources/resource.ts'
import type { IntrospectionBody } from './body.ts'
import { introspectionRules } from './operation.ts'
import { signedMediaType, type SignIntrospection } from './signed.ts'

interface IntrospectionDependencies {
  readonly authenticate: Authenticate
  readonly checkActive: CheckActive
  readonly resources: Pick<ResourceDirectory, 'get'>
  readonly sign: SignIntrospection
  /** How old what this process knows may be. */
  readonly stalenessSeconds: () => number
}

const inactive: IntrospectionBody = { active: false }

/**
 * Whatever is no active token for the caller's own resource and environment gets the same answer.
 * @see [RFC 7662 §2](https://www.rfc-editor.org/rfc/rfc7662.html#section-2)
 * @see [RFC 9701 §4](https://www.rfc-editor.org/rfc/rfc9701.html#section-4)
 */
export function createIntrospectionEndpoint ({ authenticate, checkActive, resources, sign, stalenessSeconds }: IntrospectionDependencies): RouteHandlerMethod {
  function objectionOf (caller: Client, claims: AccessTokenClaims): string | undefined {
    const resource = caller.resourceId === null ? undefined : resources.get(caller.resourceId)
    if (resource === undefined) return 'the caller stands for no resource'
    if (resource.disabledAt !== null) return 'the resource that the caller stands for is disabled'
    if (caller.environment !== claims.env) return 'it is of another environment than the caller'
    return audiencesOf(claims).includes(resource.identifier) ? undefined : 'it is for another resource than the caller\'s'
  }

  return async (request, reply) => {
    const form = readForm(request, introspectionRules)
    const { client } = await authenticate(credentialSources(request, form))
    request.clientId = client.id
    const token = parameter(form, 'token')
    if (token === undefined) throw invalidRequest('token is missing: send the access token to look at.')
    const found = await checkActive(token)
    const objection = found.active ? objectionOf(client, found.claims) : found.reason
    request.outcome = objection === undefined ? 'token.introspected' : 'token.introspected_inactive'
    request.cause = objection
    const body: IntrospectionBody = found.active && objection === undefined ? { active: true, token_type: tokenTypeOf(found.claims.cnf), ...found.claims } : inactive
    reply.header('Signet-Staleness', String(Math.ceil(stalenessSeconds())))
    if (asksFor(signedMediaType, request.headers.accept)) return reply.type(signedMediaType).send(sign(client, body))
    return reply.type('application/json').send(JSON.stringify(body))
  }
}
