/** The grant types that the server has: what clients may be given, requests may name and the metadata lists. */
export const jwtBearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
export const grantTypes = ['client_credentials', jwtBearerGrant] as const
export type GrantType = typeof grantTypes[number]

/** What a service client gets that is registered without naming any. */
export const defaultGrants: readonly GrantType[] = ['client_credentials']

export function isGrantType (text: string): text is GrantType {
  return (grantTypes as readonly string[]).includes(text)
}
