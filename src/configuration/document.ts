/**
 * The configuration file: what it may hold, as one schema that is also published for editors. This folder reads such
 * files, compares them with the database and makes the difference; it must not know who asks for that.
 */
import { Type, type Static } from '@sinclair/typebox'
import { clientTypes, defaultDpopSetting, dpopSettings, type ClientType, type DpopSetting } from '../clients/client.ts'
import { subjectPattern, subjectRule } from '../clients/certificate-subject.ts'
import { maxUsableKeys } from '../clients/key-registration.ts'
import { keySetUriPattern, keySetUriRule, maxKeySetUriLength } from '../clients/key-set-uri.ts'
import { maxSecretLength } from '../clients/secret-verification.ts'
import { environments, type Environment } from '../environment.ts'
import { fileNamePattern, fileNameRule, identifierPattern, identifierRule, maxDescriptionLength, maxIdentifierLength, maxNameLength, scopeNameRule, textPattern, textRule } from '../names.ts'
import { maxAccessTokenTtlSeconds, minAccessTokenTtlSeconds } from '../oauth/claims.ts'
import { authenticationMethods, type AuthenticationMethod } from '../oauth/authentication-methods.ts'
import { grantTypes, type GrantType } from '../oauth/grant-types.ts'
import { signingAlgorithmNames, signingAlgorithms, type SigningAlgorithm } from '../oauth/signing-algorithms.ts'
import { maxScopeLength } from '../oauth/scope.ts'
import { indexesPerList } from '../status-lists/status-list.ts'

export const defaultFileName = 'signet'
export const minImportedSecretLength = 16
const maxListed = 1000

export const secretRule = `It takes ${minImportedSecretLength} to ${maxSecretLength} printable ASCII characters without spaces, and must not begin with sgs_, as the secrets that Signet generates do.`
export const importedSecretPattern = `^(?!sgs_)[\\x21-\\x7E]{${minImportedSecretLength},${maxSecretLength}}$`

const timePattern = '^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\\.[0-9]{1,3})?)?(?:Z|[+-][0-9]{2}:[0-9]{2}))?$'
export const timeRule = 'It takes a date or a time with its offset (ISO 8601), such as 2030-01-31 or 2030-01-31T12:00:00Z.'

const closed = { additionalProperties: false } as const

function text (maxLength: number, description: string) {
  return Type.String({ minLength: 1, maxLength, pattern: textPattern, description, errorMessage: textRule(maxLength) })
}

const scopeName = Type.String({ minLength: 1, maxLength: maxScopeLength, pattern: '^[\\x21\\x23-\\x5B\\x5D-\\x7E]+$', errorMessage: scopeNameRule })
const identifier = { maxLength: maxIdentifierLength, pattern: identifierPattern, errorMessage: identifierRule } as const
const organizationId = { pattern: '^org_[a-z0-9]{1,60}$', errorMessage: 'It takes org_ and 1 to 60 lower-case letters and digits, such as org_samplegames.' } as const
const clientIdRule = 'It takes cl_live_ or cl_test_ and 1 to 56 lower-case letters and digits, such as cl_live_samplebackend.'

const disabled = (consequence: string) => Type.Optional(Type.Boolean({ default: false, description: `Whether it is disabled: ${consequence}` }))
const lifetime = (description: string) => Type.Optional(Type.Integer({ minimum: minAccessTokenTtlSeconds, maximum: maxAccessTokenTtlSeconds, description }))

const cutOff = (whose: string) => Type.Optional(Type.String({
  pattern: timePattern, description: `The tokens that ${whose} until this moment are dead, for good. It lies in the past, and only ever moves forward: an earlier one changes nothing.`, errorMessage: timeRule
}))
const reason = (of: string) => Type.Optional(text(maxDescriptionLength, `Why ${of}: for the audit record.`))

const organization = Type.Object({
  name: text(maxNameLength, 'What people call the organization. Names are unique.'),
  tokens_revoked_before: cutOff('its clients were issued'),
  revocation_reason: reason('it is disabled, or its tokens are revoked'),
  disabled: disabled('its clients get no tokens, and the tokens that they have are dead for good.')
}, { ...closed, description: 'An owner of clients. Their tokens let an API see its data.' })

