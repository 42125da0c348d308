/** The package as somebody installs it: what npm would pack, and nothing of this repository besides. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readDocument, repository } from '../../documents/markdown.ts'

const run = promisify(execFile)
const source = join(repository, 'packages', 'verifier')
const manifest = JSON.parse(readDocument('packages/verifier/package.json')) as { version: string, license: string, dependencies: Record<string, string>, engines: Record<string, string>, exports: Record<string, { types: string, default: string }> } // it is ours
const server = JSON.parse(readDocument('package.json')) as { version: string, license: string, dependencies: Record<string, string>, engines: Record<string, string> } // so is this

let consumer: string

beforeAll(async () => {
  consumer = realpathSync(mkdtempSync(join(tmpdir(), 'signet-verifier-')))
  const installed = join(consumer, 'node_modules', '@signet', 'verifier')
  mkdirSync(installed, { recursive: true })
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', consumer], { cwd: source })
  const [packed] = JSON.parse(stdout) as { filename: string }[] // as npm documents it
  await run('tar', ['-xzf', join(consumer, packed?.filename ?? ''), '--strip-components=1', '-C', installed])
  for (const name of ['jose', 'fastify', '@types']) symlinkSync(join(repository, 'node_modules', name), join(consumer, 'node_modules', name))
  writeFileSync(join(consumer, 'package.json'), '{"type":"module"}')
}, 60_000)
afterAll(() => { rmSync(consumer, { recursive: true, force: true }) })

describe('@signet/verifier, packed', () => {
  it('holds what is built, its README and the licence, and neither sources nor tests', async () => {
    const { stdout } = await run('find', ['-L', '.', '-type', 'f'], { cwd: join(consumer, 'node_modules/@signet/verifier') })
    const files = stdout.trim().split('\n').map((path) => path.slice(2)).sort()
    expect(files.filter((path) => !/^dist\/[\w-]+\.(js|d\.ts)$/.test(path))).toEqual(['LICENSE', 'README.md', 'package.json'])
    for (const { types, default: code } of Object.values(manifest.exports).filter((each) => typeof each === 'object')) {
      expect(files).toContain(types.slice(2))
      expect(files).toContain(code.slice(2))
    }
  })

  it('depends on jose alone, in a range that has the version that the server uses, under the same licence', () => {
    expect(Object.keys(manifest.dependencies)).toEqual(['jose'])
    expect(server.dependencies['jose']?.split('.')[0]).toBe(manifest.dependencies['jose']?.replace('^', '').split('.')[0])
    expect(manifest).toMatchObject({ version: server.version, license: server.license, engines: server.engines })
    expect(readFileSync(join(source, 'LICENSE'), 'utf8')).toBe(readDocument('LICENSE'))
  })

  it('is imported by its three entries, and by no other path', async () => {
    const script = `
      const { createVerifier, VerificationError } = await import('@signet/verifier')
      const { requireToken: fastify } = await import('@signet/verifier/fastify')
      const { requireToken: express } = await import('@signet/verifier/express')
      const inner = await import('@signet/verifier/dist/keys.js').catch(({ code }) => code)
      const verifier = createVerifier({ issuer: 'https://id.example.com', audience: 'x', whenStatusUnavailable: 'refuse' })
      const error = await verifier.verify('').catch((error) => error)
      console.log([typeof fastify(verifier), typeof express(verifier), inner, error instanceof VerificationError].join(' '))`
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: consumer })
    expect(stdout.trim()).toBe('function function ERR_PACKAGE_PATH_NOT_EXPORTED true')
  })

  it('has types that a strict TypeScript program takes, in Fastify and in plain node:http', async () => {
    writeFileSync(join(consumer, 'api.ts'), `
      import fastify, { type FastifyRequest } from 'fastify'
      import { createServer } from 'node:http'
      import type { TLSSocket } from 'node:tls'
      import { createVerifier, VerificationError, type AccessToken } from '@signet/verifier'
      import { requireToken } from '@signet/verifier/fastify'
      import { requireToken as middleware } from '@signet/verifier/express'

      declare module 'fastify' { interface FastifyRequest { accessToken: AccessToken | null } }

      const verifier = createVerifier({ issuer: 'https://id.example.com', audience: 'https://api.example.com', whenStatusUnavailable: 'accept', dpop: { url: 'https://api.example.com' } })
      const certificate = ({ raw }: FastifyRequest): Uint8Array | undefined => (raw.socket as TLSSocket).getPeerCertificate().raw
      fastify().get('/', { onRequest: requireToken(verifier, { scope: 'a b', certificate, onRefused: (error, { log }) => { log.info(error.cause) } }) }, ({ accessToken }) => accessToken?.client_id)
      fastify().get('/', { onRequest: [requireToken(verifier)] }, () => 'ok')
      createServer((request, response) => {
        verifier.verify(request, { scope: 'a' }).then(({ scope, sub }) => response.end(sub + (scope ?? '')), (error: unknown) => {
          if (error instanceof VerificationError) response.writeHead(error.status, error.headers).end(JSON.stringify(error.body))
        })
        middleware(verifier)(request, response, () => {})
      })
      // @ts-expect-error what happens without a list has no default
      createVerifier({ issuer: 'https://id.example.com', audience: 'https://api.example.com' })`)
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--skipLibCheck', 'false', '--types', 'node', '--exactOptionalPropertyTypes', 'api.ts']
    const outcome = await run(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), ...options], { cwd: consumer }).catch((error: unknown) => error)
    expect(outcome).toMatchObject({ stdout: '' })
  }, 60_000)
})
