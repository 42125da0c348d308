import { describe, expect, it } from 'vitest'
import { readConfiguration } from '../../src/doctor/configuration.ts'

async function problemsWith (variables: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { findings } = await readConfiguration(variables, undefined)
  return findings.filter(({ check, state }) => check === 'configuration' && state === 'problem').map(({ found }) => found)
}

describe('the variables, as signet doctor reads them', () => {
  it('takes those that belong together as together, in whatever order they are checked', async () => {
    const tls = { TLS_CERTIFICATE_FILE: '/tls/server.pem', TLS_KEY_FILE: '/tls/server.key' }
    expect(await problemsWith({ ...tls, TLS_CLIENT_CA_FILE: '/tls/authorities.pem', AUTHENTICATION_METHODS: 'tls_client_auth' })).toEqual([])
    expect(await problemsWith({ TRUST_PROXY: '127.0.0.1', CLIENT_CERTIFICATE_HEADER: 'Client-Cert', TLS_CLIENT_CA_FILE: '/tls/authorities.pem' })).toEqual([])
    const { config } = await readConfiguration(tls, undefined)
    expect(config).toMatchObject({ tlsCertificateFile: '/tls/server.pem', issuer: 'https://127.0.0.1:8080' })
  })

  it('says once what is wrong with them, whichever of them is there', async () => {
    const together = [expect.stringMatching(/go together/)]
    expect(await problemsWith({ TLS_CERTIFICATE_FILE: '/tls/server.pem' })).toEqual(together)
    expect(await problemsWith({ TLS_KEY_FILE: '/tls/server.key' })).toEqual(together)
    expect(await problemsWith({ TLS_CLIENT_CA_FILE: '/tls/authorities.pem' })).toEqual([expect.stringMatching(/needs certificates of clients/)])
    expect(await problemsWith({ TRUST_PROXY: '127.0.0.1', CLIENT_CERTIFICATE_HEADER: 'not a header', TLS_CLIENT_CA_FILE: '/tls/authorities.pem' })).toEqual([expect.stringMatching(/CLIENT_CERTIFICATE_HEADER is not the name/)])
  })
})
