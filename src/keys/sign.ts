import { signWith } from '../oauth/signature.ts'
import type { SigningKey } from './signing-key.ts'

/**
 * @param type the `typ` of the header: what tells one kind of JWT from another (RFC 8725 §3.11)
 * @returns JWS compact serialization
 * @see [RFC 7515 §5.1](https://www.rfc-editor.org/rfc/rfc7515.html#section-5.1)
 */
export function signJwt ({ algorithm, kid, privateKey }: Pick<SigningKey, 'algorithm' | 'kid' | 'privateKey'>, type: string, claims: object): string {
  const signingInput = `${encode({ alg: algorithm, typ: type, kid })}.${encode(claims)}`
  return `${signingInput}.${signWith(algorithm, privateKey, signingInput).toString('base64url')}`
}

function encode (part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
