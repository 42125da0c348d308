/** What a token is bound to: the key of a DPoP proof, the certificate of the caller, both or nothing. */
import type { X509Certificate } from 'node:crypto'
import { certificateThumbprint } from '../clients/certificate-thumbprint.ts'
import type { Client } from '../clients/client.ts'
import type { Proof } from '../dpop/proof.ts'
import type { Confirmation } from '../oauth/claims.ts'
import { invalidRequest } from '../oauth/errors.ts'

/**
 * @throws OAuthError `invalid_request` when the client's tokens are bound to its certificate and there is none
 * @see [RFC 8705 §3](https://www.rfc-editor.org/rfc/rfc8705.html#section-3)
 * @see [RFC 9449 §6.1](https://www.rfc-editor.org/rfc/rfc9449.html#section-6.1)
 * @see [RFC 9700 §2.2.1](https://www.rfc-editor.org/rfc/rfc9700.html#section-2.2.1)
 */
export function confirmationOf ({ certificateBoundTokens }: Pick<Client, 'certificateBoundTokens'>, proof: Proof | undefined, certificate: X509Certificate | undefined): Confirmation | undefined {
  const jkt = proof?.thumbprint
  if (!certificateBoundTokens) return jkt === undefined ? undefined : { jkt }
  if (certificate === undefined) throw invalidRequest('The tokens of this client are bound to its certificate: send the request over TLS with that certificate.')
  return { ...jkt === undefined ? {} : { jkt }, 'x5t#S256': certificateThumbprint(certificate) }
}
