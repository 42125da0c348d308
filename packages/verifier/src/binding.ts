/** What a token is bound to: nothing, a key, a certificate, or both. A token bound to what is unknown here is refused. */
import { createHash } from 'node:crypto'
import type { AccessToken } from './access-token.ts'
import type { PresentedToken, TokenRequest } from './authorization.ts'
import { requireProof, type DpopOptions } from './dpop.ts'
import { invalidToken } from './refusal.ts'

export interface Presentation {
  readonly presented: PresentedToken
  /** Undefined where a token alone was given: then there is no proof. */
  readonly request: TokenRequest | undefined
  /** DER of the certificate that the client showed in TLS. */
  readonly certificate: Uint8Array | undefined
}

/**
 * @param dpop undefined: this API takes no token that is bound to a key
 * @throws Refusal `invalid_token`, `invalid_dpop_proof`
 * @see [RFC 7800 §3.1](https://www.rfc-editor.org/rfc/rfc7800.html#section-3.1)
 * @see [RFC 9449 §7.2](https://www.rfc-editor.org/rfc/rfc9449.html#section-7.2): a bound token is no bearer token
 * @see [RFC 8705 §3](https://www.rfc-editor.org/rfc/rfc8705.html#section-3)
 */
export async function requireBinding ({ cnf }: AccessToken, { presented: { scheme, token }, request, certificate }: Presentation, dpop: DpopOptions | undefined): Promise<void> {
  const { jkt, 'x5t#S256': thumbprint, ...unknown } = readConfirmation(cnf)
  if (Object.keys(unknown).length > 0) throw invalidToken('The access token is bound in a way that this API does not know.')
  if (thumbprint !== undefined) requireCertificate(thumbprint, certificate)
  if (jkt === undefined) {
    if (scheme === 'DPoP') throw invalidToken('The access token is bound to no key: send it as Bearer.', { scheme: 'Bearer' })
    return
  }
  if (dpop === undefined) throw invalidToken('The access token is bound to a key, and this API takes no such tokens.')
  if (scheme !== 'DPoP' || request === undefined) throw invalidToken('The access token is bound to a key: send it with the scheme DPoP and a proof.', { scheme: 'DPoP' })
  if (typeof jkt !== 'string') throw invalidToken('The access token is bound in a way that this API does not know.')
  await requireProof(request, token, jkt, dpop)
}

function readConfirmation (cnf: unknown): Readonly<Record<string, unknown>> {
  if (cnf === undefined) return {}
  if (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf) || Object.keys(cnf).length === 0) return { cnf }
  return { ...cnf }
}

function requireCertificate (thumbprint: unknown, certificate: Uint8Array | undefined): void {
  if (certificate === undefined || certificate.length === 0) throw invalidToken('The access token is bound to a certificate, and the request came without one.')
  if (createHash('sha256').update(certificate).digest('base64url') !== thumbprint) throw invalidToken('The access token is bound to another certificate.')
}
