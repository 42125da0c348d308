/** What the API has to know of its authorization server, from the environment. */
import { readFileSync } from 'node:fs'

/**
 * The issuer is a name that tokens carry. Inside a container network it may not lead to Signet: then SIGNET_ORIGIN does.
 * @param {Readonly<Record<string, string | undefined>>} environment
 */
export function readOptions (environment) {
  const issuer = environment.ISSUER ?? 'http://127.0.0.1:8080'
  const internalOrigin = environment.SIGNET_ORIGIN
  return {
    host: environment.HOST ?? '127.0.0.1',
    port: Number(environment.PORT ?? 8090),
    issuer,
    internalOrigin,
    /** The identifier of this API as a resource: what the tokens' `aud` must be. */
    audience: environment.AUDIENCE ?? 'https://api.example.com',
    introspection: {
      endpoint: environment.INTROSPECTION_ENDPOINT ?? `${(internalOrigin ?? new URL(issuer).origin) + issuer.slice(new URL(issuer).origin.length)}/oauth/v2/introspect`,
      clientId: required(environment, 'INTROSPECTION_CLIENT_ID'),
      clientSecret: readSecret(environment)
    }
  }
}

function readSecret (environment) {
  const file = environment.INTROSPECTION_CLIENT_SECRET_FILE
  return file === undefined ? required(environment, 'INTROSPECTION_CLIENT_SECRET') : readFileSync(file, 'utf8').trim()
}

function required (environment, name) {
  const value = environment[name]
  if (value === undefined || value === '') throw new Error(`${name} is not set. It belongs to the resource client of this API.`)
  return value
}
