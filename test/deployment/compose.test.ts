import { execFileSync, spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { environmentSchema, loadConfig } from '../../src/config.ts'
import { parseMasterKey } from '../../src/sealing/master-key.ts'
import { readDocument, repository } from '../documents/markdown.ts'
import { isRoot } from '../support/data-folder.ts'
import { makeSecrets, readStack } from './stack.ts'

const { services, volumes } = readStack()
const text = readDocument('docker-compose.yml')
const ours = ['signet', 'api', 'secrets']

describe('docker-compose.yml', () => {
  it('has nothing that its linter objects to', () => {
    const { stdout, status } = spawnSync(process.execPath, [join(repository, 'node_modules/dclint/bin/dclint.cjs'), '--max-warnings', '0', 'docker-compose.yml'], { cwd: repository, encoding: 'utf8' })
    expect({ stdout: stdout.trim(), status }).toEqual({ stdout: '', status: 0 })
  })

  it('has the stack: Signet, PostgreSQL 18 with its volume where that image wants it, the sample API, and what makes the secrets', () => {
    expect(Object.keys(services).sort()).toEqual(['api', 'postgres', 'secrets', 'signet'])
    expect(services['postgres']).toMatchObject({ image: 'postgres:18', volumes: ['database:/var/lib/postgresql', 'secrets:/run/signet:ro'] })
    expect(Object.keys(volumes).sort()).toEqual(['database', 'secrets'])
  })

  it('starts them in order: a service waits for what makes its secrets, and for the health of what it uses', () => {
    const conditions = Object.entries(services).flatMap(([name, { depends_on: needs = {} }]) => Object.entries(needs).map(([other, { condition }]) => `${name} ${other} ${condition}`))
    expect(conditions.sort()).toEqual(['api signet service_healthy', 'postgres secrets service_completed_successfully', 'signet postgres service_healthy', 'signet secrets service_completed_successfully'])
  })

  it('is reached from this machine only', () => {
    const published = Object.values(services).flatMap(({ ports = [] }) => ports)
    expect(published).toHaveLength(2)
    for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:/)
  })

  it.each(ours)('gives %s a read-only file system, no capability that it does not need and no way to new privileges', (name) => {
    expect(services[name]).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
    expect(services[name]?.cap_add ?? []).toEqual(name === 'secrets' ? ['CHOWN'] : [])
  })

  it('lets Signet drain before it is ended', () => {
    const environment = services['signet']?.environment ?? {}
    expect(Number(services['signet']?.stop_grace_period?.replace('s', ''))).toBeGreaterThan(Number(environment['SHUTDOWN_TIMEOUT_SECONDS']) + loadConfig({}).drainSeconds)
  })

  it('holds no secret: they are named by file, in the folder that the volume is mounted at', () => {
    const variables = Object.values(services).flatMap(({ environment = {} }) => Object.entries(environment))
    const secret = variables.filter(([name]) => /PASSWORD|SECRET|KEY/.test(name))
    expect(secret.length).toBeGreaterThanOrEqual(4)
    for (const [name, value] of secret) expect(`${name}=${String(value)}`).toMatch(/_FILE=\/run\/signet\/[\w.-]+$/)
    expect(variables.map(([, value]) => String(value)).filter((value) => /:\/\/[^/]*:[^/]*@/.test(value))).toEqual([])
  })

  it('sets variables that Signet knows; those that can be set from outside have the default that Signet has', () => {
    const schema: Readonly<Record<string, { default?: string | number | boolean }>> = environmentSchema.properties
    const names = Object.keys(services['signet']?.environment ?? {})
    expect(names.filter((name) => !(name in schema))).toEqual([])
    const outside = [...text.matchAll(/\$\{(\w+):-([^}]*)\}/g)].map(([, name = '', value = '']) => ({ name, value }))
    const different = outside.filter(({ name, value }) => String(schema[name]?.default ?? '') !== value)
    expect(new Set(different.map(({ name }) => name))).toEqual(new Set(['WORKERS', 'API_PORT']))
  })
})

describe('deploy/compose/make-secrets.sh', () => {
  it('makes each secret once, for its users to read and for nobody else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'signet-secrets-'))
    try {
      for (const [name, mode] of [['master.key', 0o400], ['database-password', 0o440]] as const) {
        const left = join(folder, `${name}.unfinished`)
        writeFileSync(left, 'what a crash left', { mode })
        if (isRoot) chownSync(left, 10_001, 10_001)
      }
      makeSecrets(folder)
      const read = (): Record<string, string> => Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
      const made = read()
      const modes = Object.keys(made).sort().map((name) => {
        const { mode, uid, gid } = statSync(join(folder, name))
        return `${name} ${(mode & 0o777).toString(8)}${isRoot ? ` ${uid}:${gid}` : ''}`
      })
      const owners = isRoot ? [' 10001:10002', ' 10001:999', ' 10001:10001', ' 10001:10001'] : ['', '', '', '']
      expect(modes).toEqual(['api-secret 440', 'database-password 440', 'master.key 400', 'partner-secret 400'].map((each, index) => each + String(owners[index])))
      for (const value of Object.values(made)) expect(value).toMatch(/^[\da-f]{64}$/)
      expect(new Set(Object.values(made)).size).toBe(4)
      expect(parseMasterKey(made['master.key'] ?? '', 'it').bytes).toHaveLength(32)
      makeSecrets(folder)
      expect(read()).toEqual(made)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('is a shell script without anything that is not in every POSIX shell', () => {
    execFileSync('sh', ['-n', join(repository, 'deploy/compose/make-secrets.sh')])
    expect(readDocument('deploy/compose/make-secrets.sh')).toMatch(/^#!\/bin\/sh\n/)
  })
})

describe('deploy/compose/signet.yaml', () => {
  it('takes its secrets from the files that the script makes, and names the clients that the stack uses', () => {
    const file = parse(readDocument('deploy/compose/signet.yaml')) as { clients: Record<string, { secret: { from_file: string } }>, resources: Record<string, unknown> } // it is ours
    expect(Object.entries(file.clients).map(([id, { secret }]) => `${id} ${secret.from_file}`)).toEqual(['cl_live_samplebackend /run/signet/partner-secret', 'cl_live_sampleapi /run/signet/api-secret'])
    expect(services['api']?.environment).toMatchObject({ INTROSPECTION_CLIENT_ID: 'cl_live_sampleapi', INTROSPECTION_CLIENT_SECRET_FILE: '/run/signet/api-secret', AUDIENCE: Object.keys(file.resources)[0] })
  })
})
