/** The authorization server metadata, made from the tables that the server acts on. */
import { Type, type Static, type TArray, type TOptional, type TString } from '@sinclair/typebox'
import type { Config } from '../config.ts'
import { signingAlgorithmNames } from '../oauth/signing-algorithms.ts'
import { issuerOf, type Environment } from '../environment.ts'
import { assertionAlgorithms, authenticationMethods, needsCertificate } from '../oauth/authentication-methods.ts'
import { grantTypes } from '../oauth/grant-types.ts'
import { issuerPlaceholder } from '../oauth/samples.ts'
import { statusListsPath } from '../status-lists/status-list.ts'

/** The protocol endpoints below the issuer; the same table registers the routes. */
export const endpointPaths = {
  token: '/oauth/v2/token',
  introspection: '/oauth/v2/introspect',
  revocation: '/oauth/v2/revoke',
  jwks: '/oauth/v2/jwks',
  wellKnownJwks: '/.well-known/jwks.json',
  statusLists: statusListsPath
} as const

export const metadataNames = ['oauth-authorization-server', 'openid-configuration'] as const

function address (description: string, path: string): TString {
  return Type.String({ format: 'uri', description, examples: [issuerPlaceholder + path] })
}

function methods (endpoint: string): TArray<TString> {
  return Type.Array(Type.String(), { description: `How clients authenticate at the ${endpoint} endpoint.`, examples: [defaultFeatures.authenticationMethods] })
}

/** What may be on or off. */
export type Features = Pick<Config, 'grantTypes' | 'authenticationMethods' | 'signingAlgorithms' | 'tlsCertificateFile' | 'clientCertificateHeader'>

/** Where the operator says nothing: what the documentation shows. */
export const defaultFeatures: Features = { grantTypes, authenticationMethods: authenticationMethods.filter((method) => !needsCertificate(method)), signingAlgorithms: ['RS256'], tlsCertificateFile: undefined, clientCertificateHeader: undefined }

function algorithmsAt (endpoint: string): TOptional<TArray<TString>> {
  return Type.Optional(Type.Array(Type.String(), { description: `What clients may sign their assertions with at the ${endpoint} endpoint.`, examples: [assertionAlgorithms(authenticationMethods)] }))
}

export const metadataBody = Type.Object({
  issuer: address('The `iss` of the tokens, character by character.', ''),
  token_endpoint: address('The same for both issuers: the credentials decide.', endpointPaths.token),
  introspection_endpoint: address('The same for both issuers.', endpointPaths.introspection),
  revocation_endpoint: address('The same for both issuers.', endpointPaths.revocation),
  jwks_uri: address('The keys of this issuer.', endpointPaths.jwks),
  status_list_aggregation_endpoint: address('Which status lists of this issuer there are: for whoever wants to have them beforehand.', endpointPaths.statusLists),
  grant_types_supported: Type.Array(Type.String(), { description: 'Every `grant_type` that is on.', examples: [grantTypes] }),
  response_types_supported: Type.Array(Type.String(), { description: 'Empty: there is no authorization endpoint.', maxItems: 0 }),
  token_endpoint_auth_methods_supported: methods('token'),
  introspection_endpoint_auth_methods_supported: methods('introspection'),
  revocation_endpoint_auth_methods_supported: methods('revocation'),
  token_endpoint_auth_signing_alg_values_supported: algorithmsAt('token'),
  introspection_endpoint_auth_signing_alg_values_supported: algorithmsAt('introspection'),
  revocation_endpoint_auth_signing_alg_values_supported: algorithmsAt('revocation'),
  introspection_signing_alg_values_supported: Type.Array(Type.String(), { description: 'How an answer of introspection as a JWT may be signed (RFC 9701).', examples: [['RS256']] }),
  dpop_signing_alg_values_supported: Type.Array(Type.String(), { description: 'How DPoP proofs may be signed (RFC 9449 §5.1).', examples: [signingAlgorithmNames] }),
  tls_client_certificate_bound_access_tokens: Type.Boolean({ description: 'Whether tokens can be bound to the certificate of the TLS connection (RFC 8705 §3.3): whether certificates of callers reach the server.' })
})
export type Metadata = Static<typeof metadataBody>

/**
 * @see [RFC 8414 §2](https://www.rfc-editor.org/rfc/rfc8414.html#section-2)
 * @see [RFC 8705 §3.3](https://www.rfc-editor.org/rfc/rfc8705.html#section-3.3)
 * @see [RFC 9449 §5.1](https://www.rfc-editor.org/rfc/rfc9449.html#section-5.1)
 * @see [RFC 9700 §2.6](https://www.rfc-editor.org/rfc/rfc9700.html#section-2.6)
 * @see [Token Status List §9.1](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-9.1)
 * @see [RFC 9701 §7](https://www.rfc-editor.org/rfc/rfc9701.html#section-7)
 */
export function metadataOf (issuer: string, environment: Environment, on: Features): Metadata {
  const methodsThatAreOn = [...on.authenticationMethods]
  const algorithms = assertionAlgorithms(on.authenticationMethods)
  return {
    issuer: issuerOf(issuer, environment),
    token_endpoint: issuer + endpointPaths.token,
    introspection_endpoint: issuer + endpointPaths.introspection,
    revocation_endpoint: issuer + endpointPaths.revocation,
    jwks_uri: issuerOf(issuer, environment) + endpointPaths.jwks,
    status_list_aggregation_endpoint: issuerOf(issuer, environment) + endpointPaths.statusLists,
    grant_types_supported: [...on.grantTypes],
    // REQUIRED by RFC 8414 §2, and empty: there is no authorization endpoint.
    response_types_supported: [],
    token_endpoint_auth_methods_supported: methodsThatAreOn,
    introspection_endpoint_auth_methods_supported: methodsThatAreOn,
    revocation_endpoint_auth_methods_supported: methodsThatAreOn,
    ...algorithms.length === 0
      ? {}
      : {
          token_endpoint_auth_signing_alg_values_supported: algorithms,
          introspection_endpoint_auth_signing_alg_values_supported: algorithms,
          revocation_endpoint_auth_signing_alg_values_supported: algorithms
        },
    introspection_signing_alg_values_supported: [...on.signingAlgorithms],
    dpop_signing_alg_values_supported: [...signingAlgorithmNames],
    tls_client_certificate_bound_access_tokens: takesCertificates(on)
  }
}

function takesCertificates ({ tlsCertificateFile, clientCertificateHeader }: Features): boolean {
  return tlsCertificateFile !== undefined || clientCertificateHeader !== undefined
}

/**
 * Where the metadata of an issuer is found: the well-known part before the issuer's path (RFC 8414 §3.1) and,
 * as OpenID Connect Discovery 1.0 §4 has it, after the path.
 */
export function metadataPaths (issuer: string, environment: Environment): string[] {
  const path = new URL(issuerOf(issuer, environment)).pathname.replace(/\/$/, '')
  return metadataNames.flatMap((name) => [...new Set([`/.well-known/${name}${path}`, `${path}/.well-known/${name}`])])
}
