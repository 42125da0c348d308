/**
 * Token exchange: a service that was shown a token gets another one for what it has to do with it. Who the token is
 * about stays; who it was issued to is the service. Only what was verified is read of the tokens.
 */
import { audiencesOf, statusOf, type CheckActive } from '../../access-tokens/active.ts'
import type { Client } from '../../clients/client.ts'
import type { ExchangedTokens } from '../../exchanged-tokens/directory.ts'
import { maxExchanges } from '../../exchanged-tokens/exchanged-token.ts'
import { badActorToken, badSubjectToken } from '../../exchanged-tokens/refusals.ts'
import { parameter, type Form } from '../../http/form.ts'
import type { AccessTokenClaims, Actor } from '../../oauth/claims.ts'
import { invalidRequest, unauthorizedClient } from '../../oauth/errors.ts'
import { tokenExchangeGrant } from '../../oauth/grant-types.ts'
import { accessTokenIdentifier, isTokenTypeIdentifier, tokenTypeIdentifiers, type TokenTypeIdentifier } from '../../oauth/token-type-identifiers.ts'
import type { Resource, ResourceDirectory } from '../../resources/resource.ts'
import type { GrantHandler } from './grant.ts'

export interface TokenExchangeDependencies {
  readonly issuer: string
  readonly checkActive: CheckActive
  readonly resources: Pick<ResourceDirectory, 'get'>
  readonly exchangedTokens: Pick<ExchangedTokens, 'add'>
}

interface ExchangeParameters {
  readonly subjectToken: string
  readonly actorToken: string | undefined
  readonly issuedTokenType: TokenTypeIdentifier
}

/**
 * @see [RFC 8693 §2.1](https://www.rfc-editor.org/rfc/rfc8693.html#section-2.1)
 * @see [RFC 8693 §4.1](https://www.rfc-editor.org/rfc/rfc8693.html#section-4.1)
 */
export function createTokenExchange ({ issuer, checkActive, resources, exchangedTokens }: TokenExchangeDependencies): GrantHandler {
  /** Judged as introspection judges it, asked by this client. */
  async function readSubject (token: string, client: Client, resource: Resource): Promise<{ readonly claims: AccessTokenClaims, readonly kid: string }> {
    const found = await checkActive(token)
    if (!found.active) throw badSubjectToken(`subject token: ${found.reason}`)
    if (resource.disabledAt !== null) throw badSubjectToken('the resource that the client stands for is disabled')
    if (found.claims.env !== client.environment) throw badSubjectToken('the subject token is of another environment')
    if (!audiencesOf(found.claims).includes(resource.identifier)) throw badSubjectToken('the subject token is for another resource')
    if (found.lineage.length >= maxExchanges) throw invalidRequest(`The subject_token is the outcome of ${maxExchanges} exchanges in a row, which is the most.`)
    return found
  }

  /** An exchanged token does not say of whoever has it that it is its subject, so it makes no actor. */
  async function readActor (token: string, client: Client, resource: Resource): Promise<AccessTokenClaims> {
    const found = await checkActive(token)
    if (!found.active) throw badActorToken(`actor token: ${found.reason}`)
    const { claims } = found
    if (claims.env !== client.environment) throw badActorToken('the actor token is of another environment')
    if (claims.client_id !== client.id && !audiencesOf(claims).includes(resource.identifier)) throw badActorToken('the actor token is another client\'s, and for another resource')
    if (found.lineage.length > 0) throw badActorToken('the actor token is an exchanged one')
    return claims
  }

  return {
    grantType: tokenExchangeGrant,
    async read (form, { client }) {
      const resource = client.resourceId === null ? undefined : resources.get(client.resourceId)
      if (client.type !== 'service' || resource === undefined) throw unauthorizedClient('Only a client that stands for a resource may exchange tokens.')
      const { subjectToken, actorToken, issuedTokenType } = readParameters(form)
      const { claims, kid } = await readSubject(subjectToken, client, resource)
      const actor = actorToken === undefined ? undefined : await readActor(actorToken, client, resource)
      const act = actor === undefined ? claims.act : actorClaim(actor, claims.act)
      return {
        subject: {
          sub: claims.sub,
          organizationId: claims.org,
          expiresBy: Math.min(claims.exp, actor?.exp ?? Infinity),
          ...claims.player_id === undefined ? {} : { playerId: claims.player_id },
          ...act === undefined ? {} : { actor: act }
        },
        bounds: { ownResource: resource.id, otherResources: client.exchangeResources, audiences: audiencesOf(claims), scopes: claims.scope.split(' ') },
        issuedTokenType,
        async record ({ jti, expiresAt, status }) {
          const { jti: subjectJti, client_id: clientId, org: organizationId, iat: issuedAt } = claims
          const isStored = await exchangedTokens.add({ jti, subjectJti, clientId, organizationId, issuedAt, kid, resourceId: resource.id, expiresAt, status, subjectStatus: statusOf(claims, issuer) })
          if (!isStored) throw badSubjectToken('the subject token was revoked meanwhile')
          // Storing was waited for, and unlike the subject token the actor token is none of what the database looks at.
          if (actorToken !== undefined) await readActor(actorToken, client, resource)
        }
      }
    }
  }
}

/**
 * What must be there, and what each token is said to be. What else there may be (SAML, ID tokens) this server has not.
 * @throws OAuthError `invalid_request`
 */
function readParameters (form: Form): ExchangeParameters {
  const [subjectToken, actorToken] = [parameter(form, 'subject_token'), parameter(form, 'actor_token')]
  if (subjectToken === undefined) throw invalidRequest('subject_token is missing: send the access token that is to be exchanged.')
  if (readType(form, 'subject_token_type') === undefined) throw invalidRequest(`subject_token_type is missing: send ${accessTokenIdentifier}.`)
  const actorTokenType = readType(form, 'actor_token_type')
  if (actorToken !== undefined && actorTokenType === undefined) throw invalidRequest(`actor_token_type is missing: send ${accessTokenIdentifier}.`)
  if (actorToken === undefined && actorTokenType !== undefined) throw invalidRequest('actor_token is missing: actor_token_type is there without it.')
  const requested = readType(form, 'requested_token_type')
  if (form.has('player_id')) throw invalidRequest('The player is that of the subject_token: leave player_id out.')
  return { subjectToken, actorToken, issuedTokenType: requested ?? accessTokenIdentifier }
}

function readType (form: Form, name: string): TokenTypeIdentifier | undefined {
  const type = parameter(form, name)
  if (type !== undefined && !isTokenTypeIdentifier(type)) throw invalidRequest(`${name} takes ${tokenTypeIdentifiers.join(' or ')}.`)
  return type
}

/** Who acts now, and before it whoever acted for the subject already. */
function actorClaim ({ sub, client_id: clientId }: AccessTokenClaims, before: Actor | undefined): Actor {
  return { sub, ...clientId === sub ? {} : { client_id: clientId }, ...before === undefined ? {} : { act: before } }
}