const scope = Type.Object({
  description: text(maxDescriptionLength, 'What the scope allows, for people.'),
  default: Type.Optional(Type.Boolean({ default: false, description: 'Whether clients that list no scopes have it, and whether a token request without scope asks for it.' })),
  deprecated: Type.Optional(Type.Boolean({ default: false, description: 'Whether only the clients that list it have it: no client gets it by default any more.' })),
  disabled: disabled('no token with it is issued; tokens that have it live on until they expire.')
}, { ...closed, description: 'What a client may do at the resource.' })

const resource = Type.Object({
  name: text(maxNameLength, 'What people call the API.'),
  access_token_ttl_seconds: lifetime('The longest that access tokens for this API live, in seconds: 60 to 2592000 (30 days). Default: 90000 (25 hours).'),
  allows_mixing: Type.Optional(Type.Boolean({ default: false, description: 'Whether a token may be for this API and for others that allow it too. Whoever is shown such a token can use it at the others.' })),
  signing_algorithm: Type.Optional(Type.Unsafe<SigningAlgorithm>({ type: 'string', enum: [...signingAlgorithms], description: 'How tokens for this API are signed: one of SIGNING_ALGORITHMS of the server. Default: the first of them.' })),
  disabled: disabled('no token for it is issued, and the tokens that there are count for nothing at introspection while it is.'),
  scopes: Type.Optional(Type.Record(Type.String({ pattern: scopeName.pattern ?? '' }), scope, {
    ...closed,
    propertyNames: { maxLength: maxScopeLength },
    errorMessage: scopeNameRule,
    description: 'Its scopes by name, such as tournaments:read. A name is unique across all resources.'
  }))
}, { ...closed, description: 'An API. It is named by its identifier, which is the audience (aud) of the tokens for it.' })

const secret = Type.Object({
  from_environment: Type.Optional(Type.String({
    pattern: '^[A-Za-z_][A-Za-z0-9_]{0,254}$',
    description: 'The environment variable that holds the secret when the file is applied.',
    errorMessage: 'It takes the name of an environment variable: letters, digits and underscores, such as PARTNER_SECRET.'
  })),
  from_file: Type.Optional(Type.String({
    minLength: 1,
    maxLength: 4096,
    pattern: '^[^\\0]+$',
    description: 'The file that holds the secret when the file is applied, as a path from the folder of this file. A line break at its end does not count.',
    errorMessage: 'It takes the path of a file.'
  })),
  value: Type.Optional(Type.String({
    pattern: importedSecretPattern,
    description: 'The secret itself: for stacks on a developer\'s machine only, for whoever reads this file knows it.',
    errorMessage: secretRule
  }))
}, {
  ...closed,
  minProperties: 1,
  maxProperties: 1,
  description: 'A secret of your own choosing, from one of three places.',
  errorMessage: 'It takes exactly one of from_environment, from_file and value.'
})

const keyMember = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 1_024, pattern: '^[A-Za-z0-9_-]+$', description, errorMessage: 'It takes base64url.' }))

const key = Type.Object({
  kty: Type.Unsafe<string>({ type: 'string', enum: ['EC', 'OKP', 'RSA'], description: 'The kind of key.' }),
  crv: Type.Optional(Type.Unsafe<string>({ type: 'string', enum: ['P-256', 'Ed25519'], description: 'The curve of an EC or OKP key.' })),
  x: keyMember('Of an EC or OKP key.'),
  y: keyMember('Of an EC key.'),
  n: keyMember('The modulus of an RSA key: 2048 to 4096 bits.'),
  e: keyMember('The exponent of an RSA key, mostly AQAB.'),
  kid: Type.Optional(Type.String({ pattern: '^[\\x21-\\x7E]{1,128}$', description: 'The name of the key. Default: its thumbprint (RFC 7638).', errorMessage: 'It takes 1 to 128 printable ASCII characters without spaces.' })),
  alg: Type.Optional(Type.Unsafe<string>({ type: 'string', enum: [...signingAlgorithmNames], description: 'What it signs with. Default: RS256 for RSA, and what the curve says.' })),
  use: Type.Optional(Type.Unsafe<string>({ type: 'string', enum: ['sig'], description: 'Signing, if it is said at all.' })),
  key_ops: Type.Optional(Type.Array(Type.Unsafe<string>({ type: 'string', enum: ['verify'] }), { maxItems: 1, description: 'Verifying, if it is said at all.' }))
}, { ...closed, description: 'A public key as a JWK (RFC 7517). The private half stays with the client.' })

