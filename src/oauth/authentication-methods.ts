/** The client authentication methods that the server has: what clients may register and the metadata lists. */
export const authenticationMethods = ['client_secret_basic', 'client_secret_post'] as const
export type AuthenticationMethod = typeof authenticationMethods[number]

/** What a client gets that is registered without naming any. */
export const defaultAuthenticationMethods: readonly AuthenticationMethod[] = ['client_secret_basic', 'client_secret_post']
