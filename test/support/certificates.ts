/** Certificates and keys for TLS, in a folder of their own. */
import 'reflect-metadata' // what @peculiar/x509 is built on asks for it
import { createHash, KeyObject, webcrypto, type X509Certificate } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, KeyUsageFlags, KeyUsagesExtension, SubjectAlternativeNameExtension, X509CertificateGenerator, type JsonGeneralName } from '@peculiar/x509'

export interface Certificate {
  readonly certificateFile: string
  readonly keyFile: string
  /** PEM. */
  readonly certificate: string
  readonly key: string
  readonly der: X509Certificate['raw']
  /** SHA-256, base64url: `x5t#S256`. */
  readonly thumbprint: string
  readonly subject: string
  readonly signingKey: webcrypto.CryptoKey
}

interface CertificateInput {
  /** Its parts in the certificate's order, such as `/C=DE/CN=backend`. */
  readonly subject: string
  /** Such as `DNS:a.example` and `IP:127.0.0.1`. */
  readonly names?: readonly string[]
  /** Default: it signs itself. */
  readonly issuer?: Certificate
  readonly isAuthority?: boolean
  /** With the key usage that goes with it. */
  readonly purpose?: 'clientAuth' | 'serverAuth'
}

const nameTypes: Readonly<Record<string, JsonGeneralName['type']>> = { DNS: 'dns', URI: 'url', IP: 'ip', email: 'email' }
const dayMillis = 86_400_000

export async function createCertificate ({ subject, names = [], issuer, isAuthority = false, purpose }: CertificateInput): Promise<Certificate> {
  const { privateKey, publicKey } = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const generated = await X509CertificateGenerator.create({
    subject: nameOf(subject),
    issuer: nameOf(issuer?.subject ?? subject),
    publicKey,
    signingKey: issuer?.signingKey ?? privateKey,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 2 * dayMillis),
    extensions: [
      new BasicConstraintsExtension(isAuthority, undefined, true),
      ...purpose === undefined ? [] : [new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true), new ExtendedKeyUsageExtension([ExtendedKeyUsage[purpose]])],
      ...names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names.map(alternativeName))]
    ]
  })
  const folder = mkdtempSync(join(tmpdir(), 'signet-certificate-'))
  const [certificateFile, keyFile] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')]
  const certificate = `${generated.toString('pem')}\n`
  const key = KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }).toString()
  writeFileSync(certificateFile, certificate)
  writeFileSync(keyFile, key, { mode: 0o600 })
  const der = Buffer.from(generated.rawData)
  return { certificateFile, keyFile, certificate, key, der, thumbprint: createHash('sha256').update(der).digest('base64url'), subject, signingKey: privateKey }
}

function nameOf (subject: string): Record<string, string[]>[] {
  return subject.split('/').slice(1).map((part) => ({ [part.slice(0, part.indexOf('='))]: [part.slice(part.indexOf('=') + 1)] }))
}

function alternativeName (text: string): JsonGeneralName {
  const colon = text.indexOf(':')
  return { type: nameTypes[text.slice(0, colon)] ?? 'dns', value: text.slice(colon + 1) }
}
