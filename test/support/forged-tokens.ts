/** Tokens that the server would never make, some of them with its own private key: a check is proved only by a true signature. */
import { sign } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { Environment } from '../../src/environment.ts'
import { openSigningKey, type SigningKey } from '../../src/keys/signing-key.ts'
import { createSigningKeyStore } from '../../src/keys/store.ts'
import type { TestServer } from './server.ts'

export type Part = Readonly<Record<string, unknown>>
export type Signer = (signingInput: string) => Buffer

/** The key that the server signs with, opened as the server opens it. */
export async function signingKeyOf (server: TestServer, environment: Environment = 'live'): Promise<SigningKey> {
  const row = (await createSigningKeyStore(server.database).readAll()).find((each) => each.environment === environment)
  if (row === undefined) throw new Error(`no ${environment} key`)
  return await openSigningKey(row, server.prepared.sealer)
}

export function rs256 (key: Pick<SigningKey, 'privateKey'>): Signer {
  return (signingInput) => sign('sha256', Buffer.from(signingInput), key.privateKey)
}

export const unsigned: Signer = () => Buffer.alloc(0)

export function compact (header: Part, payload: Part | string, signer: Signer): string {
  const signingInput = `${encode(header)}.${encode(payload)}`
  return `${signingInput}.${signer(signingInput).toString('base64url')}`
}

/** Header and claims of a token, for making another of them. Members set to undefined are left out of the copy. */
export function partsOf (token: string): { readonly header: Part, readonly claims: Part } {
  return { header: { ...decodeProtectedHeader(token) }, claims: decodeJwt(token) }
}

function encode (part: Part | string): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
}
