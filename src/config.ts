/**
 * One schema describes every environment variable: its name, unit, bounds, default and explanation. It is
 * turned into a frozen `Config`; `.env.example` and the README's table are checked against it.
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { readDatabaseUrl } from './database-url.ts'
import { authenticationMethods, needsCertificate, type AuthenticationMethod } from './oauth/authentication-methods.ts'
import { grantTypes, type GrantType } from './oauth/grant-types.ts'
import { signingAlgorithms, type SigningAlgorithm } from './oauth/signing-algorithms.ts'
import { readNetworks } from './networks.ts'
import { OperatorError } from './operator-error.ts'

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = typeof logLevels[number]

/** For so long at most a process that is cut off goes on with the keys that it knows. */
export const maxStaleLimitSeconds = 86_400

export const environmentSchema = Type.Object({
  PORT: Type.Integer({ minimum: 1, maximum: 65535, default: 8080, description: 'TCP port to listen on.' }),
  HOST: Type.String({ minLength: 1, default: '127.0.0.1', description: 'Address to listen on; `0.0.0.0` or `::` for every interface.' }),
  ISSUER: Type.Optional(Type.String({ description: 'Public URL of this server: the `iss` of live tokens (`<ISSUER>/test` for test tokens) and the base of every endpoint. May have a path. `http` is accepted on loopback only. Default: `http://127.0.0.1:<PORT>`, with `https` where Signet ends TLS.' })),
  DATABASE_URL: Type.Optional(Type.String({ description: 'A PostgreSQL 14 or newer, `postgresql://user:password@host:5432/name`. Default: an embedded PostgreSQL in `SIGNET_DATA_DIR`.' })),
  DATABASE_PASSWORD_FILE: Type.Optional(Type.String({ description: 'A file that holds the password of the user in `DATABASE_URL`, which then has none.' })),
  DATABASE_WAIT_SECONDS: Type.Integer({ minimum: 0, maximum: 600, default: 10, description: 'How long a start waits for the database before it gives up.' }),
  MASTER_KEY: Type.Optional(Type.String({ description: 'The key that seals signing keys and other secrets at rest: 32 random bytes as base64url (43 characters) or hex (64). Make one with `openssl rand -hex 32`.' })),
  MASTER_KEY_FILE: Type.Optional(Type.String({ description: 'A file that holds the master key instead. Default, when neither is set: `master.key` in `SIGNET_DATA_DIR`, created at the first start.' })),
  PREVIOUS_MASTER_KEY: Type.Optional(Type.String({ description: 'While the master key is rotated: the one before it, which opens what is still sealed under it.' })),
  PREVIOUS_MASTER_KEY_FILE: Type.Optional(Type.String({ description: 'A file that holds the previous master key instead.' })),
  SIGNET_DATA_DIR: Type.String({ minLength: 1, default: '.signet', description: 'Folder of the embedded PostgreSQL and of the master key.' }),
  SIGNET_CONFIG: Type.Optional(Type.String({ description: 'A configuration file that every start applies before it serves. While it is set no sample is made.' })),
  SIGNET_CONFIG_PRUNE: Type.Boolean({ default: false, description: '`true` lets a start remove what the configuration file made and does not name any more.' }),
  WORKERS: Type.Optional(Type.Integer({ minimum: 1, maximum: 64, description: 'Processes that serve requests. Default: one for each core that the cgroup grants.' })),
  LOG_LEVEL: Type.Unsafe<LogLevel>(Type.Union(logLevels.map((level) => Type.Literal(level)), { default: 'info', description: 'Least severe log level that is written: `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`.' })),
  METRICS_PORT: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535, description: 'TCP port of the metrics, for Prometheus, at `/metrics`. Default: they are not served.' })),
  METRICS_HOST: Type.String({ minLength: 1, default: '127.0.0.1', description: 'Address of the metrics. Whoever reaches it may read them.' }),
  TRUST_PROXY: Type.String({ default: '', description: 'Comma-separated addresses or networks (CIDR) of reverse proxies whose `X-Forwarded-For` is believed. Default: none.' }),
  TLS_CERTIFICATE_FILE: Type.Optional(Type.String({ description: 'The certificate of this server in PEM, with those between it and its authority: it ends TLS itself then. Read at each start. Default: it speaks HTTP, and a proxy ends TLS.' })),
  TLS_KEY_FILE: Type.Optional(Type.String({ description: 'The private key of that certificate, in PEM.' })),
  TLS_CLIENT_CA_FILE: Type.Optional(Type.String({ description: 'The certificates of the authorities that are believed about clients (`tls_client_auth`), in PEM: those that sign the certificates of clients themselves.' })),
  CLIENT_CERTIFICATE_HEADER: Type.Optional(Type.String({ description: 'The header in which the proxies of `TRUST_PROXY` hand on the certificate of a caller, as `Client-Cert` (RFC 9440) or as percent-encoded PEM. It means nothing from anybody else. Default: none.' })),
  REQUIRE_GRANT_TYPE: Type.Boolean({ default: false, description: '`true` refuses token requests without `grant_type` (RFC 6749 §4.4.2); by default one that carries `client_secret` means `client_credentials`.' }),
  GRANT_TYPES: Type.Optional(Type.String({ description: 'Comma-separated grant types that are on: only they work, and the metadata lists them. Default: all that this version has.' })),
  AUTHENTICATION_METHODS: Type.Optional(Type.String({ description: 'Comma-separated client authentication methods that are on, at every endpoint: only they work, and the metadata lists them. Default: all that this version has.' })),
  SIGNING_ALGORITHMS: Type.String({ default: 'RS256', description: 'Comma-separated algorithms that tokens are signed with, of `RS256`, `PS256`, `ES256` and `EdDSA`; the first one is for every resource that names none. An algorithm that is added gets its keys at the start.' }),
  RSA_MODULUS_BITS: Type.Integer({ minimum: 2048, maximum: 4096, multipleOf: 1024, default: 2048, description: 'Bits of the RSA keys that are made from now on: 2048, 3072 or 4096.' }),
  KEY_ROTATION_DAYS: Type.Integer({ minimum: 0, maximum: 3_650, default: 30, description: 'After how many days a signing key is replaced by the next one; 0: only by `signet key rotate`.' }),
  DPOP_NONCE: Type.Boolean({ default: false, description: '`true` takes only DPoP proofs that hold a recent nonce of this server (RFC 9449 §8): clients send the first request twice.' }),
  JWKS_URI_ALLOW_PRIVATE: Type.Boolean({ default: false, description: '`true` lets the server fetch the keys of clients (`jwks_uri`) from loopback and private addresses too, by names that only the system knows.' }),
  EXCHANGED_TOKENS_LIMIT: Type.Integer({ minimum: 1, maximum: 5_000_000, default: 250_000, description: 'How many exchanged tokens there may be at a time. Each worker keeps them in memory.' }),
  AUDIT_RETENTION_DAYS: Type.Integer({ minimum: 30, maximum: 36_500, default: 400, description: 'How many days audit records are kept.' }),
  SIGNET_ACTOR: Type.Optional(Type.String({ description: 'Who gives commands, for audit records, where the user of the system does not say it, as in automation: 1 to 100 printable characters. The user of the system is named beside it.' })),
  STALE_LIMIT_SECONDS: Type.Integer({ minimum: 5, maximum: maxStaleLimitSeconds, default: 900, description: 'How long a process goes on from memory, in seconds, after it last heard from the database.' }),
  DRAIN_SECONDS: Type.Integer({ minimum: 0, maximum: 300, default: 1, description: 'How long a stopping process goes on answering, in seconds, with readiness already 503, so that load balancers notice.' }),
  SHUTDOWN_TIMEOUT_SECONDS: Type.Integer({ minimum: 1, maximum: 600, default: 15, description: 'After this many seconds a process that is still draining is ended.' }),
  SIGNET_POSTGRES_USER: Type.Optional(Type.String({ description: 'Only when started as root: the system user that the embedded PostgreSQL runs as. Default: the owner of the data, else `postgres`, else `nobody`.' }))
})

