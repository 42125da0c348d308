import { once } from 'node:events'
import { connect, type SecureVersion } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCertificate } from '../support/certificates.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const own = await createCertificate({ subject: '/CN=127.0.0.1', names: ['IP:127.0.0.1'] })

describe('RFC 9325 §3.1 TLS, where Signet ends it itself', () => {
  let server: TestServer

  beforeAll(async () => { server = await startTestServer({ environment: { TLS_CERTIFICATE_FILE: own.certificateFile, TLS_KEY_FILE: own.keyFile } }) })
  afterAll(async () => { await server.stop() })

  /** @returns the version that was agreed on, or the code of the refusal */
  async function versionOf (version: SecureVersion, ciphers = 'DEFAULT'): Promise<unknown> {
    const socket = connect({ host: '127.0.0.1', port: server.config.port, ca: own.certificate, minVersion: version, maxVersion: version, ciphers })
    try {
      await once(socket, 'secureConnect')
      return socket.getProtocol()
    } catch (error) {
      return error instanceof Error && 'code' in error ? error.code : error
    } finally {
      socket.destroy()
    }
  }

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is spoken as %s', async (version) => {
    expect(await versionOf(version)).toBe(version)
  })

  it.each(['TLSv1', 'TLSv1.1'] as const)('is refused as %s, with an alert that says so', async (version) => {
    expect(await versionOf(version, 'DEFAULT@SECLEVEL=0')).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
  })

  it.each(['NULL', 'aNULL'])('refuses the ciphers %s, which hide nothing or prove nobody', async (ciphers) => {
    expect(await versionOf('TLSv1.2', `${ciphers}:@SECLEVEL=0`)).not.toBe('TLSv1.2')
  })
})
