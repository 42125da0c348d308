/**
 * Client secrets that can be recovered: an assertion is a MAC, and a hash cannot check it. They are kept sealed under the
 * master key, only for clients whose assertions are checked with them; the database forgets them with the need for them.
 */
import { needsSecret } from '../oauth/authentication-methods.ts'
import type { SealedPlace, Sealer } from '../sealing/sealer.ts'
import type { Client } from './client.ts'

/** Fewer octets make no key for HS256, so such a secret is not kept. */
const minKeyOctets = 32

/** Whether the assertions of such a client are checked with its secrets. */
export function needsSealedSecrets ({ type, authenticationMethods }: Pick<Client, 'type' | 'authenticationMethods'>): boolean {
  return authenticationMethods.includes('client_secret_jwt') || (type === 'jwt' && authenticationMethods.some(needsSecret))
}

/** @see [RFC 7518 §3.2](https://www.rfc-editor.org/rfc/rfc7518.html#section-3.2) */
export function isLongEnoughForHmac (secret: string): boolean {
  return Buffer.byteLength(secret) >= minKeyOctets
}

/** @returns null for a secret that is too short to be a key */
export function sealSecret (sealer: Pick<Sealer, 'seal'>, clientId: string, secretId: string, secret: string): string | null {
  return isLongEnoughForHmac(secret) ? sealer.seal(placeOf(clientId, secretId), Buffer.from(secret)) : null
}

/** @throws OperatorError when it does not open */
export function resealSecret (
  { id, clientId, sealedSecret }: { readonly id: string, readonly clientId: string, readonly sealedSecret: string }, from: Pick<Sealer, 'open'>, to: Pick<Sealer, 'seal'>
): { readonly id: string, readonly sealedSecret: string } {
  return { id, sealedSecret: to.seal(placeOf(clientId, id), from.open(placeOf(clientId, id), sealedSecret)) }
}

/**
 * @returns the UTF-8 octets of the secret, which are the key of an HMAC; undefined where the secret was not kept
 * @throws OperatorError when the envelope was altered, or belongs to another client or secret
 */
export function openSecret (
  sealer: Pick<Sealer, 'open'>, clientId: string, { id, sealedSecret }: { readonly id: string, readonly sealedSecret: string | null }
): Buffer | undefined {
  return sealedSecret === null ? undefined : sealer.open(placeOf(clientId, id), sealedSecret)
}

function placeOf (clientId: string, secretId: string): SealedPlace {
  return { purpose: 'client-secret', row: secretId, qualifier: clientId }
}
