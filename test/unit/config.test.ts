import { describe, expect, it } from 'vitest'
import { environmentSchema, loadConfig } from '../../src/config.ts'
import { OperatorError } from '../../src/operator-error.ts'

describe('the environment becomes a configuration', () => {
  it('has a default for everything', () => {
    expect(loadConfig({})).toMatchObject({
      port: 8080,
      host: '127.0.0.1',
      issuer: 'http://127.0.0.1:8080',
      databaseUrl: undefined,
      masterKey: undefined,
      logLevel: 'info',
      trustProxy: [],
      requireGrantType: false,
      staleLimitSeconds: 900
    })
    expect(loadConfig({}).workers).toBeGreaterThan(0)
    expect(loadConfig({}).dataDir).toBe(`${process.cwd()}/.signet`)
  })

  it('reads every variable', () => {
    const config = loadConfig({
      PORT: '9000',
      HOST: '0.0.0.0',
      ISSUER: 'https://auth.example.com/v1/',
      DATABASE_URL: 'postgresql://u:p@db/x',
      DATABASE_WAIT_SECONDS: '0',
      MASTER_KEY: 'k',
      SIGNET_DATA_DIR: '/var/lib/signet',
      SIGNET_CONFIG: 'signet.yaml',
      WORKERS: '3',
      LOG_LEVEL: 'silent',
      TRUST_PROXY: '10.0.0.0/8, ::1',
      REQUIRE_GRANT_TYPE: 'true',
      STALE_LIMIT_SECONDS: '5',
      DRAIN_SECONDS: '0',
      SHUTDOWN_TIMEOUT_SECONDS: '1',
      SIGNET_POSTGRES_USER: 'pg'
    })
    expect(config).toMatchObject({
      port: 9000,
      host: '0.0.0.0',
      issuer: 'https://auth.example.com/v1',
      databaseUrl: 'postgresql://u:p@db/x',
      databaseWaitSeconds: 0,
      masterKey: 'k',
      dataDir: '/var/lib/signet',
      configFile: 'signet.yaml',
      workers: 3,
      logLevel: 'silent',
      trustProxy: ['10.0.0.0/8', '::1'],
      requireGrantType: true,
      staleLimitSeconds: 5,
      drainSeconds: 0,
      shutdownTimeoutSeconds: 1,
      postgresUser: 'pg'
    })
  })

  it('counts an empty or blank variable as absent', () => {
    const blank = Object.fromEntries(Object.keys(environmentSchema.properties).map((name, index) => [name, index % 2 === 0 ? '' : '  ']))
    expect(loadConfig(blank)).toEqual(loadConfig({}))
  })

  it('ignores what it does not know, and cannot be changed afterwards', () => {
    const config = loadConfig({ PATH: '/bin', port: '1' })
    expect(config.port).toBe(8080)
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.trustProxy)).toBe(true)
  })

  it.each([['true', true], ['false', false], ['1', true], ['0', false]])('takes %s for a boolean', (text, expected) => {
    expect(loadConfig({ REQUIRE_GRANT_TYPE: text }).requireGrantType).toBe(expected)
  })

  const refused: Readonly<Record<string, readonly string[]>> = {
    PORT: ['0', '65536', '-1', '80.5', 'http', '0x50', '1e3', '８０'],
    DATABASE_URL: ['mysql://x/y', 'db.example.com', 'http://x', 'sqlite:x'],
    DATABASE_WAIT_SECONDS: ['601', '-1', 'soon'],
    WORKERS: ['0', '257', 'all', '1.5'],
    LOG_LEVEL: ['verbose', 'INFO', '3'],
    TRUST_PROXY: ['loopback', 'proxy.example', '10.0.0.0/33', '10.0.0.0/', '10.0.0.1/8/8', '10.0.0', '*', 'true', '10.0.0.1;10.0.0.2', '::1/129'],
    REQUIRE_GRANT_TYPE: ['yes', 'TRUE', 'on', '2', 'constructor'],
    STALE_LIMIT_SECONDS: ['4', '86401', '15m'],
    DRAIN_SECONDS: ['301', '-1', 'x'],
    SHUTDOWN_TIMEOUT_SECONDS: ['0', '601', 'x']
  }
  const cases = Object.entries(refused).flatMap(([name, texts]) => texts.map((text): [string, string] => [name, text]))
  it.each(cases)('refuses %s=%s and names the variable', (name, text) => {
    expect(() => loadConfig({ [name]: text })).toThrow(OperatorError)
    expect(() => loadConfig({ [name]: text })).toThrow(new RegExp(`\\b${name}\\b`))
  })

  it('refuses in one plain sentence or two, that do not quote a secret', () => {
    for (const [name, text] of [...cases, ['ISSUER', 'x'] as const]) {
      const message = messageOf(() => loadConfig({ [name]: text, MASTER_KEY: 'the master key itself' }))
      expect(message).toMatch(/^[A-Z].*\.$/)
      expect(message).not.toMatch(/undefined|\[object|the master key itself/)
    }
    expect(messageOf(() => loadConfig({ DATABASE_URL: 'mysql://user:hunter2@x/y' }))).not.toContain('hunter2')
  })
})

describe('RFC 8414 §2 the issuer', () => {
  const accepted: [string, string][] = [
    ['https://auth.example.com', 'https://auth.example.com'], ['https://auth.example.com/', 'https://auth.example.com'], ['https://Auth.Example.com', 'https://auth.example.com'],
    ['https://auth.example.com:8443', 'https://auth.example.com:8443'], ['https://auth.example.com:443', 'https://auth.example.com'], ['https://example.com/auth/v1', 'https://example.com/auth/v1'],
    ['https://example.com/auth/v1///', 'https://example.com/auth/v1'], ['http://localhost:3000', 'http://localhost:3000'], ['http://127.0.0.1', 'http://127.0.0.1'], ['http://127.1.2.3:1', 'http://127.1.2.3:1'],
    ['http://[::1]:8080', 'http://[::1]:8080'], ['http://signet.localhost', 'http://signet.localhost'], ['https://example.com/a.b_c~d-e', 'https://example.com/a.b_c~d-e']
  ]
  it.each(accepted)('may be %s', (text, expected) => {
    expect(loadConfig({ ISSUER: text }).issuer).toBe(expected)
  })

  const refused = [
    'auth.example.com', 'ftp://example.com', 'https://', 'https://example.com?', 'https://example.com/?a=b', 'https://example.com#', 'https://example.com/#x', 'https://user@example.com', 'https://user:pass@example.com',
    'http://example.com', 'http://10.0.0.1', 'http://0.0.0.0', 'http://localhost.example.com', 'http://127.0.0.1.example.com', 'http://[::2]', 'http://notlocalhost', 'https://example.com/a b', 'https://example.com/%41',
    'https://example.com//a', 'https://example.com/a;b', 'https://example.com/:id', 'https://example.com/*', 'javascript:alert(1)'
  ]
  it.each(refused)('is never %s', (text) => {
    expect(() => loadConfig({ ISSUER: text })).toThrow(OperatorError)
  })

  it('follows the port when it is not set', () => {
    expect(loadConfig({ PORT: '9123' }).issuer).toBe('http://127.0.0.1:9123')
  })
})

function messageOf (action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof OperatorError) return error.message
    throw error
  }
  throw new Error('it was accepted')
}
