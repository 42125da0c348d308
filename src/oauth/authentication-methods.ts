/**
 * The client authentication methods that the server has: what clients may register and the metadata lists.
 * @see [RFC 9700 §2.5](https://www.rfc-editor.org/rfc/rfc9700.html#section-2.5)
 */
import { signingAlgorithmNames } from './signing-algorithms.ts'

export const authenticationMethods = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'] as const
export type AuthenticationMethod = typeof authenticationMethods[number]

/** What a client gets that is registered without naming any. */
export const defaultAuthenticationMethods: readonly AuthenticationMethod[] = ['client_secret_basic', 'client_secret_post']

/** Whether a client that authenticates so shows a certificate, which must reach the server then. */
export function needsCertificate (method: string): boolean {
  return method.endsWith('tls_client_auth')
}

export function isAuthenticationMethod (text: string): text is AuthenticationMethod {
  return (authenticationMethods as readonly string[]).includes(text)
}

/** Whether a client that authenticates so has a secret. */
export function needsSecret (method: string): boolean {
  return method.startsWith('client_secret_')
}

/** Those of them that are a signed JWT, and what it may be signed with. */
const algorithmsOf: Readonly<Partial<Record<AuthenticationMethod, readonly string[]>>> = {
  client_secret_jwt: ['HS256', 'HS384', 'HS512'],
  private_key_jwt: signingAlgorithmNames
}

/** What the client assertions of these methods may be signed with. */
export function assertionAlgorithms (methods: readonly AuthenticationMethod[]): string[] {
  return methods.flatMap((method) => algorithmsOf[method] ?? [])
}
