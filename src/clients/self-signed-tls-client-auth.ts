/** `self_signed_tls_client_auth`: nobody vouches for the certificate, and it is one of those that the client has registered. */
import type { X509Certificate } from 'node:crypto'
import { certificateThumbprint } from './certificate-thumbprint.ts'
import { verifiedByCertificate, type CertificateCheck } from './tls-client-auth.ts'
import { refused } from './verdict.ts'

/** @see [RFC 8705 §2.2](https://www.rfc-editor.org/rfc/rfc8705.html#section-2.2) */
export const selfSignedTlsClientAuth: CertificateCheck = (certificate, client) => {
  const thumbprint = certificateThumbprint(certificate)
  return client.certificateThumbprints.includes(thumbprint) ? verifiedByCertificate : refused('certificate not registered')
}

/** Not by checkIssued(), which wants a certificate with key usages to be one of an authority. */
export function isSelfSigned (certificate: X509Certificate): boolean {
  try {
    return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey)
  } catch {
    return false // a key or signature of a kind that this server does not know
  }
}
