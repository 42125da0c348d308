/** `live` and `test` are two issuers: each has its own keys, JWKS and metadata. */
export const environments = ['live', 'test'] as const
export type Environment = typeof environments[number]

/** The `iss` of an environment's tokens: `<ISSUER>` or `<ISSUER>/test`. */
export function issuerOf (issuer: string, environment: Environment): string {
  return environment === 'live' ? issuer : `${issuer}/test`
}