type Variables = Static<typeof environmentSchema>

export interface Config {
  readonly port: number
  readonly host: string
  /** Without a trailing slash. */
  readonly issuer: string
  /** With its password, wherever that came from. */
  readonly databaseUrl: string | undefined
  readonly databaseWaitSeconds: number
  readonly masterKey: string | undefined
  readonly masterKeyFile: string | undefined
  readonly previousMasterKey: string | undefined
  readonly previousMasterKeyFile: string | undefined
  /** Absolute. */
  readonly dataDir: string
  readonly configFile: string | undefined
  readonly configPrune: boolean
  readonly workers: number
  readonly logLevel: LogLevel
  /** Undefined: they are not served. */
  readonly metrics: { readonly host: string, readonly port: number } | undefined
  readonly trustProxy: readonly string[]
  /** Both or neither. */
  readonly tlsCertificateFile: string | undefined
  readonly tlsKeyFile: string | undefined
  readonly tlsClientCaFile: string | undefined
  /** In lower case. */
  readonly clientCertificateHeader: string | undefined
  readonly requireGrantType: boolean
  /** Those that are on. */
  readonly grantTypes: readonly GrantType[]
  /** Likewise. */
  readonly authenticationMethods: readonly AuthenticationMethod[]
  /** Those that are on; the first one is the default. */
  readonly signingAlgorithms: readonly SigningAlgorithm[]
  readonly rsaModulusBits: number
  /** 0: never by itself. */
  readonly keyRotationDays: number
  readonly dpopNonce: boolean
  readonly jwksUriAllowPrivate: boolean
  readonly exchangedTokensLimit: number
  readonly auditRetentionDays: number
  /** As it was given. */
  readonly actor: string | undefined
  readonly staleLimitSeconds: number
  readonly drainSeconds: number
  readonly shutdownTimeoutSeconds: number
  readonly postgresUser: string | undefined
}

