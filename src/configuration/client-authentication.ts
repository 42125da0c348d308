/** How the file says how a client authenticates, apart from its secret and its keys: read, compared and exported. */
import type { Client } from '../clients/client.ts'
import { authenticationMethods, defaultAuthenticationMethods, needsSecret } from '../oauth/authentication-methods.ts'
import type { ClientEntry } from './document.ts'
import { differences } from './words.ts'

export type Authentication = Pick<Client, 'authenticationMethods' | 'jwksUri' | 'acceptsEndpointAudienceUntil'>

export function wantedAuthentication ({ authentication_methods: methods, jwks_uri: jwksUri, accepts_endpoint_audience_until: until }: ClientEntry): Authentication {
  return {
    authenticationMethods: methods ?? defaultAuthenticationMethods,
    jwksUri: jwksUri ?? null,
    acceptsEndpointAudienceUntil: until === undefined ? null : new Date(until)
  }
}

/** What is worth saying of a new client. */
export function describedAuthentication ({ authenticationMethods: methods, jwksUri }: Authentication): readonly string[] {
  return [...isDefault(methods) ? [] : [`authenticates by ${methods.join(' or ')}`], ...jwksUri === null ? [] : [`keys at ${jwksUri}`]]
}

export function changedAuthentication (before: Authentication, after: Authentication): readonly string[] {
  const [gained, lost] = differences(before.authenticationMethods, after.authenticationMethods)
  const until = after.acceptsEndpointAudienceUntil
  return [
    ...gained.length === 0 ? [] : [`may authenticate by ${gained.join(' ')}`],
    ...lost.length === 0 ? [] : [`may not authenticate by ${lost.join(' ')} any more`],
    ...before.jwksUri === after.jwksUri ? [] : [`keys at ${after.jwksUri ?? 'no jwks_uri'} instead of ${before.jwksUri ?? 'none'}`],
    ...before.acceptsEndpointAudienceUntil?.getTime() === until?.getTime()
      ? []
      : [until === null ? 'assertions may not name the token endpoint any more' : `assertions may name the token endpoint until ${until.toISOString()}`]
  ]
}

/** Of a client that the file gives no secret. */
export function lacksSecret ({ authenticationMethods: methods }: Authentication, { secret }: ClientEntry): boolean {
  return secret === undefined && methods.some(needsSecret)
}

export function exportedAuthentication ({ authenticationMethods: methods, jwksUri, acceptsEndpointAudienceUntil: until }: Authentication): Pick<ClientEntry, 'authentication_methods' | 'jwks_uri' | 'accepts_endpoint_audience_until'> {
  return {
    ...isDefault(methods) ? {} : { authentication_methods: authenticationMethods.filter((method) => methods.includes(method)) },
    ...jwksUri === null ? {} : { jwks_uri: jwksUri },
    ...until === null ? {} : { accepts_endpoint_audience_until: until.toISOString() }
  }
}

function isDefault (methods: readonly string[]): boolean {
  return methods.length === defaultAuthenticationMethods.length && defaultAuthenticationMethods.every((method) => methods.includes(method))
}
