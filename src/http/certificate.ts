/**
 * The certificate of the caller: that of the TLS connection, or the one in a header that only a trusted proxy sets.
 * Whose it is, and whether anybody vouches for it, is decided elsewhere.
 */
import { X509Certificate } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The certificate whose private key the caller holds, as TLS or a trusted proxy says. */
    certificate: X509Certificate | undefined
  }
}

export type ReadCertificate = (request: FastifyRequest) => X509Certificate | undefined

/** Base64 of a certificate; more than header fields may have anyway. */
const maxHeaderLength = 16_384

/**
 * A header from anybody but a trusted proxy means nothing; and where a trusted proxy is the peer, its own certificate
 * is never the caller's.
 * @see [RFC 8705 §6.5](https://www.rfc-editor.org/rfc/rfc8705.html#section-6.5)
 * @see [RFC 9440 §4](https://www.rfc-editor.org/rfc/rfc9440.html#section-4)
 * @see [RFC 9700 §4.13](https://www.rfc-editor.org/rfc/rfc9700.html#section-4.13)
 */
export function createReadCertificate ({ clientCertificateHeader, trustProxy }: Pick<Config, 'clientCertificateHeader' | 'trustProxy'>): ReadCertificate {
  const proxies = blockListOf(trustProxy)
  return ({ raw }) => {
    const { socket } = raw
    const address = socket.remoteAddress ?? ''
    if (proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')) {
      const [value, ...others] = clientCertificateHeader === undefined ? [] : raw.headersDistinct[clientCertificateHeader] ?? []
      return value === undefined || others.length > 0 ? undefined : parseHeader(value)
    }
    return socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
  }
}

function blockListOf (networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return list
}

/**
 * A byte sequence of DER (`:MIIB…:`), or PEM that is percent-encoded, as nginx and others write it.
 * @see [RFC 9440 §2.2](https://www.rfc-editor.org/rfc/rfc9440.html#section-2.2)
 */
function parseHeader (value: string): X509Certificate | undefined {
  if (value.length > maxHeaderLength) return undefined
  const [, der] = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(value) ?? []
  try {
    if (der !== undefined) return new X509Certificate(Buffer.from(der, 'base64'))
    const [, pem] = /^-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]+)\n-----END CERTIFICATE-----\n?$/.exec(decodeURIComponent(value)) ?? []
    return pem === undefined ? undefined : new X509Certificate(Buffer.from(pem, 'base64'))
  } catch {
    return undefined // it is no certificate, or no percent-encoding
  }
}
