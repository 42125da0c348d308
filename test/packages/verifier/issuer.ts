/**
 * An issuer as small as it can be: metadata, JWKS and status lists over HTTP, and tokens that it signs, good ones and
 * others. What it serves can be replaced path by path, and it counts what it is asked.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { deflateSync } from 'node:zlib'
import { StatusList } from '@sd-jwt/jwt-status-list'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'
import { createVerifier, type Verifier, type VerifierOptions } from '../../../packages/verifier/src/index.ts'

export const audience = 'https://api.example.com'
/** Signet's: a fetch is due within 25 seconds. */
export const ttlSeconds = 25

export type Members = Readonly<Record<string, unknown>>
export type Answer = (request: IncomingMessage, response: ServerResponse) => void

export interface Key {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

/** In place of what a good one has; undefined takes a member away. */
export interface Changes {
  readonly header?: Members
  readonly claims?: Members
  readonly key?: Key
}

export interface TestIssuer {
  readonly name: string
  readonly key: Key
  readonly uri: (list?: string) => string
  /** A token with the given index of the first list. */
  readonly token: (index?: number, changes?: Changes) => Promise<string>
  /** A verifier of this issuer, on the clock of the tests; random numbers are 0, which makes nothing due early. */
  readonly verifier: (options?: Partial<VerifierOptions>) => Verifier
  readonly revoke: (index: number, list?: string) => void
  /** The Status List Token that is served. */
  readonly statusListToken: (list?: string, changes?: Changes) => Promise<string>
  readonly serve: (path: string, answer: Answer | undefined) => void
  readonly publish: (...keys: readonly Key[]) => void
  /** How often a path was asked for since the last time, all of them without one. */
  readonly requests: (path?: string) => number
  readonly jwksPath: string
  readonly listPath: string
  readonly metadataPath: string
  readonly clock: { now: number }
  readonly stop: () => Promise<void>
}

export async function newKey (kid: string, alg = 'ES256'): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, publicJwk: { ...await exportJWK(publicKey), kid, alg, use: 'sig' } }
}

export async function sign (header: Members, claims: Members, { kid, alg, privateKey }: Key): Promise<string> {
  return await new SignJWT(present(claims)).setProtectedHeader({ ...present({ kid, ...header }), alg }).sign(privateKey)
}

function present (members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}

/** As any library would make it. */
export function encodeList (statuses: readonly number[], bits: 1 | 2 | 4 | 8 = 1): Members {
  return { bits, lst: new StatusList([...statuses], bits).compressStatusList() }
}

export function compressed (bytes: Uint8Array): string {
  return deflateSync(bytes, { level: 9 }).toString('base64url')
}

/** @param path of the issuer, behind its origin */
export async function startIssuer ({ path = '', size = 64 }: { readonly path?: string, readonly size?: number } = {}): Promise<TestIssuer> {
  const clock = { now: Date.now() }
  const key = await newKey('first')
  let published: readonly Key[] = [key]
  const revoked = new Map<string, Set<number>>()
  const answers = new Map<string, Answer>()
  const asked = new Map<string, number>()
  const [jwksPath, listsPath, metadataPath] = [`${path}/oauth/v2/jwks`, `${path}/oauth/v2/status-lists/`, `/.well-known/oauth-authorization-server${path}`]

  const server = createServer((request, response) => {
    const { url = '' } = request
    asked.set(url, (asked.get(url) ?? 0) + 1)
    const answer = answers.get(url)
    if (answer === undefined) void respond(url, response)
    else answer(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const name = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}${path}`
  const uri = (list = 'a'): string => `${name}/oauth/v2/status-lists/${list}`
  const seconds = (): number => Math.floor(clock.now / 1_000)

  async function statusListToken (list = 'a', { header = {}, claims = {}, key: other = key }: Changes = {}): Promise<string> {
    const statuses = Array.from({ length: size }, (_, index) => revoked.get(list)?.has(index) === true ? 1 : 0)
    return await sign({ typ: 'statuslist+jwt', ...header }, { sub: uri(list), iat: seconds(), exp: seconds() + 300, ttl: ttlSeconds, status_list: encodeList(statuses), ...claims }, other)
  }

  async function respond (url: string, response: ServerResponse): Promise<void> {
    if (url === metadataPath) response.end(JSON.stringify({ issuer: name, jwks_uri: name + '/oauth/v2/jwks' }))
    else if (url === jwksPath) response.end(JSON.stringify({ keys: published.map(({ publicJwk }) => publicJwk) }))
    else if (url.startsWith(listsPath)) response.setHeader('content-type', 'application/statuslist+jwt').end(await statusListToken(url.slice(listsPath.length)))
    else response.writeHead(404).end()
  }

  return {
    name,
    key,
    uri,
    clock,
    jwksPath,
    metadataPath,
    listPath: `${listsPath}a`,
    statusListToken,
    token: async (index = 0, { header = {}, claims = {}, key: other = key } = {}) => await sign({ typ: 'at+jwt', ...header }, {
      iss: name, aud: audience, sub: 'cl_live_partner', client_id: 'cl_live_partner', org: 'org_games', env: 'live', scope: 'tournaments:read', jti: 'one', iat: seconds(), exp: seconds() + 90_000, status: { status_list: { idx: index, uri: uri() } }, ...claims
    }, other),
    verifier: (options = {}) => createVerifier({ issuer: name, audience, whenStatusUnavailable: 'refuse', now: () => clock.now, random: () => 0, ...options }),
    revoke: (index, list = 'a') => { revoked.set(list, (revoked.get(list) ?? new Set()).add(index)) },
    serve: (at, answer) => {
      if (answer === undefined) answers.delete(at)
      else answers.set(at, answer)
    },
    publish: (...keys) => { published = keys },
    requests: (at) => {
      const count = at === undefined ? [...asked.values()].reduce((sum, each) => sum + each, 0) : asked.get(at) ?? 0
      if (at === undefined) asked.clear()
      else asked.delete(at)
      return count
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}

export function answer (status: number, body = '', headers: Readonly<Record<string, string>> = {}): Answer {
  return (_request, response) => { response.writeHead(status, headers).end(body) }
}

/** A request that carries a token. */
export function bearer (token: string): { readonly headers: { readonly authorization: string } } {
  return { headers: { authorization: `Bearer ${token}` } }
}
