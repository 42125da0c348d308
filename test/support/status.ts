/** What a token says of its status, and the list as a verifier reads it. */
import { inflateSync } from 'node:zlib'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { expect } from 'vitest'
import { bitAt } from '../../src/status-lists/bits.ts'
import { send } from './requests.ts'
import type { TestServer } from './server.ts'

export interface Status { readonly idx: number, readonly uri: string }

export function statusOf (token: string): Status {
  const { status } = decodeJwt<{ status: { status_list: Status } }>(token)
  return status.status_list
}

export function listIdOf (token: string): string {
  return statusOf(token).uri.slice(-22)
}

/** For what tokens are compared with. */
export function statusBelow (issuer: string): unknown {
  return { status_list: { idx: expect.any(Number) as unknown, uri: expect.stringMatching(new RegExp(`^${issuer}/oauth/v2/status-lists/[0-9A-Za-z]{22}$`)) as unknown } }
}

/** Of the list that the token names, as a server of the issuer publishes it. */
export async function bitOf (token: string, where: TestServer): Promise<boolean> {
  const { idx, uri } = statusOf(token)
  return bitAt(await bitsAt(uri, where), idx)
}

/** The signature is verified too. */
export async function bitsAt (uri: string, { origin }: Pick<TestServer, 'origin'>): Promise<Uint8Array> {
  const at = (url: string): string => origin + new URL(url).pathname
  const answer = await send(at(uri))
  expect(answer.status).toBe(200)
  const issuer = uri.slice(0, uri.indexOf('/oauth/v2/status-lists/'))
  const { payload } = await jwtVerify<{ status_list: { bits: number, lst: string } }>(answer.text, createRemoteJWKSet(new URL(at(`${issuer}/oauth/v2/jwks`))), { issuer, subject: uri, typ: 'statuslist+jwt' })
  expect(payload.status_list.bits).toBe(1)
  return inflateSync(Buffer.from(payload.status_list.lst, 'base64url'))
}
