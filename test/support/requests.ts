/** Requests as a partner backend or an API sends them: plain fetch, forms, Basic credentials. */
import { setTimeout as pause } from 'node:timers/promises'
import type { TestServer } from './server.ts'
import type { RegisteredClient } from './fixtures.ts'

/** As an object, or as pairs where a name comes twice. */
export type Parameters = Readonly<Record<string, string>> | [string, string][]

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; `{}` when it is none. */
  readonly json: Readonly<Record<string, unknown>>
}

export async function send (url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: parse(text) }
}

export async function postForm (url: string, parameters: Parameters, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const body = new URLSearchParams(parameters)
  return await send(url, {
    method: 'POST', body: body.toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers }
  })
}

/** @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.3.1): each half form-encoded first */
export function basic (id: string, secret: string): { readonly Authorization: string } {
  const encode = (text: string): string => new URLSearchParams({ v: text }).toString().slice(2)
  return { Authorization: `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}` }
}

/** Of this very server: one beside it on the same database has the same issuer. */
export function endpointOf ({ origin, issuer }: Pick<TestServer, 'origin' | 'issuer'>, name: string): string {
  return `${origin}${new URL(issuer).pathname.replace(/\/$/, '')}/oauth/v2/${name}`
}

export function requestToken (server: TestServer, client: RegisteredClient, parameters: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return postForm(endpointOf(server, 'token'), { client_id: client.id, client_secret: client.secret, ...parameters })
}

/** Whether the server takes this secret for the client's. */
export async function acceptsSecret (server: TestServer, client: { readonly id: string }, secret: string): Promise<boolean> {
  const { status, text } = await postForm(`${server.origin}/oauth/v2/token`, { client_id: client.id, client_secret: secret, grant_type: 'client_credentials' })
  if (status !== 200 && status !== 401) throw new Error(`${status} ${text}`)
  return status === 200
}

/** A client with the default scopes that the server has heard of. */
export async function knownClient (server: TestServer, organizationId: string): Promise<RegisteredClient> {
  const client = await server.fixtures.client({ organizationId })
  await known(server, client)
  return client
}

/** A token, when everything is known to be right. */
export async function tokenOf (server: TestServer, client: RegisteredClient, scope = 'tournaments:read'): Promise<string> {
  const { status, json, text } = await requestToken(server, client, { scope })
  const token = json['access_token']
  if (status !== 200 || typeof token !== 'string') throw new Error(`no token: ${status} ${text}`)
  return token
}

export function introspect (server: TestServer, caller: RegisteredClient, token: string): Promise<Answer> {
  return postForm(endpointOf(server, 'introspect'), { token }, basic(caller.id, caller.secret))
}

export function revoke (server: TestServer, caller: RegisteredClient, token: string): Promise<Answer> {
  return postForm(endpointOf(server, 'revoke'), { token }, basic(caller.id, caller.secret))
}

/** Waits until the server has heard of a client through its change feed. */
export async function known (server: TestServer, client: RegisteredClient): Promise<void> {
  if (!await within(2, async () => (await introspect(server, client, 'nothing')).status === 200)) throw new Error(`${client.id} stayed unknown`)
}

/** Asks again until the condition holds; a guarantee of "within a second" is asked with that bound. */
export async function within (seconds: number, condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000
  while (Date.now() < deadline) {
    if (await condition()) return true
    await pause(20)
  }
  return await condition()
}

function parse (text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
