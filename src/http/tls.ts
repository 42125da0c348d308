/** The files of TLS: the server's own certificate, where it ends TLS itself, and the authorities that are believed about clients. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { ServerOptions } from 'node:https'
import type { Config } from '../config.ts'
import { errorCode } from '../error-code.ts'
import { OperatorError } from '../operator-error.ts'

/**
 * Callers are asked for a certificate and need none. Nobody's is refused here: whether one is believed depends on the
 * client that it is presented for.
 * @returns undefined without `TLS_CERTIFICATE_FILE`
 * @throws OperatorError when a file cannot be read or is not what it should be
 * @see [RFC 9325 §3.1.1](https://www.rfc-editor.org/rfc/rfc9325.html#section-3.1.1)
 */
export async function readTls ({ tlsCertificateFile, tlsKeyFile }: Pick<Config, 'tlsCertificateFile' | 'tlsKeyFile'>): Promise<ServerOptions | undefined> {
  if (tlsCertificateFile === undefined || tlsKeyFile === undefined) return undefined
  const [cert, key] = await Promise.all([readOne('TLS_CERTIFICATE_FILE', tlsCertificateFile), readOne('TLS_KEY_FILE', tlsKeyFile)])
  if (!belongTogether(cert, key)) {
    throw new OperatorError(`TLS_CERTIFICATE_FILE and TLS_KEY_FILE do not hold a certificate in PEM and its private key. Look at ${tlsCertificateFile} and ${tlsKeyFile}.`)
  }
  return { cert, key, minVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: false }
}

async function readOne (variable: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new OperatorError(`${variable} cannot be read from ${path} (${errorCode(error) ?? 'unknown error'}). Put the file there, or make it readable for this user.`, { cause: error })
  }
}

function belongTogether (certificate: string, key: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

/**
 * Those that are believed about the certificates of clients.
 * @throws OperatorError as readTls
 */
export async function readAuthorities ({ tlsClientCaFile }: Pick<Config, 'tlsClientCaFile'>): Promise<X509Certificate[]> {
  if (tlsClientCaFile === undefined) return []
  const text = await readOne('TLS_CLIENT_CA_FILE', tlsClientCaFile)
  try {
    const authorities = (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((pem) => new X509Certificate(pem))
    if (authorities.length > 0 && authorities.every(({ ca }) => ca)) return authorities
  } catch {} // as one without any
  throw new OperatorError(`TLS_CLIENT_CA_FILE holds no certificates of authorities in PEM, or others too. Look at ${tlsClientCaFile}.`)
}