/**
 * Reads the environment. An empty variable counts as absent.
 * @param cores the default of `WORKERS`
 * @throws OperatorError naming the variable and what it takes
 */
export function loadConfig (environment: Readonly<Record<string, string | undefined>>, cores = availableParallelism()): Config {
  const given = readEnvironment(environment)
  const endsTls = given.TLS_CERTIFICATE_FILE !== undefined
  if (endsTls !== (given.TLS_KEY_FILE !== undefined)) {
    throw new OperatorError('TLS_CERTIFICATE_FILE and TLS_KEY_FILE go together. Set both, or neither.')
  }
  return Object.freeze({
    port: given.PORT,
    host: given.HOST,
    issuer: readIssuer(given.ISSUER ?? `${endsTls ? 'https' : 'http'}://127.0.0.1:${given.PORT}`),
    databaseUrl: readDatabaseUrl(given),
    databaseWaitSeconds: given.DATABASE_WAIT_SECONDS,
    masterKey: given.MASTER_KEY,
    masterKeyFile: given.MASTER_KEY_FILE,
    previousMasterKey: given.PREVIOUS_MASTER_KEY,
    previousMasterKeyFile: given.PREVIOUS_MASTER_KEY_FILE,
    dataDir: resolve(given.SIGNET_DATA_DIR),
    configFile: given.SIGNET_CONFIG,
    configPrune: given.SIGNET_CONFIG_PRUNE,
    workers: given.WORKERS ?? cores,
    logLevel: given.LOG_LEVEL,
    metrics: given.METRICS_PORT === undefined ? undefined : { host: given.METRICS_HOST, port: given.METRICS_PORT },
    trustProxy: readNetworks(given.TRUST_PROXY),
    tlsCertificateFile: given.TLS_CERTIFICATE_FILE,
    tlsKeyFile: given.TLS_KEY_FILE,
    tlsClientCaFile: given.TLS_CLIENT_CA_FILE,
    clientCertificateHeader: readHeaderName(given),
    requireGrantType: given.REQUIRE_GRANT_TYPE,
    grantTypes: readChoices('GRANT_TYPES', given.GRANT_TYPES, grantTypes),
    authenticationMethods: readChoices('AUTHENTICATION_METHODS', given.AUTHENTICATION_METHODS, methodsPossible(given)),
    signingAlgorithms: readChoices('SIGNING_ALGORITHMS', given.SIGNING_ALGORITHMS, signingAlgorithms),
    rsaModulusBits: given.RSA_MODULUS_BITS,
    keyRotationDays: given.KEY_ROTATION_DAYS,
    dpopNonce: given.DPOP_NONCE,
    jwksUriAllowPrivate: given.JWKS_URI_ALLOW_PRIVATE,
    exchangedTokensLimit: given.EXCHANGED_TOKENS_LIMIT,
    auditRetentionDays: given.AUDIT_RETENTION_DAYS,
    actor: given.SIGNET_ACTOR,
    staleLimitSeconds: given.STALE_LIMIT_SECONDS,
    drainSeconds: given.DRAIN_SECONDS,
    shutdownTimeoutSeconds: given.SHUTDOWN_TIMEOUT_SECONDS,
    postgresUser: given.SIGNET_POSTGRES_USER
  })
}

