/** How a client authenticates, as it is typed: options of create and update, and what a client lacks for its methods. */
import type { Command } from 'commander'
import { isUsable, isUsableKey, type Client } from '../clients/client.ts'
import { authenticationMethods, defaultAuthenticationMethods, type AuthenticationMethod } from '../oauth/authentication-methods.ts'
import { readAuthenticationMethod, readJwksUri, readTime } from './arguments.ts'

export interface AuthenticationOptions {
  readonly authenticationMethod?: readonly AuthenticationMethod[]
  readonly jwksUri?: string
  readonly acceptEndpointAudienceUntil?: Date | 'never'
}

type Chosen = Partial<Pick<Client, 'jwksUri' | 'acceptsEndpointAudienceUntil'>> & { readonly authenticationMethods?: readonly AuthenticationMethod[] }

export function addAuthenticationOptions (command: Command, verb: 'create' | 'update'): Command {
  const isNew = verb === 'create'
  return command
    .option('--authentication-method <method>', `how it authenticates: ${authenticationMethods.join(', ')}; may be repeated${isNew ? ` (default: ${defaultAuthenticationMethods.join(' and ')})` : ''}`, readAuthenticationMethod)
    .option('--jwks-uri <url>', `where it publishes the keys that it signs with, by https${isNew ? '' : '; none for nowhere'}`, (text) => text === 'none' && !isNew ? text : readJwksUri(text))
    .option('--accept-endpoint-audience-until <time>', `until when its assertions may name the token endpoint as their audience, not only the issuer${isNew ? '' : '; never for not any more'}`, (text) => text === 'never' && !isNew ? text : readTime(text))
}

/** Of what was named. */
export function chosenAuthentication ({ authenticationMethod, jwksUri, acceptEndpointAudienceUntil: until }: AuthenticationOptions): Chosen {
  return {
    ...authenticationMethod === undefined ? {} : { authenticationMethods: authenticationMethod },
    ...jwksUri === undefined ? {} : { jwksUri: jwksUri === 'none' ? null : jwksUri },
    ...until === undefined ? {} : { acceptsEndpointAudienceUntil: until === 'never' ? null : until }
  }
}

/** What a client cannot authenticate with yet, though it may. */
export function missingCredentials ({ id, authenticationMethods: methods, secrets, keys, jwksUri }: Client, now: number): readonly string[] {
  const usable = [...secrets.values()].filter((secret) => isUsable(secret, now))
  const lacksKept = methods.includes('client_secret_jwt') && !usable.some(({ sealedSecret }) => sealedSecret !== null)
  const lacksKey = methods.includes('private_key_jwt') && jwksUri === null && ![...keys.values()].some((key) => isUsableKey(key, now))
  return [
    ...(lacksKept ? [`the client has no usable secret that client_secret_jwt can be checked with: give it a new one with signet secret add ${id}`] : []),
    ...(lacksKey ? [`the client has no usable key yet: make one with signet client keygen ${id}`] : [])
  ]
}
