/**
 * Certificates as client authentication: the client holds the key of one, as TLS has shown. Whether the certificate
 * has been revoked is not checked: disable the client instead, or take the certificate from it.
 */
import type { X509Certificate } from 'node:crypto'
import type { Client } from './client.ts'
import { isSelfSigned, selfSignedTlsClientAuth } from './self-signed-tls-client-auth.ts'
import { createTlsClientAuth, isInForce, type CertificateCheck } from './tls-client-auth.ts'
import { refused, type Verdict } from './verdict.ts'

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

export interface CertificateVerification {
  verify (credential: CertificateCredential, client: Client, now: number): Verdict
}

/**
 * The same is computed of a certificate whoever the client is, so that an unknown one costs as much as a known one.
 * @see [RFC 8705 §2](https://www.rfc-editor.org/rfc/rfc8705.html#section-2)
 */
export function createCertificateVerification (authorities: readonly X509Certificate[]): CertificateVerification {
  const checks: Readonly<Record<CertificateCredential['method'], CertificateCheck>> = {
    tls_client_auth: createTlsClientAuth(authorities),
    self_signed_tls_client_auth: selfSignedTlsClientAuth
  }
  return {
    verify: ({ method, certificate }, client, now) => isInForce(certificate, now) ? checks[method](certificate, client, now) : refused('certificate not valid at this time')
  }
}