const revokedSecret = Type.Object({
  id: Type.String({ pattern: '^[a-z0-9]{1,64}$', description: 'Its id, as signet secret list shows it.', errorMessage: 'It takes the id of a secret, as signet secret list shows it.' }),
  reason: reason('it is revoked')
}, { ...closed, description: 'A secret that is revoked.' })

const revokedKey = Type.Object({
  kid: Type.String({ pattern: '^[\\x21-\\x7E]{1,128}$', description: 'Its kid. The same key under another kid is revoked with it.', errorMessage: 'It takes 1 to 128 printable ASCII characters without spaces.' }),
  reason: reason('it is revoked')
}, { ...closed, description: 'A key that is revoked.' })

const revokedToken = Type.Object({
  list: Type.String({ pattern: '^(?:https?://[^\\s?#]{1,255}/status-lists/)?[0-9A-Za-z]{22}$', description: 'Its status list: the uri in its claim status, or the id at the end of that.', errorMessage: 'It takes the uri of a status list, or the 22 letters and digits at its end.' }),
  index: Type.Integer({ minimum: 0, maximum: indexesPerList - 1, description: 'Its index there: the idx in its claim status.' }),
  reason: reason('it is revoked')
}, { ...closed, description: 'A token that is revoked.' })

const client = Type.Object({
  organization: Type.String({ ...organizationId, description: 'The id of the organization that owns it: one of this file, or one that exists.' }),
  name: text(maxNameLength, 'What people call the client.'),
  environment: Type.Optional(Type.Unsafe<Environment>({ type: 'string', enum: [...environments], description: 'Whose tokens it gets. The id says so already, and this must agree with it.' })),
  type: Type.Optional(Type.Unsafe<ClientType>({ type: 'string', enum: [...clientTypes], default: 'service', description: 'service: it acts for its organization. jwt: it acts for the players that log in with its backend, and each of its tokens names one. It stays for good.' })),
  grants: Type.Optional(Type.Array(Type.Unsafe<GrantType>({ type: 'string', enum: [...grantTypes] }), {
    uniqueItems: true, maxItems: grantTypes.length, description: 'The grant types that it may use. Default: client_credentials, and for a JWT client urn:ietf:params:oauth:grant-type:jwt-bearer too; none for a client with resource_server that has no scopes.'
  })),
  scopes: Type.Optional(Type.Array(scopeName, {
    uniqueItems: true, maxItems: maxListed, description: 'What it may ask for: scopes of this file, or ones that exist. Default: every scope that is marked as default and neither deprecated nor disabled, looked up each time the file is applied; none for a client with resource_server.'
  })),
  resource_server: Type.Optional(Type.String({ ...identifier, description: 'The identifier of the API that the client stands for: it may introspect the tokens for that API.' })),
  exchange_resources: Type.Optional(Type.Array(Type.String(identifier), {
    uniqueItems: true, maxItems: maxListed, description: 'The identifiers of the APIs that it may exchange tokens for (RFC 8693), besides the one that it stands for.'
  })),
  access_token_ttl_seconds: lifetime('How long its access tokens live, in seconds: 60 to 2592000 (30 days), unless the API allows less. Default: 90000 (25 hours).'),
  dpop: Type.Optional(Type.Unsafe<DpopSetting>({
    type: 'string', enum: [...dpopSettings], default: defaultDpopSetting, description: 'Whether its new access tokens are bound to the key of a DPoP proof (RFC 9449): never (off), if it sends one (allowed), always (required).'
  })),
  certificate_bound_tokens: Type.Optional(Type.Boolean({ default: false, description: 'Whether its new access tokens are bound to the certificate of its TLS connection (RFC 8705), without which it gets none.' })),
  certificate_subject: Type.Optional(Type.String({ pattern: subjectPattern, description: 'Whose certificate authenticates it (tls_client_auth): subject_dn:, san_dns:, san_uri:, san_ip: or san_email: and the name.', errorMessage: subjectRule })),
  certificate_thumbprints: Type.Optional(Type.Array(Type.String({ pattern: '^(?:[\\w-]{43}|(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2})$', errorMessage: 'It takes the SHA-256 of a certificate, in base64url or as openssl x509 -fingerprint -sha256 prints it.' }), {
    uniqueItems: true, maxItems: 10, description: 'The certificates that authenticate it and that it signed itself (self_signed_tls_client_auth), by the SHA-256 of each.'
  })),
  authentication_methods: Type.Optional(Type.Array(Type.Unsafe<AuthenticationMethod>({ type: 'string', enum: [...authenticationMethods] }), {
    uniqueItems: true, maxItems: authenticationMethods.length, description: 'How it may authenticate. Default: client_secret_basic and client_secret_post.'
  })),
  jwks_uri: Type.Optional(Type.String({ maxLength: maxKeySetUriLength, pattern: keySetUriPattern, description: 'Where the client publishes the keys that it signs its assertions with (private_key_jwt).', errorMessage: keySetUriRule })),
  accepts_endpoint_audience_until: Type.Optional(Type.String({
    pattern: timePattern, description: 'Until when its assertions may name the token endpoint as their audience, and not only the issuer: for clients that cannot yet.', errorMessage: timeRule
  })),
  keys: Type.Optional(Type.Array(key, { maxItems: maxUsableKeys, description: 'The public keys that it signs its assertions with (private_key_jwt).' })),
  disabled: disabled('it gets no tokens, and the tokens that it has are dead for good.'),
  tokens_revoked_before: cutOff('it was issued'),
  revocation_reason: reason('it is disabled, or its tokens are revoked'),
  revoked_secrets: Type.Optional(Type.Array(revokedSecret, { maxItems: maxListed, description: 'Secrets of the client that are revoked, for good, with every token that was got with them.' })),
  revoked_keys: Type.Optional(Type.Array(revokedKey, { maxItems: maxListed, description: 'Keys of the client that are revoked, for good, with every token that was got with them.' })),
  secret: Type.Optional(secret)
}, { ...closed, description: 'An application that gets tokens, or an API that introspects them.' })

