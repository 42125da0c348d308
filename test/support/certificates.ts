/** Certificates and keys for TLS, made by openssl in a folder of their own. */
import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Certificate {
  readonly certificateFile: string
  readonly keyFile: string
  /** PEM. */
  readonly certificate: string
  readonly key: string
  readonly der: Buffer
  /** SHA-256, base64url: `x5t#S256`. */
  readonly thumbprint: string
}

interface CertificateInput {
  /** As openssl writes a subject. */
  readonly subject: string
  /** Such as `DNS:a.example,IP:127.0.0.1`. */
  readonly names?: string
  /** Default: it signs itself. */
  readonly issuer?: Certificate
  readonly extensions?: readonly string[]
  readonly days?: number
}

export function createCertificate ({ subject, names, issuer, extensions = [], days = 2 }: CertificateInput): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'signet-certificate-'))
  const [certificateFile, keyFile] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')]
  const all = [...names === undefined ? [] : [`subjectAltName=${names}`], ...extensions]
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile, '-out', certificateFile, '-subj', subject, '-days', String(days),
    ...issuer === undefined ? [] : ['-CA', issuer.certificateFile, '-CAkey', issuer.keyFile],
    ...all.flatMap((extension) => ['-addext', extension])
  ], { stdio: 'pipe' })
  const certificate = readFileSync(certificateFile, 'utf8')
  const { raw } = new X509Certificate(certificate)
  return { certificateFile, keyFile, certificate, key: readFileSync(keyFile, 'utf8'), der: raw, thumbprint: createHash('sha256').update(raw).digest('base64url') }
}
