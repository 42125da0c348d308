/**
 * The grant types that the server has: what clients may be given, requests may name and the metadata lists.
 * @see [RFC 9700 §2.4](https://www.rfc-editor.org/rfc/rfc9700.html#section-2.4) (no password grant)
 */
export const jwtBearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** @see [RFC 8693 §2.1](https://www.rfc-editor.org/rfc/rfc8693.html#section-2.1) */
export const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const grantTypes = ['client_credentials', jwtBearerGrant, tokenExchangeGrant] as const
export type GrantType = typeof grantTypes[number]

/** What a service client gets that is registered without naming any. */
export const defaultGrants: readonly GrantType[] = ['client_credentials']

export function isGrantType (text: string): text is GrantType {
  return (grantTypes as readonly string[]).includes(text)
}
