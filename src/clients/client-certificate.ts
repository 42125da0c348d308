/**
 * `tls_client_auth` and `self_signed_tls_client_auth`: the client holds the key of a certificate, as TLS has shown.
 * Whether the certificate has been revoked is not checked: disable the client instead, or take the certificate from it.
 */
import { createHash, type X509Certificate } from 'node:crypto'
import type { Client } from './client.ts'
import { matchesSubject } from './certificate-subject.ts'

export interface CertificateCredential {
  readonly kind: 'certificate'
  readonly method: 'tls_client_auth' | 'self_signed_tls_client_auth'
  readonly clientId: string
  readonly certificate: X509Certificate
}

/** A certificate that nobody else vouches for is one of those that the client has registered, or nothing. */
export function certificateCredential (clientId: string, certificate: X509Certificate): CertificateCredential {
  return { kind: 'certificate', method: isSelfSigned(certificate) ? 'self_signed_tls_client_auth' : 'tls_client_auth', clientId, certificate }
}

/** Not by checkIssued(), which wants a certificate with key usages to be one of an authority. */
function isSelfSigned (certificate: X509Certificate): boolean {
  try {
    return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey)
  } catch {
    return false // a key or signature of a kind that this server does not know
  }
}

export interface CertificateVerification {
  /** @returns `verified`, or why not, for the log */
  verify (credential: CertificateCredential, client: Client | undefined, now: number): string
}

/** id-kp-clientAuth, RFC 5280 §4.2.1.12. */
const clientAuthentication = '1.3.6.1.5.5.7.3.2'

/**
 * The same is computed of a certificate whoever the client is, so that an unknown one costs as much as a known one.
 * @param authorities whose certificates are believed; one between them and a client's has to be among them itself
 * @see [RFC 8705 §2](https://www.rfc-editor.org/rfc/rfc8705.html#section-2)
 * @see [RFC 5280 §6](https://www.rfc-editor.org/rfc/rfc5280.html#section-6)
 */
export function createCertificateVerification (authorities: readonly X509Certificate[]): CertificateVerification {
  function isVouchedFor (certificate: X509Certificate, now: number): boolean {
    return authorities.some((authority) => authority.ca && isInForce(authority, now) && certificate.checkIssued(authority) && certificate.verify(authority.publicKey))
  }

  return {
    verify ({ method, certificate }, client, now) {
      if (!isInForce(certificate, now)) return 'certificate not valid at this time'
      if (method === 'self_signed_tls_client_auth') {
        const thumbprint = certificateThumbprint(certificate)
        return client?.certificateThumbprints.includes(thumbprint) === true ? 'verified' : 'certificate not registered'
      }
      if (!isForClients(certificate)) return 'certificate not for the authentication of clients'
      if (!isVouchedFor(certificate, now)) return 'certificate of no authority that is believed'
      return matchesSubject(certificate, client?.certificateSubject ?? null) ? 'verified' : 'certificate of another subject'
    }
  }
}

/** A certificate that names no purpose is for any; Node.js has no list then, whatever its types say. */
function isForClients ({ keyUsage }: { readonly keyUsage?: readonly string[] | undefined }): boolean {
  return keyUsage?.includes(clientAuthentication) ?? true
}

function isInForce ({ validFrom, validTo }: X509Certificate, now: number): boolean {
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo)
}

/** @see [RFC 8705 §3.1](https://www.rfc-editor.org/rfc/rfc8705.html#section-3.1) */
export function certificateThumbprint ({ raw }: X509Certificate): string {
  return createHash('sha256').update(raw).digest('base64url')
}

/** Of the bytes as `x5t#S256` has them, or in hexadecimal as openssl prints a fingerprint; undefined for anything else. */
export function readThumbprint (text: string): string | undefined {
  if (/^[\w-]{43}$/.test(text)) return Buffer.from(text, 'base64url').toString('base64url')
  const digits = text.replaceAll(':', '')
  return /^[\dA-Fa-f]{64}$/.test(digits) ? Buffer.from(digits, 'hex').toString('base64url') : undefined
}