function readEnvironment (environment: Readonly<Record<string, string | undefined>>): Variables {
  const values: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(environmentSchema.properties)) {
    const text = environment[name]?.trim()
    if (text === undefined || text === '') {
      if ('default' in schema) values[name] = schema.default
      continue
    }
    const value = fromText(text, schema)
    if (!Value.Check(schema, value)) {
      throw new OperatorError(`${name} is not usable: ${expectation(schema)}. ${schema.description ?? ''}`)
    }
    values[name] = value
  }
  return Value.Parse(environmentSchema, values)
}

function fromText (text: string, schema: object): unknown {
  const type = 'type' in schema ? schema.type : undefined
  if (type === 'integer') return /^\d{1,15}$/.test(text) ? Number(text) : undefined
  if (type === 'boolean') return { true: true, false: false, 1: true, 0: false }[text]
  return text
}

function expectation (schema: object): string {
  if ('type' in schema && schema.type === 'integer' && 'minimum' in schema && 'maximum' in schema) {
    return `it takes a whole number from ${String(schema.minimum)} to ${String(schema.maximum)}`
  }
  if ('type' in schema && schema.type === 'boolean') return 'it takes true or false'
  return 'it takes one of the values named here'
}

/**
 * @see [RFC 8414 §2](https://www.rfc-editor.org/rfc/rfc8414.html#section-2) (no query, no fragment)
 * @see [RFC 6749 §3.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.2) (TLS)
 */
function readIssuer (text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new OperatorError('ISSUER is not a URL. Set it to the public https address of this server, such as https://auth.example.com.')
  }
  if (text.includes('?') || text.includes('#') || url.username !== '' || url.password !== '') {
    throw new OperatorError('ISSUER must have no query, fragment or user (RFC 8414 §2). Set it to the bare public address of this server.')
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new OperatorError(`ISSUER is http://${url.host}, and http is accepted on loopback only. Use https, with a reverse proxy that terminates TLS.`)
  }
  const path = url.pathname.replace(/\/+$/, '')
  if (!/^(\/[A-Za-z0-9._~-]+)*$/.test(path)) {
    throw new OperatorError('The path of ISSUER may have letters, digits and . _ ~ - only. Choose another path.')
  }
  return url.origin + path
}

/** Without a proxy that may set it, the header would be anybody's word. */
function readHeaderName ({ CLIENT_CERTIFICATE_HEADER: name, TRUST_PROXY: proxies }: Variables): string | undefined {
  if (name === undefined) return undefined
  if (!/^[\w-]{1,64}$/.test(name)) throw new OperatorError('CLIENT_CERTIFICATE_HEADER is not the name of a header. It looks like Client-Cert.')
  if (proxies === '') throw new OperatorError('CLIENT_CERTIFICATE_HEADER needs TRUST_PROXY: without it nobody may set the header. Name the proxies that do.')
  return name.toLowerCase()
}

/** Without certificates of callers, or without an authority that is believed about them, methods that need those are nobody's. */
function methodsPossible ({ TLS_CERTIFICATE_FILE: own, CLIENT_CERTIFICATE_HEADER: header, TLS_CLIENT_CA_FILE: authorities }: Variables): readonly AuthenticationMethod[] {
  const hasCertificates = own !== undefined || header !== undefined
  if (authorities !== undefined && !hasCertificates) throw new OperatorError('TLS_CLIENT_CA_FILE needs certificates of clients. Set TLS_CERTIFICATE_FILE and TLS_KEY_FILE, or CLIENT_CERTIFICATE_HEADER.')
  return authenticationMethods.filter((method) => {
    if (method === 'tls_client_auth') return authorities !== undefined
    return hasCertificates || !needsCertificate(method)
  })
}

function isLoopback (hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}

/** @param text undefined: all of them. @returns them in the order in which they are named */
function readChoices<T extends string> (name: string, text: string | undefined, choices: readonly T[]): readonly T[] {
  if (text === undefined) return choices
  const named = text.split(',').map((part) => part.trim()).filter((part) => part !== '')
  const unknown = named.filter((each) => !(choices as readonly string[]).includes(each)) // includes() takes no other text
  if (unknown.length > 0) throw new OperatorError(`${name} has "${unknown.join(', ')}". It takes some of these, separated by commas: ${choices.join(', ')}.`)
  if (named.length === 0) throw new OperatorError(`${name} names nothing. It takes some of these, separated by commas: ${choices.join(', ')}.`)
  return Object.freeze([...new Set(named)].flatMap((name) => choices.filter((choice) => choice === name)))
}
