/** `tls_client_auth`: an authority that is believed vouches for the certificate, and it bears the client's registered subject. */
import type { X509Certificate } from 'node:crypto'
import type { Client } from './client.ts'
import { matchesSubject } from './certificate-subject.ts'
import { refused, type Verdict } from './verdict.ts'

/** Whether the certificate is the client's. */
export type CertificateCheck = (certificate: X509Certificate, client: Client, now: number) => Verdict

export const verifiedByCertificate: Verdict = { verified: 'certificate' }

/** id-kp-clientAuth, RFC 5280 §4.2.1.12. */
const clientAuthentication = '1.3.6.1.5.5.7.3.2'

/**
 * @param authorities whose certificates are believed; one between them and a client's has to be among them itself
 * @see [RFC 8705 §2.1](https://www.rfc-editor.org/rfc/rfc8705.html#section-2.1)
 * @see [RFC 5280 §6](https://www.rfc-editor.org/rfc/rfc5280.html#section-6)
 */
export function createTlsClientAuth (authorities: readonly X509Certificate[]): CertificateCheck {
  function isVouchedFor (certificate: X509Certificate, now: number): boolean {
    return authorities.some((authority) => authority.ca && isInForce(authority, now) && certificate.checkIssued(authority) && certificate.verify(authority.publicKey))
  }

  return (certificate, client, now) => {
    if (!isForClients(certificate)) return refused('certificate not for the authentication of clients')
    if (!isVouchedFor(certificate, now)) return refused('certificate of no authority that is believed')
    return matchesSubject(certificate, client.certificateSubject) ? verifiedByCertificate : refused('certificate of another subject')
  }
}

/** A certificate that names no purpose is for any; Node.js has no list then, whatever its types say. */
function isForClients ({ keyUsage }: { readonly keyUsage?: readonly string[] | undefined }): boolean {
  return keyUsage?.includes(clientAuthentication) ?? true
}

export function isInForce ({ validFrom, validTo }: X509Certificate, now: number): boolean {
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo)
}