export const configurationFile = Type.Object({
  name: Type.Optional(Type.String({
    pattern: fileNamePattern,
    default: defaultFileName,
    description: 'What the file is called in the database: it owns what it makes under this name. Two files that are applied to one database need two names.',
    errorMessage: fileNameRule
  })),
  organizations: Type.Optional(Type.Record(Type.String({ pattern: organizationId.pattern }), organization, {
    ...closed, errorMessage: organizationId.errorMessage, description: 'Organizations by id, such as org_samplegames. The id is the claim org of their tokens.'
  })),
  resources: Type.Optional(Type.Record(Type.String({ pattern: identifierPattern }), resource, {
    ...closed,
    propertyNames: { maxLength: maxIdentifierLength },
    errorMessage: identifierRule,
    description: 'APIs by identifier, such as https://api.example.com.'
  })),
  clients: Type.Optional(Type.Record(Type.String({ pattern: '^cl_(?:live|test)_[a-z0-9]{1,56}$' }), client, {
    ...closed, errorMessage: clientIdRule, description: 'Clients by id, such as cl_live_samplebackend. The id says the environment.'
  })),
  revoked_tokens: Type.Optional(Type.Array(revokedToken, { maxItems: maxListed, description: 'Tokens that are revoked, for good, with those that were exchanged for them.' }))
}, {
  ...closed,
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Signet configuration file',
  description: 'Organizations, resources with their scopes, and clients, as signet apply and SIGNET_CONFIG take them.'
})

export type ConfigurationFile = Static<typeof configurationFile>
export type OrganizationEntry = Static<typeof organization>
export type ResourceEntry = Static<typeof resource>
export type ScopeEntry = Static<typeof scope>
export type ClientEntry = Static<typeof client>
export type SecretEntry = Static<typeof secret>
export type KeyEntry = Static<typeof key>

/** What could be read of a file with mistakes: any part may be missing, and a wrong item of a list leaves a gap. */
export type Partially<Value> = Value extends readonly (infer Item)[]
  ? readonly (Item | undefined)[]
  : Value extends object ? { readonly [Name in keyof Value]?: Partially<Value[Name]> | undefined } : Value

/** The schema as it is published in docs/signet.schema.json: `npm run schema` writes it. */
export function publishedSchema (): string {
  const { $schema, title, description, ...rest } = configurationFile
  return `${JSON.stringify({ $schema, title, description, ...rest }, null, 2)}\n`
}
