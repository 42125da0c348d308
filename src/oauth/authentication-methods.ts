/** The client authentication methods that the server has: what clients may register and the metadata lists. */
export const authenticationMethods = ['client_secret_basic', 'client_secret_post', 'tls_client_auth', 'self_signed_tls_client_auth'] as const
export type AuthenticationMethod = typeof authenticationMethods[number]

/** What a client gets that is registered without naming any. */
export const defaultAuthenticationMethods: readonly AuthenticationMethod[] = ['client_secret_basic', 'client_secret_post']

/** Whether a client that authenticates so shows a certificate, which must reach the server then. */
export function needsCertificate (method: string): boolean {
  return method.endsWith('tls_client_auth')
}
