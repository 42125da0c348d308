/** How a client authenticates, as it is typed: options of create and update, and what a client lacks for its methods. */
import type { Command } from 'commander'
import { isUsable, isUsableKey, type Client } from '../clients/client.ts'
import { authenticationMethods, defaultAuthenticationMethods, type AuthenticationMethod } from '../oauth/authentication-methods.ts'
import { readAuthenticationMethod, readCertificateSubject, readJwksUri, readThumbprints, readTime } from './arguments.ts'

export interface AuthenticationOptions {
  readonly authenticationMethod?: readonly AuthenticationMethod[]
  readonly jwksUri?: string
  readonly acceptEndpointAudienceUntil?: Date | 'never'
  readonly certificateSubject?: string
  readonly certificateThumbprint?: readonly string[]
}

type Chosen = Partial<Pick<Client, 'jwksUri' | 'acceptsEndpointAudienceUntil' | 'certificateSubject' | 'certificateThumbprints'>> & { readonly authenticationMethods?: readonly AuthenticationMethod[] }

export function addAuthenticationOptions (command: Command, verb: 'create' | 'update'): Command {
  const isNew = verb === 'create'
  return command
    .option('--authentication-method <method>', `how it authenticates: ${authenticationMethods.join(', ')}; may be repeated${isNew ? ` (default: ${defaultAuthenticationMethods.join(' and ')})` : ''}`, readAuthenticationMethod)
    .option('--jwks-uri <url>', `where it publishes the keys that it signs with, by https${isNew ? '' : '; none for nowhere'}`, (text) => text === 'none' && !isNew ? text : readJwksUri(text))
    .option('--accept-endpoint-audience-until <time>', `until when its assertions may name the token endpoint as their audience, not only the issuer${isNew ? '' : '; never for not any more'}`, (text) => text === 'never' && !isNew ? text : readTime(text))
    .option('--certificate-subject <kind:name>', `whose certificate authenticates it (tls_client_auth): subject_dn:, san_dns:, san_uri:, san_ip: or san_email: and the name${isNew ? '' : '; none for none'}`, readCertificateSubject)
    .option('--certificate-thumbprint <sha-256>', `a certificate that it signed itself (self_signed_tls_client_auth); may be repeated${isNew ? '' : '; none for none'}`, readThumbprints)
}

/** Of what was named. */
export function chosenAuthentication ({ authenticationMethod, jwksUri, acceptEndpointAudienceUntil: until, certificateSubject, certificateThumbprint }: AuthenticationOptions): Chosen {
  return {
    ...authenticationMethod === undefined ? {} : { authenticationMethods: authenticationMethod },
    ...jwksUri === undefined ? {} : { jwksUri: jwksUri === 'none' ? null : jwksUri },
    ...until === undefined ? {} : { acceptsEndpointAudienceUntil: until === 'never' ? null : until },
    ...certificateSubject === undefined ? {} : { certificateSubject: certificateSubject === 'none' ? null : certificateSubject },
    ...certificateThumbprint === undefined ? {} : { certificateThumbprints: certificateThumbprint }
  }
}

/** What a client cannot authenticate with yet, though it may. */
export function missingCredentials ({ id, authenticationMethods: methods, secrets, keys, jwksUri, certificateSubject, certificateThumbprints }: Client, now: number): readonly string[] {
  const usable = [...secrets.values()].filter((secret) => isUsable(secret, now))
  const lacksKept = methods.includes('client_secret_jwt') && !usable.some(({ sealedSecret }) => sealedSecret !== null)
  const lacksKey = methods.includes('private_key_jwt') && jwksUri === null && ![...keys.values()].some((key) => isUsableKey(key, now))
  return [
    ...(lacksKept ? [`the client has no usable secret that client_secret_jwt can be checked with: give it a new one with signet secret add ${id}`] : []),
    ...(lacksKey ? [`the client has no usable key yet: make one with signet client keygen ${id}`] : []),
    ...(methods.includes('tls_client_auth') && certificateSubject === null ? [`no certificate is the client's yet: say whose is with signet client update ${id} --certificate-subject`] : []),
    ...(methods.includes('self_signed_tls_client_auth') && certificateThumbprints.length === 0 ? [`no certificate is the client's yet: name those that it signed itself with signet client update ${id} --certificate-thumbprint`] : [])
  ]
}
