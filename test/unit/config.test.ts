import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { environmentSchema, loadConfig } from '../../src/config.ts'
import { authenticationMethods, needsCertificate } from '../../src/oauth/authentication-methods.ts'
import { grantTypes } from '../../src/oauth/grant-types.ts'
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
      grantTypes,
      authenticationMethods: authenticationMethods.filter((method) => !needsCertificate(method)),
      signingAlgorithms: ['RS256'],
      rsaModulusBits: 2048,
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
      GRANT_TYPES: ' client_credentials,, client_credentials ',
      AUTHENTICATION_METHODS: 'client_secret_post',
      SIGNING_ALGORITHMS: 'ES256, RS256,ES256',
      RSA_MODULUS_BITS: '4096',
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
      grantTypes: ['client_credentials'],
      authenticationMethods: ['client_secret_post'],
      signingAlgorithms: ['ES256', 'RS256'],
      rsaModulusBits: 4096,
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
    GRANT_TYPES: ['password', 'client_credentials password', 'Client_Credentials', ','],
    AUTHENTICATION_METHODS: ['none', 'client_secret_basic;client_secret_post', ' , ', 'constructor'],
    SIGNING_ALGORITHMS: ['HS256', 'none', 'rs256', 'RS256 ES256', 'RS512', 'Ed25519', ','],
    RSA_MODULUS_BITS: ['1024', '2047', '2049', '3000', '5120', '8192', 'large'],
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

describe('the password of the database from a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'signet-password-'))
  const file = join(folder, 'password')
  afterAll(() => { rmSync(folder, { recursive: true }) })

  function load (password: string, url = 'postgresql://signet@db.example.com:5432/signet'): string | undefined {
    writeFileSync(file, password)
    return loadConfig({ DATABASE_URL: url, DATABASE_PASSWORD_FILE: file }).databaseUrl
  }

  it('is put into DATABASE_URL, percent-encoded, without the line break at its end', () => {
    expect(load('s3cret')).toBe('postgresql://signet:s3cret@db.example.com:5432/signet')
    expect(load('s3cret\n')).toBe('postgresql://signet:s3cret@db.example.com:5432/signet')
    expect(load(' a:b@c/d?e#f%g é\r\n')).toBe('postgresql://signet:%20a%3Ab%40c%2Fd%3Fe%23f%25g%20%C3%A9@db.example.com:5432/signet')
    expect(load('x', 'postgres://signet@/name?host=/run/postgresql')).toBe('postgres://signet:x@/name?host=/run/postgresql')
  })

  it('comes out of pg as it went in', () => {
    const password = "p'a\"s s\\w+ö&r=d@:/?#%41"
    expect(new pg.Client({ connectionString: load(password) })).toMatchObject({ user: 'signet', password, host: 'db.example.com', database: 'signet' })
  })

  it.each([
    ['is empty', '\n', /is empty\. Write the password into it\.$/],
    ['has several lines', 'hunter2\nhunter3', /more than one line/],
    ['has a NUL', 'hunter2\0', /more than one line/]
  ])('is refused in a sentence that does not quote it when the file %s', (_, password, sentence) => {
    const message = messageOf(() => load(password))
    expect(message).toMatch(sentence)
    expect(message).toMatch(/^DATABASE_PASSWORD_FILE .*\.$/)
    expect(message).not.toContain('hunter')
  })

  it('is refused when the file is missing or no file, naming it', () => {
    const missing = join(folder, 'missing')
    expect(messageOf(() => loadConfig({ DATABASE_URL: 'postgresql://u@h/d', DATABASE_PASSWORD_FILE: missing }))).toBe(`DATABASE_PASSWORD_FILE names ${missing}, which cannot be read (ENOENT). Put the file there, or make it readable for this user.`)
    expect(messageOf(() => loadConfig({ DATABASE_URL: 'postgresql://u@h/d', DATABASE_PASSWORD_FILE: folder }))).toContain('(EISDIR)')
  })

  it('is refused without DATABASE_URL, beside another password, and without a user', () => {
    expect(messageOf(() => loadConfig({ DATABASE_PASSWORD_FILE: file }))).toContain('DATABASE_URL is not')
    const twice = messageOf(() => load('x', 'postgresql://signet:hunter2@h/d'))
    expect(twice).toContain('Keep one of them')
    expect(twice).not.toContain('hunter2')
    expect(messageOf(() => load('x', 'postgresql://h/d'))).toContain('names no user')
    expect(messageOf(() => load('x', 'postgresql://@h/d'))).toContain('names no user')
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
